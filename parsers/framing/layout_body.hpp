// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "parsers/api/layout_decoder.hpp"
#include "parsers/framing/walk_state.hpp"

namespace vmstate {

/// The layout that explains a body best.
struct LayoutMatch {
  LayoutDecoding decoding;
  bool ends_well = false;   ///< the body ends where the layout does
  bool data_ended = false;  ///< the stream ends before the layout does, and sentinels vouch for the layout
};

/// Reads the body of a FULL section, at the reader, by the layouts of its name. Nothing: none is known for its name and
/// version. The reader does not move.
std::optional<LayoutMatch> match_layout(WalkState& walk, const SectionHeader& header);

/// Reports a layout that does not end where the body does. `size` is where that was found to be.
void report_misfit(WalkState& walk, const SectionHeader& header, const LayoutMatch& match, std::optional<std::uint64_t> size);

}  // namespace vmstate
