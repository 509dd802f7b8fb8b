// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace vmstate::test {

using ByteVector = std::vector<std::uint8_t>;

/// Bytes of hexadecimal digits; blanks are ignored, 'text' in quotes stands for itself:
///   hex("00 00 02 01"   // word
///       "02 'bk'")      // name
inline ByteVector hex(std::string_view text) {
  const auto digit = [](char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = digits.find(c);
    if (value == std::string_view::npos) throw std::invalid_argument("not a hexadecimal digit");
    return static_cast<unsigned>(value);
  };
  ByteVector bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ' ') continue;
    if (text[at] == '\'') {
      const auto end = text.find('\'', at + 1);
      for (const char c : text.substr(at + 1, end - at - 1)) bytes.push_back(static_cast<std::uint8_t>(c));
      at = end;
      continue;
    }
    bytes.push_back(static_cast<std::uint8_t>(digit(text.at(at)) << 4 | digit(text.at(at + 1))));
    ++at;
  }
  return bytes;
}

inline ByteVector operator+(ByteVector left, const ByteVector& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// A copy with one byte changed.
inline ByteVector with_byte(ByteVector bytes, std::size_t at, std::uint8_t value) {
  bytes.at(at) = value;
  return bytes;
}

}  // namespace vmstate::test
