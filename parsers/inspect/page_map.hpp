// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace vmstate {

/// Remembers of each page of one block what its last record said: half a byte a page, far less where neighbours are alike,
/// nothing for stretches that were never touched. coarsen() reduces that to sent or not, freeze() stops it growing.
class PageMap {
 public:
  static constexpr std::uint8_t never = 0;
  static constexpr unsigned kinds = 8;

  explicit PageMap(std::uint64_t pages = 0) : pages_(pages) { counts_[never] = pages; }
  // A copy would go on writing to the chunk that the original used last.
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;
  PageMap(PageMap&&) noexcept = default;
  PageMap& operator=(PageMap&&) noexcept = default;
  ~PageMap() = default;

  /// Sets page `page` (ignored beyond the end) to `kind` (1..7). Answers what it was before.
  std::uint8_t set(std::uint64_t page, std::uint8_t kind);
  std::uint64_t pages() const { return pages_; }
  /// Pages by the kind of their last record; of their first record since coarsen().
  const std::array<std::uint64_t, kinds>& counts() const { return counts_; }
  /// Bytes in use.
  std::size_t memory() const { return memory_; }
  /// Gives up kinds, keeps sent or not.
  void coarsen();
  /// Ignores pages in stretches that were not touched yet.
  void freeze() { frozen_ = true; }
  /// First page at or behind `from` that was never sent, or pages().
  std::uint64_t next_never(std::uint64_t from) const;

 private:
  static constexpr std::uint64_t chunk_pages = 1 << 14;
  static constexpr std::size_t chunk_overhead = 128;
  // While `nibbles` is empty the first `run` pages are of kind `run_kind` and the others were never sent.
  struct Chunk {
    std::uint32_t run = 0;
    std::uint8_t run_kind = never;
    bool collapsed = false;  ///< once; a chunk that changes for ever must not cost a pass each time
    std::vector<std::uint8_t> nibbles;
  };
  Chunk* chunk_at(std::uint64_t number);
  void expand(Chunk& chunk);
  void collapse_if_alike(Chunk& chunk, std::uint64_t pages);
  std::uint64_t pages_in(std::uint64_t number) const;
  static std::uint8_t kind_at(const Chunk& chunk, std::uint64_t index);
  static void store(Chunk& chunk, std::uint64_t index, std::uint8_t kind);

  std::uint64_t pages_;
  std::unordered_map<std::uint64_t, Chunk> chunks_;
  std::uint64_t last_number_ = ~std::uint64_t{0};
  Chunk* last_ = nullptr;  ///< pages come in order: nearly every look-up is the last one again
  std::array<std::uint64_t, kinds> counts_{};
  std::size_t memory_ = 0;
  bool coarse_ = false;
  bool frozen_ = false;
};

}  // namespace vmstate
