// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/base/field.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

/// What one side has at a place where the two differ: a field's value, or words.
struct DifferenceSide {
  std::optional<Field> field;       ///< one element: its value is that of `bytes`
  std::vector<std::uint8_t> bytes;  ///< at most some dozen
  std::string text;                 ///< where there is no value: "absent", "zero", "version 3"
};

/// One place where two states differ.
struct StateDifference {
  std::string section;
  std::uint32_t instance = 0;
  std::string field;                    ///< path, or empty
  std::optional<std::uint64_t> offset;  ///< of the first byte that differs: in the field, or in the body where none is named
  std::string block;                    ///< RAM block, or empty
  std::optional<std::uint64_t> page;    ///< the first of `pages`
  std::uint64_t pages = 0;
  std::uint64_t page_size = 0;
  DifferenceSide left;
  DifferenceSide right;
};

enum class Verdict : std::uint8_t { same, different, not_comparable };

/// What comparing two states came to.
class Comparison {
 public:
  explicit Comparison(const Limits& limits) : most_(limits.differences) {}

  void differ(StateDifference difference);
  /// Something to know about that makes no difference to the state.
  void note(std::string text) { add(notes_, std::move(text)); }
  /// Why it cannot be said of everything whether it is the same.
  void doubt(std::string text) { add(doubts_, std::move(text)); }

  /// The first differences, in the order in which they were found.
  const std::vector<StateDifference>& differences() const { return differences_; }
  std::uint64_t differences_in_all() const { return count_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& doubts() const { return doubts_; }
  Verdict verdict() const {
    if (count_ > 0) return Verdict::different;
    return doubts_.empty() ? Verdict::same : Verdict::not_comparable;
  }

  std::uint64_t devices = 0;  ///< compared
  std::uint64_t blocks = 0;   ///< RAM blocks compared
  std::uint64_t pages = 0;    ///< of which something is said in at least one of the files

 private:
  void add(std::vector<std::string>& list, std::string text);
  std::size_t most_;
  std::vector<StateDifference> differences_;
  std::uint64_t count_ = 0;
  std::vector<std::string> notes_;
  std::vector<std::string> doubts_;
};

}  // namespace vmstate
