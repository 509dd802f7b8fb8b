// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parsers/inspect/comparison.hpp"
#include "parsers/inspect/section_state.hpp"

namespace vmstate {

/// Compares two sections of one name and instance, field by field where both are described.
void compare_sections(const SectionState& left, const SectionState& right, Comparison& out);

}  // namespace vmstate
