// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"
#include "parsers/inspect/page_map.hpp"

namespace vmstate {

/// What the stream holds of each RAM block. Answers: what is each page, what was sent again, what never came?
class RamSummary final : public EventSink {
 public:
  RamSummary(Findings& findings, const Limits& limits) : findings_(findings), limits_(limits) {}

  /// Counts of pages by what their last record was.
  struct Pages {
    std::uint64_t data = 0, zero = 0, fill = 0, xbzrle = 0, compressed = 0, mapped = 0, never_sent = 0;
  };
  struct Block {
    RamBlock block;
    PageMap map;
    std::uint64_t records = 0;  ///< page records, all passes
    std::uint64_t resent = 0;   ///< records of pages that had been sent before
    Pages pages() const;
  };

  const std::vector<Block>& blocks() const { return blocks_; }
  std::uint64_t page_size() const { return page_size_; }
  /// Whether kinds are those of a page's first record because the guest is too large (Limits::page_map).
  bool coarse() const { return coarse_; }

  void on(const RamBlocks& e) override;
  void on(const RamPageSize& e) override;
  void on(const RamPages& e) override;
  void on(const RamMappedBitmap& e) override;
  void on(const Configuration& e) override;
  void on(const Command& e) override;
  void on(const SectionBegin& e) override;
  void on(const Gap& e) override { lost_ = lost_ || e.kind == Gap::Kind::lost; }
  void on(const StreamEnd& e) override;

 private:
  std::uint64_t pages_of(const RamBlock& block) const;
  void count_memory();
  void coarsen_if_large();
  void judge_bitmaps();
  void judge(const Block& block, ByteRange at);

  Findings& findings_;
  const Limits& limits_;
  std::vector<Block> blocks_;
  std::uint64_t page_size_ = 4096;
  bool coarse_ = false;
  bool frozen_ = false;
  std::size_t memory_ = 0;  ///< of all page maps
  bool flushes_ = false;         ///< multifd sync marks: pages are in other channels
  bool ignore_shared_ = false;
  bool mapped_ = false;
  bool postcopy_ = false;
  bool ram_seen_ = false;
  bool lost_ = false;
  ByteRange ram_at_{};
};

}  // namespace vmstate
