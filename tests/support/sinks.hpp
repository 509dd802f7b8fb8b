// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "formats/base/byte_sink.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {

/// Keeps what is written.
class MemorySink final : public ByteSink {
 public:
  Result<void> write(Bytes bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<void> finish() override {
    ++finished_;
    return {};
  }
  const ByteVector& bytes() const { return bytes_; }
  unsigned finished() const { return finished_; }

 private:
  ByteVector bytes_;
  unsigned finished_ = 0;
};

/// Takes `room` bytes, then is a full disk.
class FullSink final : public ByteSink {
 public:
  explicit FullSink(std::size_t room) : room_(room) {}
  Result<void> write(Bytes bytes) override {
    if (bytes.size() > room_) {
      ++refused_;
      return medium_fault("the disk is full");
    }
    room_ -= bytes.size();
    return {};
  }
  Result<void> finish() override {
    ++finished_;
    return {};
  }
  unsigned refused() const { return refused_; }
  unsigned finished() const { return finished_; }

 private:
  std::size_t room_;
  unsigned refused_ = 0;
  unsigned finished_ = 0;
};

}  // namespace vmstate::test
