// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "formats/wire/qevm.hpp"
#include "parsers/api/layout_decoder.hpp"
#include "parsers/framing/walk_state.hpp"

namespace vmstate {

/// What must be seen behind a body to judge whether it ends there: a footer and the longest header.
inline constexpr std::size_t boundary_sight = wire::qevm::footer_size + wire::qevm::longest_header_size;

/// Where a body that does not delimit itself ends, and how that is known.
struct BodyExtent {
  std::optional<std::uint64_t> size;  ///< bytes; nothing: no end was found
  Boundary boundary = Boundary::end;
  std::optional<std::size_t> device;  ///< position in the description, where it lists this section
  std::uint64_t described_size = 0;   ///< bytes on the wire by the description, sentinels counted
  std::optional<LayoutDecoding> layout;  ///< what the body is by a layout, where none describes it; whole, if `boundary` says so
};
/// The body at the reader, behind `header`: by the description, a layout, the footer, or a search for what follows. Reports what
/// contradicts the description or the layout. The reader does not move.
BodyExtent find_body_extent(WalkState& walk, const SectionHeader& header);

/// The distance to the byte that ends the whole stream, where nothing but that byte, or a tail of zeros, ends the data.
std::optional<std::size_t> single_end_byte(ForwardReader& in, const Limits& limits);

}  // namespace vmstate
