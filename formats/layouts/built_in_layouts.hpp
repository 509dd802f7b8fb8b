// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace vmstate {

struct BuiltInLayoutFile {
  std::string_view name;
  std::string_view text;
};

/// The files of formats/layouts/data. Made by the build.
std::span<const BuiltInLayoutFile> built_in_layout_files();

}  // namespace vmstate
