// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/app/io.hpp"
#include "tools/app/rewrite.hpp"

namespace vmstate::app {

/// vmstate-upgrade FILE -o OUT: rewrites one state, or says why it cannot be rewritten exactly. `options.files` holds one
/// path, or "-". Answers the exit status: 0 the output is there and proven; 2 nothing was written.
int upgrade(const RewriteOptions& options, const Io& io);

}  // namespace vmstate::app
