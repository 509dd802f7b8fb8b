// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include "tests/support/hex.hpp"
#include "tests/support/inspected.hpp"
#include "tools/app/verify.hpp"

namespace vmstate::test {

inline app::Io quiet_io() {
  app::Io io;
  io.out = io.err = [](std::string_view) {};
  return io;
}

/// Compares two files as `vmstate-upgrade verify` does.
inline Comparison compared(const std::string& left, const std::string& right, const Limits& limits = {}) {
  app::CommonOptions options;
  options.limits = limits;
  auto comparison = app::compare_files(left, right, options, quiet_io());
  if (!comparison) throw std::runtime_error(comparison.error().message);
  return std::move(*comparison);
}
inline Comparison compared(const ByteVector& left, const ByteVector& right, const Limits& limits = {}) {
  const MemoryFile one(left), other(right);
  return compared(one.path(), other.path(), limits);
}

inline std::string side_text(const DifferenceSide& side) {
  if (!side.field) return side.text;
  const FieldValue value = field_value(*side.field, side.bytes);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  std::string text;
  for (const auto byte : side.bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}
/// "timer ticks: 1 | 2", "ram pc.ram 2+1: data | zero": place, then both sides.
inline std::string difference_text(const StateDifference& difference) {
  std::string text = difference.section;
  if (difference.instance != 0) text += "#" + std::to_string(difference.instance);
  if (!difference.field.empty()) text += " " + difference.field;
  if (!difference.block.empty()) text += " " + difference.block;
  if (difference.page) text += " " + std::to_string(*difference.page) + "+" + std::to_string(difference.pages);
  else if (difference.offset) text += " @" + std::to_string(*difference.offset);
  return text + ": " + side_text(difference.left) + " | " + side_text(difference.right);
}
/// The verdict, then one line a difference (-), doubt (?) and note (*).
inline std::string report(const Comparison& comparison) {
  std::string text = comparison.verdict() == Verdict::same ? "same" : comparison.verdict() == Verdict::different ? "different" : "not comparable";
  for (const auto& difference : comparison.differences()) text += "\n- " + difference_text(difference);
  for (const auto& doubt : comparison.doubts()) text += "\n? " + doubt;
  for (const auto& note : comparison.notes()) text += "\n* " + note;
  return text;
}

}  // namespace vmstate::test
