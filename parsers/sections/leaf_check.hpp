// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "parsers/api/description.hpp"

namespace vmstate {

/// What is wrong with the bytes of a leaf for its type, if anything. `field` of the answer is not set.
std::optional<DecodeProblem> odd_value(const Field& leaf, Bytes bytes);

}  // namespace vmstate
