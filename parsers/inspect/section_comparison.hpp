// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "parsers/inspect/comparison.hpp"
#include "parsers/inspect/section_state.hpp"

namespace vmstate {

/// Whether comparing two sections could say all there is to say.
enum class Certainty : std::uint8_t {
  certain,
  sentinels,  ///< bytes 0x06 of a body that is not described are sentinels or state: they alone make the two differ
  extent,     ///< one body goes on where the guessed end of the other is
  unread      ///< bytes that no parser understood differ
};

/// Compares two sections of one name and instance, field by field where both are described.
Certainty compare_sections(const SectionState& left, const SectionState& right, Comparison& out);

}  // namespace vmstate
