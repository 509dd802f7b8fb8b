// SPDX-License-Identifier: Apache-2.0
#include "parsers/api/decoding_budget.hpp"

#include <algorithm>

namespace vmstate {

std::optional<std::string> DecodingBudget::exceeded() const {
  if (given_ > limits_.expansion)
    return "all layers together decode to more than " + std::to_string(limits_.expansion) + " bytes";
  const std::uint64_t taken = layers_.empty() ? 0 : layers_.front().taken;
  if (given_ > limits_.expansion_floor && given_ / std::max<std::uint64_t>(taken, 1) > limits_.expansion_ratio)
    return "all layers together decode to more than " + std::to_string(limits_.expansion_ratio) +
           " times the compressed bytes that were read";
  return std::nullopt;
}

std::size_t DecodingBudget::memory_for(std::size_t layer) const {
  std::size_t left = limits_.decoder_memory;
  for (std::size_t other = 0; other < layers_.size(); ++other)
    if (other != layer) left -= std::min(left, layers_[other].memory);
  return left;
}

}  // namespace vmstate
