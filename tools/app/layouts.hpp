// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// Reads options.layouts_folder, if one was given, into options.layouts: the layouts of this build and those of the folder's
/// JSON files. Where that fails it says why, in the name of `tool`, and answers the exit status.
[[nodiscard]] std::optional<int> load_layouts(CommonOptions& options, std::string_view tool, const Io& io);

/// `layouts list` and `layouts show NAME`.
int layouts(const DumpOptions& options, const Io& io);

}  // namespace vmstate::app
