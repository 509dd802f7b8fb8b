// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <string>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// "0x119a": how every text for people shows an offset.
inline std::string offset_text(Offset at) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), at, 16).ptr;
  return "0x" + std::string(digits.begin(), end);
}

/// "1 byte", "14 bytes"
inline std::string bytes_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

}  // namespace vmstate
