// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Consecutive bytes of a source with room behind them. They are moved only when room is needed.
class LinearBuffer {
 public:
  Offset begin() const { return offset_; }
  Offset end() const { return offset_ + size_; }
  std::size_t size() const { return size_; }
  Bytes bytes() const { return {data_.get() + head_, size_}; }

  /// Forgets everything; the next byte appended is the one at `at`.
  void restart(Offset at);
  /// Forgets what lies before `at`, which must be in [begin(), end()].
  void drop_before(Offset at);
  /// Makes room() at least `count` bytes long. False: there is no memory for that.
  [[nodiscard]] bool reserve(std::size_t count);
  /// Where to put the bytes that follow end().
  std::span<std::uint8_t> room();
  /// Takes the first `count` bytes of room() as the bytes that follow.
  void append(std::size_t count) { size_ += count; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t capacity_ = 0;
  std::size_t head_ = 0;  // of the kept bytes in data_
  std::size_t size_ = 0;
  Offset offset_ = 0;
};

}  // namespace vmstate
