// SPDX-License-Identifier: Apache-2.0
#include "parsers/sections/ram_pages.hpp"

#include <algorithm>
#include <array>

#include <zlib.h>

#include "parsers/api/record_probe.hpp"

namespace vmstate::ram {

using namespace wire::ram;

namespace {

// Kinds of which exactly one is set in a word, beside CONTINUE.
constexpr std::uint64_t page_kinds = flag_zero | flag_page | flag_xbzrle | flag_compress_page;
constexpr std::uint64_t known_flags = page_kinds | flag_mem_size | flag_eos | flag_continue | flag_hook | flag_multifd_flush;

// From the usual to the rare.
constexpr std::array<std::uint64_t, 9> page_sizes{4096, 1024, 256, 8192, 16384, 65536, 2048, 512, 32768};

bool single_bit(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

// Words that carry no page: a mark alone, without offset.
std::optional<RamKind> mark_kind(std::uint64_t word) {
  switch (word) {
    case flag_eos: return RamKind::eos;
    case flag_multifd_flush: return RamKind::flush;
    case flag_hook: return RamKind::hook;
    default: return std::nullopt;
  }
}

// ULEB128 of at most two bytes.
std::optional<std::uint32_t> run_length(Cursor& in) {
  const auto first = in.u8("run length");
  if ((first & 0x80) == 0) return in ? std::optional<std::uint32_t>(first) : std::nullopt;
  const auto second = in.u8("run length");
  if (!in || (second & 0x80) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(first & 0x7f) | static_cast<std::uint32_t>(second) << 7;
}

}  // namespace

std::uint32_t BlockTable::add(RamBlock block) {
  const auto number = static_cast<std::uint32_t>(blocks_.size());
  by_name_.try_emplace(block.name, number);
  blocks_.push_back(std::move(block));
  return number;
}

void BlockTable::remove_last() {
  if (find(blocks_.back().name) == blocks_.size() - 1) by_name_.erase(blocks_.back().name);
  blocks_.pop_back();
}

std::optional<std::uint32_t> BlockTable::find(std::string_view name) const {
  const auto it = by_name_.find(std::string(name));
  if (it == by_name_.end()) return std::nullopt;
  return it->second;
}

Trouble RecordReader::read(Cursor& start, Record& out) {
  Cursor in = start;
  const Offset at = in.position();
  const std::uint64_t word = in.be64("page word");
  if (!in) return Trouble::incomplete;
  out.word = word;
  out.name = {};
  out.list = false;
  const std::uint64_t flags = word & (page_size_ - 1);
  out.page = {word - flags, at, 0, 0, word_size, RamKind::eos, 0};

  const std::uint64_t kind = flags & ~flag_continue;
  if ((kind & page_kinds) == 0 || !single_bit(kind)) {
    if (const auto mark = mark_kind(word)) {
      out.page.kind = *mark;
      start = in;
      return Trouble::none;
    }
    if ((flags & ~known_flags) == 0 && flags == flag_mem_size) {
      out.list = true;
      start = in;
      return Trouble::none;
    }
    return Trouble::bad_flags;
  }
  std::optional<std::uint32_t> block = current_;
  if ((flags & flag_continue) == 0) {
    out.name = in.counted_text("block name");
    if (!in) return Trouble::incomplete;
    block = blocks_->find(out.name);
    if (!block) return Trouble::unknown_block;
  } else if (!block) {
    return Trouble::no_current_block;
  }
  const std::uint64_t size = (*blocks_)[*block].size;
  if (size != 0 && (out.page.offset >= size || size - out.page.offset < page_size_)) return Trouble::beyond_block;
  out.page.block = *block;
  out.page.header_size = static_cast<std::uint16_t>(in.position() - at);
  const Trouble trouble = read_payload(in, kind, out);
  if (trouble != Trouble::none) return trouble;
  out.page.payload_size = static_cast<std::uint32_t>(in.position() - at - out.page.header_size);
  current_ = block;
  start = in;
  return Trouble::none;
}

Trouble RecordReader::read_payload(Cursor& in, std::uint64_t kind, Record& out) {
  switch (kind) {
    case flag_page:
      out.page.kind = RamKind::data;
      in.skip(page_size_, "page");
      break;
    case flag_zero:
      out.page.fill = in.u8("fill byte");
      out.page.kind = out.page.fill == 0 ? RamKind::zero : RamKind::fill;
      break;
    case flag_xbzrle: {
      out.page.kind = RamKind::xbzrle;
      const auto encoding = in.u8("XBZRLE encoding");
      const auto length = in.be16("XBZRLE length");
      if (in && (encoding != xbzrle_encoding || length > page_size_)) return Trouble::bad_payload;
      const Bytes encoded = in.take(length, "XBZRLE page");
      if (in && check_payload_ && !check_xbzrle(encoded)) return Trouble::bad_payload;
      break;
    }
    default: {
      out.page.kind = RamKind::compressed;
      const auto length = in.be32("compressed length");
      if (in && (length == 0 || length > compressBound(static_cast<uLong>(page_size_)))) return Trouble::bad_payload;
      const Bytes compressed = in.take(length, "compressed page");
      if (in && check_payload_ && !check_compressed(compressed)) return Trouble::bad_payload;
      break;
    }
  }
  return in ? Trouble::none : Trouble::incomplete;
}

bool RecordReader::check_xbzrle(Bytes encoded) const {
  Cursor in(encoded);
  std::uint64_t at = 0;
  while (in.remaining() > 0) {
    const auto skipped = run_length(in);
    if (!skipped || (*skipped == 0 && at != 0)) return false;
    const auto literals = run_length(in);
    if (!literals || *literals == 0) return false;
    in.skip(*literals, "literals");
    at += std::uint64_t{*skipped} + *literals;
    if (!in || at > page_size_) return false;
  }
  return true;
}

bool RecordReader::check_compressed(Bytes compressed) {
  scratch_.resize(static_cast<std::size_t>(page_size_));
  uLongf size = static_cast<uLongf>(page_size_);
  return uncompress(scratch_.data(), &size, compressed.data(), static_cast<uLong>(compressed.size())) == Z_OK &&
         size == page_size_;
}

bool RecordReader::chain(Bytes bytes, unsigned records) const {
  RecordReader trial = *this;
  trial.set_check_payload(false);
  Cursor in(bytes);
  Record record;
  for (unsigned i = 0; i < records; ++i) {
    if (trial.read(in, record) != Trouble::none || record.list) return false;
    if (record.page.kind == RamKind::eos) return i > 0 || in.remaining() == 0 || in.rest()[0] <= 4 || in.rest()[0] == 0x7e;
  }
  return true;
}

bool RecordReader::reads_data_page(Bytes bytes) const {
  constexpr unsigned enough_behind = 4;
  RecordReader trial = *this;
  trial.set_check_payload(false);
  Cursor in(bytes);
  Record record;
  for (unsigned behind = 0; behind < enough_behind;) {
    if (trial.read(in, record) != Trouble::none || record.list) return false;
    if (record.page.kind == RamKind::eos) return behind > 0;
    if (behind > 0 || record.page.kind == RamKind::data) ++behind;
  }
  return true;
}

namespace {

// Zero pages look the same with every page size, but those of a first pass stand one page apart.
std::optional<std::uint64_t> distance_of_zero_pages(Bytes bytes, const BlockTable& blocks, std::optional<std::uint32_t> current) {
  constexpr unsigned enough = 8;
  RecordReader trial(blocks);
  trial.set_page_size(smallest_page);
  trial.set_current(current);
  Cursor in(bytes);
  Record record;
  std::uint64_t previous = 0, distance = 0;
  for (unsigned i = 0; i < enough; ++i) {
    if (trial.read(in, record) != Trouble::none || record.list || record.page.kind != RamKind::zero) return std::nullopt;
    const std::uint64_t step = record.page.offset - previous;
    if (i > 1 && step != distance) return std::nullopt;
    distance = step;
    previous = record.page.offset;
  }
  return std::ranges::find(page_sizes, distance) == page_sizes.end() ? std::nullopt : std::optional(distance);
}

}  // namespace

std::optional<std::uint64_t> prove_page_size(Bytes bytes, const BlockTable& blocks, std::optional<std::uint32_t> current,
                                             std::uint64_t first) {
  const auto proves = [&](std::uint64_t size) {
    RecordReader trial(blocks);
    trial.set_page_size(size);
    trial.set_current(current);
    return trial.reads_data_page(bytes);
  };
  if (proves(first)) return first;
  const auto it = std::ranges::find_if(page_sizes, proves);
  return it == page_sizes.end() ? distance_of_zero_pages(bytes, blocks, current) : std::optional(*it);
}

std::optional<std::uint64_t> infer_page_size(Bytes bytes, const BlockTable& blocks,
                                             std::optional<std::uint32_t> current) {
  constexpr unsigned enough = 8;
  for (const std::uint64_t size : page_sizes) {
    RecordReader trial(blocks);
    trial.set_page_size(size);
    trial.set_current(current);
    if (trial.chain(bytes, enough)) return size;
  }
  return std::nullopt;
}

}  // namespace vmstate::ram
