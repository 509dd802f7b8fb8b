// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

/// Numbers the pages of all RAM blocks of the streams that are compared: blocks with one name share their numbers. The
/// stream that names a block first says how many pages of which size it has.
class PageNumbers {
 public:
  struct Block {
    std::string name;
    std::uint64_t size;       ///< bytes
    std::uint64_t page_size;
    std::uint64_t first;      ///< number of its first page
    std::uint64_t pages;
  };
  /// Position in blocks().
  std::size_t add(std::string_view name, std::uint64_t size, std::uint64_t page_size);
  const std::vector<Block>& blocks() const { return blocks_; }
  std::uint64_t total() const { return total_; }
  /// The block that page `number` belongs to; numbers below total() only.
  const Block& block_of(std::uint64_t number) const;

 private:
  std::vector<Block> blocks_;
  std::uint64_t total_ = 0;
};

/// What happens to numbered pages in one stream, in its order.
class PageWalk : public EventSink {
 public:
  /// A block as this stream has it.
  struct Block {
    RamBlock block;
    std::optional<std::size_t> numbered;  ///< position in PageNumbers::blocks(), once a page size is known
    std::uint64_t page_size = 0;
    std::uint64_t records = 0;            ///< page records; bits of mapped-ram bitmaps
    bool mapped() const { return block.mapped && !block.mapped->ignored; }
  };
  explicit PageWalk(PageNumbers& numbers) : numbers_(numbers) {}

  const std::vector<Block>& blocks() const { return blocks_; }
  const PageNumbers& numbers() const { return numbers_; }

  void on(const RamBlocks& e) final;
  void on(const RamPageSize& e) final { page_size_ = e.page_size; }
  void on(const RamPages& e) final;
  void on(const RamMappedBitmap& e) final;
  void on(const RamMappedContent& e) final;
  void on(const StreamEnd& e) override;

 protected:
  /// A record of page `number`; `payload` is what follows its word and name.
  virtual void page(std::uint64_t number, std::uint64_t page_size, const RamPage& record, Bytes payload) = 0;
  /// A bit of the bitmap of a mapped block: its content is stored, or zero.
  virtual void mapped_bit(std::uint64_t number, std::uint64_t page_size, bool stored) = 0;
  /// Stored content of a page of a mapped block; it counts only where its bit said so.
  virtual void mapped_page(std::uint64_t number, Bytes content) = 0;

 private:
  /// The number of page `index` of `block`, unless the block has no such page or nobody knows where it ends.
  std::optional<std::uint64_t> number(Block& block, std::uint64_t index);
  void give_numbers(Block& block);

  PageNumbers& numbers_;
  std::vector<Block> blocks_;
  std::uint64_t page_size_ = 4096;
};

}  // namespace vmstate
