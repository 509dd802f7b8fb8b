// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/stream_builder.hpp"

namespace vmstate::test {

/// A whole stream of less than two kilobytes with every kind of record, small enough to try each of its prefixes. Its guest
/// has pages of 256 bytes. Marks: eof, description.
inline StreamBuilder tiny_stream() {
  constexpr std::size_t page = 256;
  StreamBuilder b;
  b.header().configuration("tiny").subsection("configuration/target-page-bits").be32(8);
  b.start(2, "ram", 4).mem_size({{"r", 4 * page}, {"v", 2 * page}}).eos().footer(2);
  b.command(2, hex("00000001"));
  b.part(2).page(0, 0xd1, "r", page).zero(page).eos().footer(2);
  b.part(2).page(2 * page, 0xd2, {}, page).zero(3 * page).zero(0, "v").eos().footer(2);
  b.end(2).zero(page).eos().footer(2);
  b.device(3, "timer", 2, {{"ticks", "int64", hex("ffffffff ffffff85")}, {"enabled", "bool", hex("01")}});
  b.device(4, "0000:00:01.0/net", 3, {{"mac", "buffer", hex("525400123456")}, {"link", "uint8", hex("01")}}, 2);
  b.device(5, "cpu", 12, {{"halted", "uint32", hex("00000000")}, {"regs", "buffer", ByteVector(40, 0xcc)}});
  b.mark("eof").eof().mark("description").description();
  return b;
}

}  // namespace vmstate::test
