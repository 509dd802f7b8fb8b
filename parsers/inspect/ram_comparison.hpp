// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "parsers/inspect/comparison.hpp"
#include "parsers/inspect/ram_digest.hpp"

namespace vmstate {

/// What of a stream's RAM is not in it, as far as configuration and findings say.
struct RamAbsence {
  bool ignore_shared = false;  ///< blocks without any page are in files of their own
  bool elsewhere = false;      ///< pages that never came are in other channels
  bool incomplete = false;     ///< the stream is not whole: what never came may have been lost
};

/// Compares the final content of guest memory, window by window.
class RamComparison {
 public:
  RamComparison(const PageNumbers& numbers, Comparison& out) : numbers_(numbers), out_(out) {}

  /// Compares the block lists; call once, when both streams have been seen, before the first window.
  void blocks(const RamDigest& left, RamAbsence left_absence, const RamDigest& right, RamAbsence right_absence);
  /// Pages of the window whose chains of deltas must be rebuilt to know whether they differ, in ascending order, at most
  /// `most`: those of `side`.
  static std::vector<std::uint64_t> unclear(const RamDigest& side, const RamDigest& other, std::size_t most);
  /// Compares the pages of one window of which no delta is unclear any more.
  void window(RamDigest& left, RamDigest& right);
  /// After the last window.
  void finish();

 private:
  /// Neighbouring pages that differ in the same way.
  struct Run {
    std::uint64_t first = 0;
    std::uint64_t pages = 0;
    const char* left = nullptr;
    const char* right = nullptr;
  };
  struct Tally {
    std::uint64_t left_zero = 0;   ///< sent as zeros on the left, never on the right
    std::uint64_t right_zero = 0;
    std::uint64_t unreadable = 0;
    std::uint64_t lost = 0;        ///< never sent in a stream that is not whole
  };

  bool usable(const PageWalk::Block& left, RamAbsence left_absence, const PageWalk::Block& right, RamAbsence right_absence);
  void page(std::uint64_t number, RamDigest& left, RamDigest& right);
  void differ(std::uint64_t number, const char* left, const char* right);
  void end_run();
  void only(const RamBlock& block, bool on_the_left);

  const PageNumbers& numbers_;
  Comparison& out_;
  std::set<std::string> compared_;  ///< names of blocks whose pages are compared
  const PageNumbers::Block* block_ = nullptr;
  bool skipped_ = false;            ///< pages of block_ are not compared
  Tally tally_;                     ///< of block_
  Run run_;
  bool left_incomplete_ = false;
  bool right_incomplete_ = false;
};

}  // namespace vmstate
