// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// vmstate-dump with all its verbs. Answers the exit status; never throws for anything a file contains.
int dump(const DumpOptions& options, const Io& io);

/// The version of this build.
const char* version();

}  // namespace vmstate::app
