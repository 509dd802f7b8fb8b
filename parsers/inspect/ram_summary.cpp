// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/ram_summary.hpp"

#include <algorithm>

#include "formats/base/offset_text.hpp"

namespace vmstate {
namespace {

// Kinds as the page map stores them.
constexpr std::uint8_t kind_data = 1, kind_zero = 2, kind_fill = 3, kind_xbzrle = 4, kind_compressed = 5, kind_mapped = 6;

std::uint8_t map_kind(RamKind kind) {
  switch (kind) {
    case RamKind::data: return kind_data;
    case RamKind::zero: return kind_zero;
    case RamKind::fill: return kind_fill;
    case RamKind::xbzrle: return kind_xbzrle;
    case RamKind::compressed: return kind_compressed;
    default: return PageMap::never;
  }
}

}  // namespace

RamSummary::Pages RamSummary::Block::pages() const {
  const auto& counts = map.counts();
  return {counts[kind_data],       counts[kind_zero],   counts[kind_fill],          counts[kind_xbzrle],
          counts[kind_compressed], counts[kind_mapped], counts[PageMap::never]};
}

void RamSummary::on(const Configuration& e) {
  ignore_shared_ = std::ranges::find(e.capabilities, "x-ignore-shared") != e.capabilities.end();
  mapped_ = std::ranges::find(e.capabilities, "mapped-ram") != e.capabilities.end();
}

void RamSummary::on(const Command& e) {
  postcopy_ = postcopy_ || e.package_size.has_value();
}

void RamSummary::on(const SectionBegin& e) {
  if (e.header.name != "ram" || ram_seen_) return;
  ram_seen_ = true;
  ram_at_ = e.header.range;
}

void RamSummary::on(const RamPageSize& e) {
  page_size_ = e.page_size;
  for (Block& block : blocks_)
    if (block.records == 0 && !block.block.mapped) block.map = PageMap(pages_of(block.block));
}

std::uint64_t RamSummary::pages_of(const RamBlock& block) const {
  const std::uint64_t size = block.mapped ? std::max<std::uint64_t>(block.mapped->page_size, 1) : page_size_;
  return block.size / size + (block.size % size != 0);
}

void RamSummary::on(const RamBlocks& e) {
  // Only the last entry known so far can have changed: the bitmap behind it was read meanwhile.
  if (!blocks_.empty() && blocks_.size() <= e.blocks.size()) blocks_.back().block = e.blocks[blocks_.size() - 1];
  for (const RamBlock& block : e.blocks.subspan(std::min(blocks_.size(), e.blocks.size())))
    blocks_.push_back({block, PageMap(pages_of(block))});
}

void RamSummary::on(const RamPages& e) {
  for (const RamPage& page : e.pages) {
    const std::uint8_t kind = map_kind(page.kind);
    if (kind == PageMap::never) {
      flushes_ = flushes_ || page.kind == RamKind::flush;
      continue;
    }
    if (page.block >= blocks_.size()) continue;
    Block& mine = blocks_[page.block];
    ++mine.records;
    memory_ -= mine.map.memory();
    if (mine.map.set(page.offset / page_size_, kind) != PageMap::never) ++mine.resent;
    memory_ += mine.map.memory();
  }
  coarsen_if_large();
}

void RamSummary::on(const RamMappedBitmap& e) {
  if (e.block >= blocks_.size()) return;
  PageMap& map = blocks_[e.block].map;
  memory_ -= map.memory();
  for (std::size_t i = 0; i < e.bytes.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit)
      map.set(e.first_page + i * 8 + bit, (e.bytes[i] >> bit & 1) != 0 ? kind_mapped : kind_zero);
  memory_ += map.memory();
  coarsen_if_large();
}

void RamSummary::count_memory() {
  memory_ = 0;
  for (const Block& block : blocks_) memory_ += block.map.memory();
}

void RamSummary::coarsen_if_large() {
  if (memory_ <= limits_.page_map) return;
  if (!coarse_) {
    coarse_ = true;
    for (Block& block : blocks_) block.map.coarsen();
    count_memory();
    findings_.add(Code::limit_page_map, {}, "the guest's memory is too large to remember the kind of every page");
  } else if (memory_ > 2 * limits_.page_map && !frozen_) {
    frozen_ = true;
    for (Block& block : blocks_) block.map.freeze();
  }
}

void RamSummary::on(const StreamEnd& e) {
  if (!ram_seen_ || e.kind == StreamEndKind::truncated || e.kind == StreamEndKind::unreadable) return;
  std::uint64_t total = 0, missing = 0;
  for (const Block& block : blocks_) {
    total += block.map.pages();
    missing += block.pages().never_sent;
  }
  std::uint64_t data = 0;
  for (const Block& block : blocks_) data += block.pages().data + block.pages().mapped;
  // With multifd all pages that are not zero go over other channels; the marks of its rounds stay in this one. Where bytes
  // were lost or a block has no entry in the list, damage explains the missing pages.
  const bool damaged = lost_ || std::ranges::any_of(blocks_, [](const Block& mine) { return mine.block.size == 0; });
  const bool nothing_but_zero = data == 0 && total > 0 && !mapped_ && !ignore_shared_ && !damaged;
  if (nothing_but_zero && (flushes_ || missing == total || missing > 0)) {
    findings_.add(Code::ram_elsewhere, ram_at_, std::to_string(missing) + " of " + std::to_string(total) +
                                                    " pages of guest RAM are not in this file and no page in it holds data")
        .hint = "this is the main channel of a multifd migration: the files of its other channels are needed";
    return;
  }
  judge_bitmaps();
  for (const Block& block : blocks_) judge(block, ram_at_);
}

// A guest whose every page is zero does not exist; bitmaps that were never written look like one.
void RamSummary::judge_bitmaps() {
  const bool any_stored = std::ranges::any_of(blocks_, [](const Block& mine) { return mine.pages().mapped > 0; });
  const auto first = std::ranges::find_if(blocks_, [](const Block& mine) { return mine.block.mapped && !mine.block.mapped->ignored; });
  if (any_stored || first == blocks_.end()) return;
  findings_.add(Code::ram_mapped_no_pages, first->block.mapped->bitmap, "the page bitmaps of all blocks say that no page is stored");
}

void RamSummary::judge(const Block& mine, ByteRange at) {
  const Pages pages = mine.pages();
  if (mine.block.mapped && !mine.block.mapped->ignored) return;
  if (pages.never_sent == 0) return;
  const bool whole_block = pages.never_sent == mine.map.pages();
  if (ignore_shared_ && whole_block) {
    findings_.add(Code::ram_shared_elsewhere, at, "block '" + mine.block.name + "' (" + std::to_string(mine.block.size) +
                                                      " bytes) is shared memory that lives in its own file");
    return;
  }
  auto& finding = findings_.add(Code::ram_pages_never_sent, at,
                                std::to_string(pages.never_sent) + " of " + std::to_string(mine.map.pages()) + " pages of block '" +
                                    mine.block.name + "' were never sent, the first at " +
                                    offset_text(mine.map.next_never(0) * page_size_));
  if (lost_) finding.hint = "part of the stream could not be read: the pages may have been there";
  if (mine.resent == 1 && pages.never_sent == 1)
    findings_.add(Code::ram_wrong_pass, at, "one page of block '" + mine.block.name +
                                                "' was sent twice and one never: a page address may be damaged");
}

}  // namespace vmstate
