// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/app/io.hpp"

namespace vmstate::world {

/// Standard streams, terminal, environment, clock and signals of this process, for the tools' main().
app::Io real_io();

/// From now on the first SIGINT, SIGTERM or SIGHUP only makes Io::interrupted() true, so that an unfinished output can be
/// removed; the second ends the process. Before, the first one does.
void remove_outputs_on_interrupt();

/// Runs a tool: `body` answers its exit status. Reports what standard output could not take and exceptions, which are bugs.
int run(const char* tool, int (*body)(int argc, char** argv), int argc, char** argv);

}  // namespace vmstate::world
