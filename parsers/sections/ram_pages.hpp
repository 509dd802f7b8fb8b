// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/base/cursor.hpp"
#include "formats/base/events.hpp"
#include "formats/wire/ram.hpp"

// Page records of the RAM section, version 4, one at a time: docs/formats/ram.md. Part of the plug-in ram.cpp.
namespace vmstate::ram {

/// The blocks of a stream by number and name.
class BlockTable {
 public:
  /// Answers the block's number.
  std::uint32_t add(RamBlock block);
  /// Takes back the last add().
  void remove_last();
  std::optional<std::uint32_t> find(std::string_view name) const;
  const RamBlock& operator[](std::uint32_t block) const { return blocks_[block]; }
  RamBlock& operator[](std::uint32_t block) { return blocks_[block]; }
  const std::vector<RamBlock>& all() const { return blocks_; }
  bool empty() const { return blocks_.empty(); }

 private:
  std::vector<RamBlock> blocks_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
};

/// Why a record could not be read.
enum class Trouble : std::uint8_t { none, incomplete, bad_flags, no_current_block, unknown_block, beyond_block, bad_payload };

/// What one record is. Only valid with Trouble::none, except `word` and `name`.
struct Record {
  RamPage page{};
  std::uint64_t word = 0;
  std::string_view name;       ///< as given in the record; empty with CONTINUE
  bool list = false;           ///< MEM_SIZE: a block list follows the word
};

/// Reads records; knows page size and current block. Copies are cheap enough to try a path and throw it away.
class RecordReader {
 public:
  explicit RecordReader(const BlockTable& blocks) : blocks_(&blocks) {}

  void set_page_size(std::uint64_t page_size) { page_size_ = page_size; }
  std::uint64_t page_size() const { return page_size_; }
  std::optional<std::uint32_t> current() const { return current_; }
  void set_current(std::optional<std::uint32_t> block) { current_ = block; }
  /// Whether payloads are decoded (XBZRLE, zlib), not only measured.
  void set_check_payload(bool check) { check_payload_ = check; }

  /// The record at the cursor. The cursor moves only with Trouble::none.
  Trouble read(Cursor& in, Record& out);

  /// Whether `records` records follow each other from the start of `bytes`, or fewer up to an end mark.
  /// Never changes this reader.
  bool chain(Bytes bytes, unsigned records) const;
  /// Whether a page that holds data stands in `bytes` and records follow it.
  bool reads_data_page(Bytes bytes) const;

 private:
  Trouble read_payload(Cursor& in, std::uint64_t flags, Record& out);
  bool check_xbzrle(Bytes encoded) const;
  bool check_compressed(Bytes compressed);

  const BlockTable* blocks_;
  std::uint64_t page_size_ = 4096;
  std::optional<std::uint32_t> current_;
  bool check_payload_ = false;
  std::vector<std::uint8_t> scratch_;
};

/// The page size with which a page that holds data, and records behind it, can be read, or by which zero pages are apart;
/// `first` is tried first. Nothing where `bytes` begin with neither.
std::optional<std::uint64_t> prove_page_size(Bytes bytes, const BlockTable& blocks, std::optional<std::uint32_t> current,
                                             std::uint64_t first);

/// Page sizes in the order in which they are tried where nothing says it.
std::optional<std::uint64_t> infer_page_size(Bytes bytes, const BlockTable& blocks,
                                             std::optional<std::uint32_t> current);

}  // namespace vmstate::ram
