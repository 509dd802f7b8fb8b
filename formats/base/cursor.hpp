// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string_view>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Big-endian integers at the start of `bytes`, which must be long enough: the callers below have checked.
inline std::uint16_t load_be16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>((std::uint16_t{p[0]} << 8) | p[1]);
}
inline std::uint32_t load_be32(const std::uint8_t* p) {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}
inline std::uint64_t load_be64(const std::uint8_t* p) {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}

/// Reads big-endian records out of a view. Sticky: after a read beyond the end every further one returns zero and
/// does not move; the first failed field is remembered. Read many, ask once.
class Cursor {
 public:
  /// `base` is the offset of the first byte of `bytes` in its address space.
  explicit Cursor(Bytes bytes, Offset base = 0) : bytes_(bytes), base_(base) {}

  std::uint8_t u8(std::string_view field) {
    return claim(1, field) ? bytes_[at_ - 1] : std::uint8_t{0};
  }
  std::uint16_t be16(std::string_view field) { return claim(2, field) ? load_be16(&bytes_[at_ - 2]) : std::uint16_t{0}; }
  std::uint32_t be32(std::string_view field) { return claim(4, field) ? load_be32(&bytes_[at_ - 4]) : 0u; }
  std::uint64_t be64(std::string_view field) { return claim(8, field) ? load_be64(&bytes_[at_ - 8]) : std::uint64_t{0}; }
  Bytes take(std::uint64_t count, std::string_view field) {
    if (!claim(count, field)) return {};
    return bytes_.subspan(at_ - static_cast<std::size_t>(count), static_cast<std::size_t>(count));
  }
  /// u8 length and that many bytes.
  std::string_view counted_text(std::string_view field) {
    const auto length = u8(field);
    return as_text(take(length, field));
  }
  void skip(std::uint64_t count, std::string_view field) { (void)claim(count, field); }

  bool ok() const { return failed_field_.empty(); }
  explicit operator bool() const { return ok(); }
  std::string_view failed_field() const { return failed_field_; }
  Offset position() const { return base_ + at_; }  ///< in the address space of `base`
  std::size_t consumed() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  Bytes rest() const { return bytes_.subspan(at_); }
  std::optional<std::uint8_t> peek() const {
    if (at_ == bytes_.size()) return std::nullopt;
    return bytes_[at_];
  }

 private:
  bool claim(std::uint64_t count, std::string_view field) {
    if (!failed_field_.empty()) return false;
    if (count > remaining()) {
      failed_field_ = field.empty() ? std::string_view("bytes") : field;
      return false;
    }
    at_ += static_cast<std::size_t>(count);
    return true;
  }

  Bytes bytes_;
  Offset base_;
  std::size_t at_ = 0;
  std::string_view failed_field_;
};

}  // namespace vmstate
