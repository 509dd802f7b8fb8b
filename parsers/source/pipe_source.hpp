// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "parsers/source/file_source.hpp"
#include "parsers/source/sequential_source.hpp"

namespace vmstate {

/// Reads what cannot be sought: standard input, FIFOs, character devices.
class PipeSource final : public SequentialSource {
 public:
  /// `name` is for messages.
  PipeSource(Descriptor descriptor, std::string name) : descriptor_(std::move(descriptor)), name_(std::move(name)) {}
  SourceEnd end() const override { return {SourceEnd::Cause::clean, produced(), produced(), {}}; }

 private:
  Result<std::size_t> produce(std::span<std::uint8_t> room) override;

  Descriptor descriptor_;
  std::string name_;
};

}  // namespace vmstate
