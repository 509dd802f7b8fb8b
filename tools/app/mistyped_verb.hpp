// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vmstate::app {

/// The verb that was probably meant by `word`, which stands where a verb or a file may stand. Nothing where `word` is a verb
/// or something that exists, or is like no verb.
std::optional<std::string> mistyped_verb(const std::string& word, const std::vector<std::string>& verbs);

}  // namespace vmstate::app
