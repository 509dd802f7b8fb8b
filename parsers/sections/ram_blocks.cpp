// SPDX-License-Identifier: Apache-2.0
#include "parsers/sections/ram_blocks.hpp"

#include <algorithm>
#include <bit>

#include "formats/base/offset_text.hpp"
#include "parsers/api/record_probe.hpp"

namespace vmstate::ram {

using namespace wire::ram;

namespace {

constexpr std::size_t longest_entry = 1 + 255 + 8 + 8 + 8 + mapped_header_size;
constexpr std::uint64_t smallest_block = 256;  // one page of the smallest target
constexpr std::uint64_t mapped_alignment = 1 << 20;

class ListReader {
 public:
  ListReader(SectionContext& context, BlockTable& blocks) : context_(context), in_(context.in), blocks_(blocks) {}

  ListEnd read(std::uint64_t word) {
    constexpr std::uint64_t flag_bits = smallest_block - 1;
    const std::uint64_t total = word & ~flag_bits;
    const Offset word_at = in_.position();
    claim(std::nullopt, word_size);
    std::uint64_t sum = 0;
    while (sum < total) {
      if (blocks_.all().size() >= context_.limits.ram_blocks) return damaged("the list has too many blocks"), ListEnd::complete;
      const Entry entry = read_entry(total - sum);
      if (entry == Entry::cut) return ListEnd::cut;
      if (entry == Entry::damaged) {
        damaged("the RAM block list ends after " + std::to_string(blocks_.all().size()) + " blocks with " +
                std::to_string(sum) + " bytes, but its total at " + offset_text(word_at) + " is " +
                std::to_string(total));
        return ListEnd::complete;
      }
      sum += blocks_.all().back().size;
    }
    return ListEnd::complete;
  }

 private:
  enum class Entry : std::uint8_t { good, cut, damaged };

  void damaged(const std::string& message) {
    context_.findings.add(Code::ram_block_list_damaged, {in_.position(), word_size}, message);
  }

  void claim(std::optional<std::uint32_t> block, std::size_t size) {
    const Bytes bytes = in_.peek(size).first(size);
    context_.events.on(RamBlockEntry{block, {in_.position(), size}, bytes});
    in_.skip(size);
  }

  Entry read_entry(std::uint64_t left) {
    Cursor cursor(in_.peek(longest_entry), in_.position());
    RamBlock block;
    block.name = std::string(cursor.counted_text("block name"));
    block.size = cursor.be64("block size");
    if (block.name.empty() || !credible_name(block.name)) return cursor ? Entry::damaged : cut_or_damaged(block.name);
    if (!cursor) return Entry::cut;
    if (block.size < smallest_block || block.size > left || block.size % smallest_block != 0) return Entry::damaged;
    if (has_page_size(cursor)) block.page_size = cursor.be64("block page size");
    if (context_.facts.has("x-ignore-shared")) block.guest_address = cursor.be64("guest-physical address");
    const bool mapped = context_.facts.has("mapped-ram");
    const Offset header_at = cursor.position();
    MappedHeader header;
    if (mapped) header = read_mapped_header(cursor);
    if (!cursor) return Entry::cut;
    if (mapped && !check_mapped_header(header, header_at)) return Entry::damaged;
    if (blocks_.find(block.name))
      context_.findings.add(Code::ram_block_list_damaged, {in_.position(), 1 + block.name.size()},
                            "block '" + block.name + "' is listed twice");
    if (mapped) block.mapped = place(header, block.size, cursor.position());
    const auto size = static_cast<std::size_t>(cursor.position() - in_.position());
    const std::uint32_t number = blocks_.add(std::move(block));
    claim(number, size);
    if (!mapped || blocks_[number].mapped->ignored) return Entry::good;
    context_.events.on(RamBlocks{blocks_.all()});
    return read_mapped(number) ? Entry::good : Entry::cut;
  }

  // A name that the data cut short is cut, one with odd characters is damage.
  static Entry cut_or_damaged(const std::string& name) { return name.empty() ? Entry::cut : Entry::damaged; }

  // Only blocks of huge pages say their page size, and only POSTCOPY_ADVISE tells that some do: then its first word has
  // the page sizes of all blocks or-ed together.
  bool has_page_size(const Cursor& at) const {
    if (!context_.facts.postcopy_page_sizes) return false;
    Cursor ahead = at;
    const std::uint64_t value = ahead.be64("block page size");
    return ahead && std::has_single_bit(value) && value > largest_page && (value & *context_.facts.postcopy_page_sizes) != 0;
  }

  struct MappedHeader {
    std::uint32_t version = 0;
    std::uint64_t page_size = 0;
    std::uint64_t bitmap_at = 0;  ///< in the file that holds the stream
    std::uint64_t pages_at = 0;
  };

  static MappedHeader read_mapped_header(Cursor& in) {
    MappedHeader header;
    header.version = in.be32("mapped-ram version");
    header.page_size = in.be64("mapped-ram page size");
    header.bitmap_at = in.be64("bitmap offset");
    header.pages_at = in.be64("pages offset");
    return header;
  }

  bool check_mapped_header(const MappedHeader& header, Offset at) {
    const bool sane = header.version == mapped_version && std::has_single_bit(header.page_size) &&
                      header.page_size >= smallest_page && header.page_size <= largest_page &&
                      (header.pages_at > header.bitmap_at || (header.pages_at == 0 && header.bitmap_at == 0));
    if (!sane)
      context_.findings.add(Code::ram_mapped_damaged, {at, mapped_header_size},
                            "the mapped-ram header has version " + std::to_string(header.version) + ", page size " +
                                std::to_string(header.page_size) + ", bitmap at " + offset_text(header.bitmap_at) +
                                ", pages at " + offset_text(header.pages_at));
    return sane;
  }

  // Where bitmap and pages are in the stream. Offsets in the header count from the start of the file; only their
  // distance is used, so that a stream that was moved is still read.
  RamBlock::Mapped place(const MappedHeader& header, std::uint64_t block_size, Offset behind_header) {
    RamBlock::Mapped mapped;
    mapped.page_size = header.page_size;
    mapped.ignored = header.bitmap_at == 0 && header.pages_at == 0;
    if (mapped.ignored) return mapped;
    const std::uint64_t pages = block_size / header.page_size + (block_size % header.page_size != 0);
    mapped.bitmap = {behind_header, (pages + 63) / 64 * 8};
    mapped.pages = {checked_add(behind_header, header.pages_at - header.bitmap_at).value_or(~Offset{0}), block_size};
    check_position(header.bitmap_at, behind_header);
    return mapped;
  }

  void check_position(std::uint64_t announced, Offset here) {
    const Offset at = in_.origin() ? in_.origin()->container_offset(here) : here;
    if (at == announced || moved_noted_) return;
    moved_noted_ = true;
    context_.findings.add(Code::ram_mapped_moved, {here, 0},
                          "the page bitmap is at " + offset_text(at) + " of its file, the stream says " +
                              offset_text(announced));
  }

  // False: the stream ends before the end of the page area.
  bool read_mapped(std::uint32_t block) {
    RamBlock::Mapped& mapped = *blocks_[block].mapped;
    const std::uint64_t block_size = blocks_[block].size;
    constexpr std::uint64_t piece = 64 << 10;
    std::uint64_t page = 0;
    stored_.clear();
    for (std::uint64_t left = mapped.bitmap.size; left > 0;) {
      const auto size = static_cast<std::size_t>(std::min(left, piece));
      const auto bytes = in_.peek_exactly(size);
      if (!bytes) return false;
      for (const auto byte : *bytes) mapped.stored_pages += static_cast<unsigned>(std::popcount(byte));
      keep_bits(*bytes);
      context_.events.on(RamMappedBitmap{block, page, {in_.position(), size}, *bytes});
      in_.skip(size);
      page += size * 8;
      left -= size;
    }
    const Offset here = in_.position();
    if (mapped.pages.offset < here || mapped.pages.offset - here > 2 * mapped_alignment) {
      context_.findings.add(Code::ram_mapped_damaged, {here, 0},
                            "the page area at " + offset_text(mapped.pages.offset) + " does not follow its bitmap, which ends at " +
                                offset_text(here));
      mapped.pages.offset = here;
    }
    const std::uint64_t padding = mapped.pages.offset - here;
    const std::uint64_t needed = checked_add(padding, block_size).value_or(~std::uint64_t{0});
    const std::uint64_t there = context_.options.mapped_content ? send_area(block, padding, needed) : in_.skip_available(needed);
    if (there < needed)
      context_.findings.add(Code::ram_mapped_cut, {here + there, 0},
                            "the page area of the block needs " + std::to_string(needed) +
                                " bytes, the stream has " + std::to_string(there));
    const ByteRange before{here, std::min(padding, there)};
    context_.events.on(RamMappedPages{block, before, {before.end(), there - before.size}, mapped.stored_pages});
    return there == needed;
  }

  // Without the bits of all pages every page of the area is sent.
  void keep_bits(Bytes bits) {
    if (!context_.options.mapped_content) return;
    bits_kept_ = stored_.size() + bits.size() <= context_.limits.page_map && (bits_kept_ || stored_.empty());
    if (bits_kept_) stored_.insert(stored_.end(), bits.begin(), bits.end());
  }
  bool is_stored(std::uint64_t page) const {
    if (!bits_kept_) return true;
    const auto byte = static_cast<std::size_t>(page / 8);
    return byte < stored_.size() && (stored_[byte] >> (page % 8) & 1) != 0;
  }

  // Sends the stored pages of an area and passes over the holes between them. Answers how many of the `needed` bytes of
  // padding and area there are.
  std::uint64_t send_area(std::uint32_t block, std::uint64_t padding, std::uint64_t needed) {
    constexpr std::uint64_t piece = 64 << 10;
    const std::uint64_t page_size = blocks_[block].mapped->page_size;
    const std::uint64_t pages = (needed - padding) / page_size + ((needed - padding) % page_size != 0);
    std::uint64_t done = 0;
    for (std::uint64_t page = 0; page < pages; ++page) {
      if (!is_stored(page)) continue;
      const std::uint64_t first = page;
      while (page + 1 < pages && (page + 2 - first) * page_size <= piece && is_stored(page + 1)) ++page;
      const std::uint64_t begin = padding + first * page_size;
      done += in_.skip_available(begin - done);
      if (done < begin) return done;
      const auto wanted = static_cast<std::size_t>(std::min((page + 1 - first) * page_size, needed - begin));
      const Bytes view = in_.peek(wanted);
      const Bytes bytes = view.first(std::min(wanted, view.size()));
      context_.events.on(RamMappedContent{block, first, {in_.position(), bytes.size()}, bytes});
      in_.skip(bytes.size());
      done += bytes.size();
      if (bytes.size() < wanted) return done;
      if (context_.progress != nullptr) context_.progress->at(in_.position());
    }
    return done + in_.skip_available(needed - done);
  }

  SectionContext& context_;
  ForwardReader& in_;
  std::vector<std::uint8_t> stored_;  ///< the bitmap of the current block, where its content is asked for
  bool bits_kept_ = true;
  BlockTable& blocks_;
  bool moved_noted_ = false;
};

}  // namespace

ListEnd read_block_list(SectionContext& context, std::uint64_t word, BlockTable& blocks) {
  return ListReader(context, blocks).read(word);
}

}  // namespace vmstate::ram
