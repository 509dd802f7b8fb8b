// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace vmstate::app {

/// Whether `text` matches one of the shell patterns; no patterns match everything. `*` crosses slashes.
bool matches_any(const std::vector<std::string>& patterns, const std::string& text);

}  // namespace vmstate::app
