// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/comparison.hpp"

#include <utility>

namespace vmstate {

void Comparison::differ(StateDifference difference) {
  ++count_;
  if (differences_.size() < most_) differences_.push_back(std::move(difference));
}

void Comparison::add(std::vector<std::string>& list, std::string text) {
  if (list.size() < most_) list.push_back(std::move(text));
}

}  // namespace vmstate
