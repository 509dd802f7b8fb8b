// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "formats/layouts/catalogue.hpp"

namespace vmstate {

/// A layout as a file says it: its references are ids.
struct LayoutDraft {
  Layout layout;                          ///< `body` and `subsections` are not set
  std::vector<std::string> field_bodies;  ///< id for each field, empty where it has no body
  std::vector<std::string> subsection_ids;
};

/// What a file says, or a sentence with file, line or key, and what is wrong there.
[[nodiscard]] Result<std::vector<LayoutDraft>> read_layout_file(const LayoutFile& file);

}  // namespace vmstate
