// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parsers/framing/walk_state.hpp"

namespace vmstate {

/// One section at the reader: header, body, footer.
void read_section(WalkState& walk);

/// Tells the sinks of a description that was just located.
void publish_description(WalkState& walk);

}  // namespace vmstate
