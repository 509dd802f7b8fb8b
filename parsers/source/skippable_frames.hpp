// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/base/cursor.hpp"

namespace vmstate {

/// First byte of the frames that zstd and lz4 have in common and that carry nothing to decode: 0x184d2a50 … 0x184d2a5f,
/// little-endian, a length of four bytes, that many bytes.
inline bool may_begin_skippable_frame(std::uint8_t first) { return (first & 0xf0) == 0x50; }

/// What stands behind the skippable frames at the start of `head`; empty where they fill it.
inline Bytes behind_skippable_frames(Bytes head) {
  constexpr std::size_t header = 8;
  while (head.size() >= header && may_begin_skippable_frame(head[0]) && head[1] == 0x2a && head[2] == 0x4d &&
         head[3] == 0x18) {
    const std::size_t length = __builtin_bswap32(load_be32(&head[4]));
    if (length > head.size() - header) return {};
    head = head.subspan(header + length);
  }
  return head;
}

}  // namespace vmstate
