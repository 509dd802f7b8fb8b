// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// A long section header (START, FULL) as read from bytes.
struct LongHeader {
  std::uint8_t type = 0;
  std::uint32_t id = 0;
  std::string_view name;
  std::uint32_t instance = 0;
  std::uint32_t version = 0;
  std::size_t size = 0;  ///< type byte to version
};

/// Whether a section name could be one: 1 to 255 printable ASCII characters without blanks at its ends.
bool credible_name(std::string_view name);

/// The long header at the start of `bytes`, if what stands there could be one: known type byte, credible name, numbers
/// in proportion. Guest data rarely look like this; see docs/formats/qevm.md, "Finding the next record".
std::optional<LongHeader> credible_long_header(Bytes bytes);

/// Whether a record may begin here: a credible long header, a short header, a command, an end of stream that a description,
/// another stream or the end of the data follows. `open_ids` are the sections that PART and END may belong to.
/// `at_end`: the bytes end where the data end.
bool credible_record(Bytes bytes, std::span<const std::uint32_t> open_ids, bool at_end);

/// Like credible_long_header() with the stricter idea of names and numbers that a search through arbitrary bytes needs.
std::optional<LongHeader> likely_long_header(Bytes bytes);

/// Whether `bytes` begin with the header of a PART or END whose id is in proportion, whatever section it is of.
bool credible_short_header(Bytes bytes);

/// Whether `bytes` begin with the footer of section `id`.
bool is_footer_of(Bytes bytes, std::uint32_t id);

/// Whether `bytes` begin with an end-of-stream byte and a description.
bool is_described_end(Bytes bytes);

/// Whether `bytes`, which end where the data end, are an end-of-stream byte and the beginning of a description that is cut
/// before is_described_end() can tell.
bool is_described_end_cut(Bytes bytes);

/// Whether `bytes` begin like the text of a description.
bool is_description_text(Bytes bytes);

}  // namespace vmstate
