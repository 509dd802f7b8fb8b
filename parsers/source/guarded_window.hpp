// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// A read-only window of a file in memory that survives what happens to the file: pages which the file no longer has,
/// or which cannot be read, show as zeros from the first such page to the end of the window, and lost_at() tells.
/// Without the guard the kernel would end the process with SIGBUS. Bus errors elsewhere go to whoever handled them
/// before.
class GuardedWindow {
 public:
  GuardedWindow();
  GuardedWindow(const GuardedWindow&) = delete;
  GuardedWindow& operator=(const GuardedWindow&) = delete;
  ~GuardedWindow();

  /// Moves the window to [offset, offset + size) of the file; `offset` is a multiple of the page size. False: errno
  /// says why, and the window is empty.
  [[nodiscard]] bool map(int descriptor, Offset offset, std::size_t size);
  ByteRange range() const { return {offset_, size_}; }
  Bytes bytes() const { return {data_, size_}; }
  /// Offset in the file of the first page of the present window that turned out to be unreadable.
  std::optional<Offset> lost_at() const;

 private:
  void unmap();

  std::size_t slot_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  Offset offset_ = 0;
};

}  // namespace vmstate
