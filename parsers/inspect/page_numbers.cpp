// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/page_numbers.hpp"

#include <algorithm>

namespace vmstate {

std::size_t PageNumbers::add(std::string_view name, std::uint64_t size, std::uint64_t page_size) {
  const auto it = std::ranges::find(blocks_, name, &Block::name);
  if (it != blocks_.end()) return static_cast<std::size_t>(it - blocks_.begin());
  const std::uint64_t unit = std::max<std::uint64_t>(page_size, 1);
  const std::uint64_t pages = size / unit + (size % unit != 0);
  blocks_.push_back({std::string(name), size, unit, total_, pages});
  total_ = saturating_add(total_, pages);
  return blocks_.size() - 1;
}

const PageNumbers::Block& PageNumbers::block_of(std::uint64_t number) const {
  const auto behind = std::ranges::upper_bound(blocks_, number, {}, &Block::first);
  return *(behind - 1);
}

void PageWalk::on(const RamBlocks& e) {
  // Only the last entry known so far can have changed: the bitmap behind it was read meanwhile.
  if (!blocks_.empty() && blocks_.size() <= e.blocks.size()) blocks_.back().block = e.blocks[blocks_.size() - 1];
  for (const RamBlock& block : e.blocks.subspan(std::min(blocks_.size(), e.blocks.size())))
    blocks_.push_back({block, std::nullopt, 0, 0});
}

void PageWalk::give_numbers(Block& block) {
  if (block.numbered) return;
  block.page_size = block.block.mapped ? block.block.mapped->page_size : page_size_;
  block.numbered = numbers_.add(block.block.name, block.block.size, block.page_size);
}

std::optional<std::uint64_t> PageWalk::number(Block& block, std::uint64_t index) {
  give_numbers(block);
  const PageNumbers::Block& shared = numbers_.blocks()[*block.numbered];
  if (index >= shared.pages || shared.page_size != block.page_size) return std::nullopt;
  return checked_add(shared.first, index);
}

void PageWalk::on(const RamPages& e) {
  for (const RamPage& record : e.pages) {
    if (record.kind > RamKind::compressed || record.block >= blocks_.size()) continue;
    Block& block = blocks_[record.block];
    ++block.records;
    const auto at = number(block, record.offset / page_size_);
    if (!at) continue;
    const auto payload = static_cast<std::size_t>(record.at + record.header_size - e.range.offset);
    page(*at, block.page_size, record, e.bytes.subspan(payload, record.payload_size));
  }
}

void PageWalk::on(const RamMappedBitmap& e) {
  if (e.block >= blocks_.size()) return;
  Block& block = blocks_[e.block];
  for (std::size_t i = 0; i < e.bytes.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto at = number(block, e.first_page + i * 8 + bit);
      if (!at) continue;
      ++block.records;
      mapped_bit(*at, block.page_size, (e.bytes[i] >> bit & 1) != 0);
    }
}

void PageWalk::on(const RamMappedContent& e) {
  if (e.block >= blocks_.size()) return;
  Block& block = blocks_[e.block];
  Bytes rest = e.bytes;
  for (std::uint64_t index = e.first_page; !rest.empty(); ++index) {
    const auto at = number(block, index);
    if (!at) return;
    const std::uint64_t left = block.block.size - index * block.page_size;
    const auto size = static_cast<std::size_t>(std::min(block.page_size, left));
    if (rest.size() < size) return;  // the stream ends inside the page
    mapped_page(*at, rest.first(size));
    rest = rest.subspan(size);
  }
}

void PageWalk::on(const StreamEnd&) {
  for (Block& block : blocks_) give_numbers(block);
}

}  // namespace vmstate
