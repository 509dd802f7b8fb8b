// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/ram_comparison.hpp"

#include <algorithm>
#include <map>

namespace vmstate {
namespace {

using Kind = PageDigest::Kind;

std::string quoted(const std::string& name) { return "block '" + name + "'"; }
std::string pages_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " page" : " pages"); }

// Whether none of a block's pages can be expected in the stream.
bool is_outside(const PageWalk::Block& block, RamAbsence absence) {
  if (block.block.mapped && block.block.mapped->ignored) return true;
  return absence.ignore_shared && block.records == 0;
}

}  // namespace

void RamComparison::blocks(const RamDigest& left, RamAbsence left_absence, const RamDigest& right, RamAbsence right_absence) {
  left_incomplete_ = left_absence.incomplete;
  right_incomplete_ = right_absence.incomplete;
  std::map<std::string, const PageWalk::Block*> others;
  for (const auto& block : right.blocks()) others.try_emplace(block.block.name, &block);
  for (const auto& block : left.blocks()) {
    const auto it = others.find(block.block.name);
    if (it == others.end()) {
      only(block.block, true);
      continue;
    }
    ++out_.blocks;
    if (usable(block, left_absence, *it->second, right_absence)) compared_.insert(block.block.name);
    others.erase(it);
  }
  for (const auto& block : right.blocks())
    if (others.erase(block.block.name) > 0) only(block.block, false);
  if (left_absence.elsewhere && right_absence.elsewhere) out_.doubt("most of guest RAM is in neither file, but in the other channels of the migrations");
  else if (left_absence.elsewhere || right_absence.elsewhere)
    out_.doubt(std::string("most of guest RAM is not in the ") + (left_absence.elsewhere ? "left" : "right") +
               " file, but in the other channels of its migration");
}

void RamComparison::only(const RamBlock& block, bool on_the_left) {
  if (on_the_left ? right_incomplete_ : left_incomplete_) {
    out_.doubt(quoted(block.name) + " is missing in a file that is not whole");
    return;
  }
  StateDifference difference;
  difference.section = "ram";
  difference.block = block.name;
  const std::string present = std::to_string(block.size) + " bytes";
  difference.left.text = on_the_left ? present : "absent";
  difference.right.text = on_the_left ? "absent" : present;
  out_.differ(std::move(difference));
}

bool RamComparison::usable(const PageWalk::Block& left, RamAbsence left_absence, const PageWalk::Block& right,
                           RamAbsence right_absence) {
  if (left.block.size != right.block.size) {
    StateDifference difference;
    difference.section = "ram";
    difference.block = left.block.name;
    difference.left.text = std::to_string(left.block.size) + " bytes";
    difference.right.text = std::to_string(right.block.size) + " bytes";
    out_.differ(std::move(difference));
  }
  const bool left_outside = is_outside(left, left_absence);
  const bool right_outside = is_outside(right, right_absence);
  if (left_outside && right_outside) {
    out_.note(quoted(left.block.name) + " is shared memory that is in neither file");
    return false;
  }
  if (left_outside || right_outside) {
    out_.doubt(quoted(left.block.name) + " is shared memory that is not in the " + (left_outside ? "left" : "right") + " file");
    return false;
  }
  if (left.page_size != right.page_size && left.records > 0 && right.records > 0) {
    out_.doubt("pages of " + quoted(left.block.name) + " have " + std::to_string(left.page_size) + " bytes on the left and " +
               std::to_string(right.page_size) + " on the right");
    return false;
  }
  return !(left_absence.elsewhere != right_absence.elsewhere);
}

std::vector<std::uint64_t> RamComparison::unclear(const RamDigest& side, const RamDigest& other, std::size_t most) {
  std::vector<std::uint64_t> pages;
  const std::uint64_t end = side.said_end();
  std::uint64_t page_size = 0;
  for (std::uint64_t number = side.first(); number < end && pages.size() < most; ++number) {
    const PageDigest mine = side.digest(number);
    const PageDigest theirs = other.digest(number);
    if (mine.kind() != Kind::deltas || mine == theirs || theirs.kind() == Kind::missing) continue;
    // Rebuilding goes over pages of one size at a time.
    const std::uint64_t size = side.numbers().block_of(number).page_size;
    if (page_size == 0) page_size = size;
    if (size == page_size) pages.push_back(number);
  }
  return pages;
}

void RamComparison::window(RamDigest& left, RamDigest& right) {
  const std::uint64_t end = std::max(left.said_end(), right.said_end());
  for (std::uint64_t number = left.first(); number < end; ++number) page(number, left, right);
  end_run();
}

void RamComparison::page(std::uint64_t number, RamDigest& left, RamDigest& right) {
  const PageDigest mine = left.digest(number);
  const PageDigest other = right.digest(number);
  if (mine.kind() == Kind::never && other.kind() == Kind::never) return;
  if (block_ == nullptr || number >= block_->first + block_->pages) {
    const auto& block = numbers_.block_of(number);
    finish();
    block_ = &block;
    skipped_ = !compared_.contains(block.name);
  }
  if (skipped_) return;
  ++out_.pages;
  if (mine.kind() == Kind::missing || other.kind() == Kind::missing) {
    ++tally_.unreadable;
    return;
  }
  if (mine == other) return;
  if ((mine.kind() == Kind::never && left_incomplete_) || (other.kind() == Kind::never && right_incomplete_)) {
    ++tally_.lost;
    return;
  }
  const PageDigest zero = left.zero(block_->page_size);
  if (mine == zero && other.kind() == Kind::never) {
    ++tally_.left_zero;
    return;
  }
  if (other == zero && mine.kind() == Kind::never) {
    ++tally_.right_zero;
    return;
  }
  const auto text = [&](PageDigest digest) {
    if (digest.kind() == Kind::never) return "never sent";
    return digest == zero ? "zero" : "data";
  };
  differ(number, text(mine), text(other));
}

void RamComparison::differ(std::uint64_t number, const char* left, const char* right) {
  const bool goes_on = run_.pages > 0 && run_.first + run_.pages == number && std::string_view(run_.left) == left &&
                       std::string_view(run_.right) == right;
  if (!goes_on) {
    end_run();
    run_ = {number, 0, left, right};
  }
  ++run_.pages;
}

void RamComparison::end_run() {
  if (run_.pages == 0) return;
  StateDifference difference;
  difference.section = "ram";
  difference.block = block_->name;
  difference.page = run_.first - block_->first;
  difference.pages = run_.pages;
  difference.page_size = block_->page_size;
  difference.offset = (run_.first - block_->first) * block_->page_size;
  difference.left.text = run_.left;
  difference.right.text = run_.right;
  out_.differ(std::move(difference));
  run_ = {};
}

void RamComparison::finish() {
  end_run();
  if (block_ == nullptr) return;
  const auto zeros = [&](std::uint64_t count, const char* sent, const char* never) {
    if (count > 0)
      out_.note(pages_text(count) + " of " + quoted(block_->name) + (count == 1 ? " is" : " are") + " sent as zeros on the " + sent +
                " and never on the " + never + ": a new machine holds zeros there, except in ROM");
  };
  zeros(tally_.left_zero, "left", "right");
  zeros(tally_.right_zero, "right", "left");
  if (tally_.unreadable > 0)
    out_.doubt("the content of " + pages_text(tally_.unreadable) + " of " + quoted(block_->name) + " could not be read");
  if (tally_.lost > 0) out_.doubt(pages_text(tally_.lost) + " of " + quoted(block_->name) + " are missing in a file that is not whole");
  tally_ = {};
  block_ = nullptr;
}

}  // namespace vmstate
