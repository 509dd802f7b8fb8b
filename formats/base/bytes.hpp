// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace vmstate {

/// A borrowed view of input bytes. It lives as long as its owner says, usually until the next read.
using Bytes = std::span<const std::uint8_t>;

/// A position in one address space (a file, a layer's output, a stream), in bytes from its start.
using Offset = std::uint64_t;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// a + b, or nothing when the sum does not fit.
constexpr std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  if (b > std::numeric_limits<std::uint64_t>::max() - a) return std::nullopt;
  return a + b;
}
/// a * b, or nothing when the product does not fit.
constexpr std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
  if (a != 0 && b > std::numeric_limits<std::uint64_t>::max() / a) return std::nullopt;
  return a * b;
}

/// Like checked_add and checked_multiply; what does not fit is the largest number.
constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<std::uint64_t>::max());
}
constexpr std::uint64_t saturating_multiply(std::uint64_t a, std::uint64_t b) {
  return checked_multiply(a, b).value_or(std::numeric_limits<std::uint64_t>::max());
}

/// Half-open range [offset, offset + size) of bytes. `end()` never wraps: it saturates at the largest offset.
struct ByteRange {
  Offset offset = 0;
  std::uint64_t size = 0;

  static constexpr ByteRange between(Offset begin, Offset end) { return {begin, end > begin ? end - begin : 0}; }
  constexpr Offset end() const {
    return checked_add(offset, size).value_or(std::numeric_limits<std::uint64_t>::max());
  }
  constexpr bool empty() const { return size == 0; }
  constexpr bool contains(Offset at) const { return at >= offset && at - offset < size; }
  constexpr bool contains(ByteRange other) const { return other.offset >= offset && other.end() <= end(); }
  friend constexpr bool operator==(ByteRange, ByteRange) = default;
};

}  // namespace vmstate
