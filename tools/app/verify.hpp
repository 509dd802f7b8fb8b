// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "formats/base/result.hpp"
#include "parsers/inspect/comparison.hpp"
#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// Compares the machine states in two files, whatever their containers, stream versions and RAM iterations. Reads each file
/// once, and again where a large guest or chains of deltas ask for it. A Fault: the medium failed, or a file is no state.
[[nodiscard]] Result<Comparison> compare_files(const std::string& left, const std::string& right, const CommonOptions& options,
                                               const Io& io);

/// `vmstate-upgrade verify LEFT RIGHT`: the two files of `options`. Answers 0: same, 1: different, 2: not comparable.
int verify(const CommonOptions& options, const Io& io);

}  // namespace vmstate::app
