// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "formats/base/byte_source.hpp"
#include "parsers/source/linear_buffer.hpp"

namespace vmstate {

/// A source that is produced front to back: a pipe, a decoder. It keeps what lies between the last `at` and the
/// furthest byte that was asked for, so it can be looked ahead in as far as the caller is willing to pay for. It cannot
/// go back.
class SequentialSource : public ByteSource {
 public:
  std::optional<std::uint64_t> size() const final { return std::nullopt; }
  bool seekable() const final { return false; }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) final;
  /// The fault that stopped reading, if one did: bytes before it are delivered first.
  std::optional<Fault> health() const override { return fault_; }

 protected:
  /// Puts at least one byte into `room`, as many as come without waiting for more. 0: the end.
  virtual Result<std::size_t> produce(std::span<std::uint8_t> room) = 0;
  /// Bytes produced so far.
  Offset produced() const { return buffer_.end(); }

 private:
  Result<void> go_to(Offset at);
  bool produce_more(std::size_t want);

  LinearBuffer buffer_;
  bool stopped_ = false;  // at the end, or by fault_
  std::optional<Fault> fault_;
};

}  // namespace vmstate
