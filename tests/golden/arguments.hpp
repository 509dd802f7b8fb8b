// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tools/app/options.hpp"
#include "tools/app/rewrite.hpp"

namespace vmstate::test {

/// The words of a command line; single quotes keep blanks and patterns together.
std::vector<std::string> split_words(const std::string& line);

/// What `vmstate-dump WORDS…` means, for command lines without mistakes. Throws std::invalid_argument for a word that it
/// does not know: mistakes are for the real program.
app::DumpOptions dump_options(const std::vector<std::string>& words);
/// The same for `vmstate-upgrade WORDS…`.
app::RewriteOptions rewrite_options(const std::vector<std::string>& words);

}  // namespace vmstate::test
