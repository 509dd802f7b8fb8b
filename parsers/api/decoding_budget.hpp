// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/base/limits.hpp"

namespace vmstate {

/// What the compressed layers around one stream may cost together, however many they are: docs/decisions/0008.
class DecodingBudget {
 public:
  explicit DecodingBudget(const Limits& limits) : limits_(limits) {}

  /// Number of a further layer, which lies inside the ones before it.
  std::size_t add_layer() {
    layers_.emplace_back();
    return layers_.size() - 1;
  }
  /// Bytes that a layer took and gave, since the last call.
  void count(std::size_t layer, std::uint64_t taken, std::uint64_t given) {
    layers_[layer].taken += taken;
    given_ += given;
  }
  /// Why decoding has to stop, once it has to.
  std::optional<std::string> exceeded() const;

  /// Bytes that the decoder of a layer holds now.
  void hold(std::size_t layer, std::size_t memory) { layers_[layer].memory = memory; }
  /// Bytes that it may hold: what the other layers leave.
  std::size_t memory_for(std::size_t layer) const;

 private:
  struct Layer {
    std::uint64_t taken = 0;
    std::size_t memory = 0;
  };

  const Limits& limits_;
  std::vector<Layer> layers_;
  std::uint64_t given_ = 0;  // by all layers
};

}  // namespace vmstate
