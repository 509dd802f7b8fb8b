// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "formats/base/forward_reader.hpp"
#include "parsers/api/description.hpp"

namespace vmstate {

/// A description found in a stream before its turn.
struct LocatedDescription {
  Offset at = 0;                  ///< of its type byte, in the stream
  std::uint64_t announced = 0;    ///< length of the text as the stream says it
  std::uint64_t available = 0;    ///< bytes of it that there are
  VmDescription model;
  ByteRange text() const { return {at + 5, available}; }
};

/// Searches backwards from the end of a seekable source; zero padding and some trailing bytes may follow the
/// description. The reader is left where it was.
std::optional<LocatedDescription> locate_from_end(ForwardReader& in, const Limits& limits);

/// Searches forwards from the reader's position, not beyond `before`, as far as Limits::lookahead: for pipes, and for
/// files in which something follows the stream. The reader is left where it was.
std::optional<LocatedDescription> locate_ahead(ForwardReader& in, std::optional<Offset> before, const Limits& limits);

/// Reads the description whose type byte is at `at` (given that one begins there).
LocatedDescription read_description(ForwardReader& in, Offset at, const Limits& limits);

}  // namespace vmstate
