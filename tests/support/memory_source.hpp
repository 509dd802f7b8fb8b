// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <vector>

#include "formats/base/byte_source.hpp"

namespace vmstate::test {

/// Bytes in memory as a source. Every view is a fresh copy, so that a view kept too long is found by the sanitizers.
class MemorySource final : public ByteSource {
 public:
  struct Options {
    std::size_t step = 0;  ///< more than asked for only up to a multiple of this; 0: all there is
    bool seekable = true;  ///< otherwise going back is a Fault
    bool size_known = true;
  };

  explicit MemorySource(std::vector<std::uint8_t> bytes) : MemorySource(std::move(bytes), Options{}) {}
  MemorySource(std::vector<std::uint8_t> bytes, Options options) : bytes_(std::move(bytes)), options_(options) {}

  std::optional<std::uint64_t> size() const override {
    return options_.size_known ? std::optional<std::uint64_t>(bytes_.size()) : std::nullopt;
  }
  bool seekable() const override { return options_.seekable; }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override {
    if (!options_.seekable && at < lowest_) return medium_fault("the test source cannot go back");
    lowest_ = at;
    const auto left = bytes_.size() - static_cast<std::size_t>(std::min<Offset>(at, bytes_.size()));
    const auto given = std::min(left, options_.step == 0 ? left : rounded_up(want));
    const auto begin = bytes_.end() - static_cast<std::ptrdiff_t>(left);
    view_ = std::vector<std::uint8_t>(begin, begin + static_cast<std::ptrdiff_t>(given));
    return Bytes(view_);
  }
  SourceEnd end() const override { return {SourceEnd::Cause::clean, bytes_.size(), bytes_.size(), {}}; }

 private:
  std::size_t rounded_up(std::size_t want) const { return (want + options_.step - 1) / options_.step * options_.step; }

  std::vector<std::uint8_t> bytes_;
  Options options_;
  std::vector<std::uint8_t> view_;
  Offset lowest_ = 0;
};

}  // namespace vmstate::test
