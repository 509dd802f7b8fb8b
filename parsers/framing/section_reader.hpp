// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parsers/framing/walk_state.hpp"

namespace vmstate {

/// One section at the reader: header, body, footer.
void read_section(WalkState& walk);

}  // namespace vmstate
