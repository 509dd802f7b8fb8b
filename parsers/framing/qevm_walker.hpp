// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parsers/api/stream_parser.hpp"

namespace vmstate {

/// Walks a stream of tagged records (QEVM version 3 and its relatives) from its header to the end of the input and sends
/// its events. `version` is that of the records, whatever the header says.
void walk_tagged_records(ParseContext& context, std::uint32_t version);

}  // namespace vmstate
