// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/page_map.hpp"

#include <algorithm>

namespace vmstate {
namespace {
constexpr std::uint8_t sent = 1;
}

std::uint64_t PageMap::pages_in(std::uint64_t number) const {
  return std::min(chunk_pages, pages_ - number * chunk_pages);
}

std::uint8_t PageMap::kind_at(const Chunk& chunk, std::uint64_t index) {
  if (chunk.nibbles.empty()) return index < chunk.run ? chunk.run_kind : never;
  const std::uint8_t pair = chunk.nibbles[static_cast<std::size_t>(index / 2)];
  return index % 2 == 0 ? pair & 15 : pair >> 4;
}

void PageMap::store(Chunk& chunk, std::uint64_t index, std::uint8_t kind) {
  auto& pair = chunk.nibbles[static_cast<std::size_t>(index / 2)];
  pair = static_cast<std::uint8_t>(index % 2 == 0 ? (pair & 0xf0) | kind : (pair & 0x0f) | kind << 4);
}

PageMap::Chunk* PageMap::chunk_at(std::uint64_t number) {
  if (number == last_number_) return last_;
  auto it = chunks_.find(number);
  if (it == chunks_.end()) {
    if (frozen_) return nullptr;
    it = chunks_.try_emplace(number).first;
    memory_ += chunk_overhead;
  }
  last_number_ = number;
  return last_ = &it->second;
}

void PageMap::expand(Chunk& chunk) {
  chunk.nibbles.assign(chunk_pages / 2, 0);
  for (std::uint32_t i = 0; i < chunk.run; ++i) store(chunk, i, chunk.run_kind);
  chunk.run = 0;
  memory_ += chunk_pages / 2;
}

void PageMap::collapse_if_alike(Chunk& chunk, std::uint64_t pages) {
  if (chunk.collapsed) return;
  const std::uint8_t kind = kind_at(chunk, 0);
  for (std::uint64_t i = 1; i < pages; ++i)
    if (kind_at(chunk, i) != kind) return;
  chunk.nibbles = {};
  chunk.collapsed = true;
  chunk.run = static_cast<std::uint32_t>(pages);
  chunk.run_kind = kind;
  memory_ -= chunk_pages / 2;
}

std::uint8_t PageMap::set(std::uint64_t page, std::uint8_t kind) {
  if (page >= pages_) return never;
  const std::uint64_t number = page / chunk_pages;
  const std::uint64_t index = page % chunk_pages;
  Chunk* chunk = chunk_at(number);
  if (chunk == nullptr) return never;
  const std::uint8_t before = kind_at(*chunk, index);
  const std::uint8_t stored = coarse_ ? sent : kind;
  if (!coarse_ || before == never) {
    --counts_[before];
    ++counts_[kind];
  }
  if (before == stored) return before;
  if (chunk->nibbles.empty()) {
    if (index == chunk->run && (chunk->run == 0 || chunk->run_kind == stored)) {
      chunk->run_kind = stored;
      ++chunk->run;
      return before;
    }
    expand(*chunk);
  }
  store(*chunk, index, stored);
  // The last page of a chunk is the moment to see whether all became alike.
  if (index + 1 == pages_in(number)) collapse_if_alike(*chunk, pages_in(number));
  return before;
}

void PageMap::coarsen() {
  coarse_ = true;
  for (auto& [number, chunk] : chunks_) {
    if (chunk.run_kind != never) chunk.run_kind = sent;
    for (auto& pair : chunk.nibbles)
      pair = static_cast<std::uint8_t>(((pair & 0x0f) != 0 ? sent : 0) | ((pair & 0xf0) != 0 ? sent << 4 : 0));
    if (!chunk.nibbles.empty()) collapse_if_alike(chunk, pages_in(number));
  }
}

std::uint64_t PageMap::next_never(std::uint64_t from) const {
  while (from < pages_) {
    const std::uint64_t number = from / chunk_pages;
    const auto it = chunks_.find(number);
    if (it == chunks_.end()) return from;
    const std::uint64_t end = number * chunk_pages + pages_in(number);
    for (; from < end; ++from)
      if (kind_at(it->second, from % chunk_pages) == never) return from;
  }
  return pages_;
}

}  // namespace vmstate
