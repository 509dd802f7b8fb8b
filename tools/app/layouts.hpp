// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "formats/layouts/catalogue.hpp"
#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// The layouts of this build and those of the JSON files in `folder`. A Fault of kind refused names the file and what is
/// wrong in it.
[[nodiscard]] Result<LayoutCatalogue> load_layouts(const std::string& folder);

/// `layouts list` and `layouts show NAME`.
int layouts(const DumpOptions& options, const Io& io);

}  // namespace vmstate::app
