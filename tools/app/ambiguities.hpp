// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "formats/encode/json_writer.hpp"
#include "tools/app/inspection.hpp"
#include "tools/app/text.hpp"

// What loaders of different ages make of the same bytes, as `check` shows it.
namespace vmstate::app {

/// The member "ambiguities": every generation, and the places that not all of them read as they were meant.
void write_ambiguities(JsonWriter& json, const Inspection& inspection);
/// A table for each place that findings tell of.
void write_ambiguities(Text& text, const Ambiguity& ambiguity, std::string_view prefix);

}  // namespace vmstate::app
