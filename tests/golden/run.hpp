// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/golden/transcript.hpp"

namespace vmstate::test {

/// Runs `vmstate-dump …` in this process, in the current folder.
Outcome run_in_process(const std::string& command);

/// Runs a command of the shell in the current folder, the programs of this build first in its path. OUT names an empty folder.
Outcome run_in_shell(const std::string& command);

}  // namespace vmstate::test
