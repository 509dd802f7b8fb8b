// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "parsers/api/layout_decoder.hpp"

namespace vmstate {

/// An assumption about one place of a body.
struct LayoutRepair {
  enum class Kind : std::uint8_t {
    replaced,       ///< another byte stands in place of the sentinel
    removed,        ///< the sentinel is not there
    doubled,        ///< the sentinel stands twice
    no_subsection   ///< what looks like a subsection is data
  };
  Kind kind;
  std::uint64_t number;  ///< of the sentinel, or of the subsection, in the order of the body
};

/// decode_by_layout() under assumptions.
LayoutDecoding decode_by_layout(const LayoutInput& input, std::span<const LayoutRepair> repairs, const Limits& limits);

}  // namespace vmstate
