// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include <fmt/format.h>

#include "formats/base/offset_text.hpp"
#include "formats/wire/dirty_bitmap.hpp"
#include "parsers/api/record_body.hpp"

// docs/formats/special_sections.md, "dirty-bitmap"
namespace vmstate {
namespace {

namespace wire = wire::dirty_bitmap;

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) { return value / by + (value % by != 0); }

// Whether `size` bytes can hold the bits of `sectors` sectors at some granularity. Writers pad to 16 or 32 bytes,
// depending on the width of a long on their host.
bool fits_some_granularity(std::uint64_t size, std::uint32_t sectors) {
  for (unsigned shift = 0; shift <= wire::largest_granularity_shift - wire::sector_shift; ++shift) {
    const auto bits = divide_up(sectors, std::uint64_t{1} << shift);
    const auto needed = divide_up(bits, wire::bits_per_word) * (wire::bits_per_word / 8);
    if (needed <= size && size <= divide_up(needed, wire::data_alignment) * wire::data_alignment) return true;
  }
  return false;
}

std::string start_flags_text(std::uint8_t flags) {
  std::string text = flags & wire::start_enabled ? "enabled" : "disabled";
  if (flags & wire::start_persistent) text += ", persistent";
  return text;
}

bool flags_are_possible(std::uint8_t flags) {
  const unsigned actions = flags & wire::action_mask;
  if (flags & wire::extended) return false;
  if ((flags & wire::zeroes) && actions != wire::bits) return false;
  return actions == 0 ? flags == wire::end_of_section : std::has_single_bit(actions);
}

class DirtyBitmapBody final : public RecordBody {
 protected:
  BodyEnd parse_records(BodyReader& reader) override {
    reader.expect_version(wire::version);
    for (;;)
      if (const auto end = parse_element(reader)) return *end;
  }

 private:
  // Nothing: another element follows.
  std::optional<BodyEnd> parse_element(BodyReader& reader) {
    Cursor head = reader.peek(wire::longest_head + wire::largest_data);
    const Offset at = head.position();
    const auto flags = head.u8("flags");
    if (!head) return reader.cut("flags of a dirty-bitmap element");
    if (!flags_are_possible(flags))
      return reader.damaged(
          "flags", {at, 1},
          fmt::format("flags {:#04x} of the dirty-bitmap element at {} do not go together", flags, offset_text(at)));
    if (const auto end = read_name(reader, head, flags & wire::node_name, node_, "node name")) return end;
    if (const auto end = read_name(reader, head, flags & wire::bitmap_name, bitmap_, "bitmap name")) return end;
    if (const auto end = parse_action(reader, head, flags)) return end;
    if (flags & wire::end_of_section) return BodyEnd::complete;
    return std::nullopt;
  }

  // A name that is left out is that of the element before, also across sections.
  static std::optional<BodyEnd> read_name(BodyReader& reader, Cursor& head, bool present, std::string& name,
                                          std::string_view field) {
    if (!present) return std::nullopt;
    const Offset at = head.position();
    const auto text = head.counted_text(field);
    if (!head) return reader.cut(std::string(field));
    if (!plausible_disk_name(text))
      return reader.damaged(field, ByteRange::between(at, head.position()),
                            fmt::format("no {} at {}: {} bytes that no name consists of", field, offset_text(at), text.size()));
    name = text;
    return std::nullopt;
  }

  std::optional<BodyEnd> parse_action(BodyReader& reader, Cursor& head, std::uint8_t flags) {
    const unsigned action = flags & wire::action_mask;
    if (action == 0) {
      reader.claim("dirty-bitmap end", {}, head.consumed());
      return std::nullopt;
    }
    if (node_.empty() || bitmap_.empty())
      return reader.damaged("flags", {head.position() - head.consumed(), 1},
                            "a dirty-bitmap element without names, and none before it has any");
    if (action == wire::start) return parse_start(reader, head);
    if (action == wire::bits) return parse_bits(reader, head, flags & wire::zeroes);
    reader.claim("dirty-bitmap complete", label(), head.consumed());
    return std::nullopt;
  }

  std::optional<BodyEnd> parse_start(BodyReader& reader, Cursor& head) {
    const Offset at = head.position();
    const auto granularity = head.be32("granularity");
    const auto flags = head.u8("start flags");
    if (!head) return reader.cut("start of dirty bitmap " + label());
    if (!std::has_single_bit(granularity) || granularity < wire::smallest_granularity)
      reader.report("granularity", {at, 4},
                    fmt::format("granularity {} of {} is no power of two from 512 on", granularity, label()));
    if (flags & wire::start_reserved)
      reader.report("start flags", {at + 4, 1}, fmt::format("unknown flags {:#04x} of {}", flags, label()));
    reader.claim("dirty-bitmap start",
                 fmt::format("{}, granularity {}, {}", label(), granularity, start_flags_text(flags)), head.consumed());
    return std::nullopt;
  }

  std::optional<BodyEnd> parse_bits(BodyReader& reader, Cursor& head, bool zeroes) {
    const auto sector = head.be64("first sector");
    const auto count = head.be32("sectors");
    const Offset at = head.position();
    const auto size = zeroes ? 0 : head.be64("size");
    if (!head) return reader.cut("bits of dirty bitmap " + label());
    if (!zeroes && (size > wire::largest_data || !fits_some_granularity(size, count)))
      return reader.damaged(
          "size", {at, 8},
          fmt::format("{} bytes of bits for {} sectors of {} fit no granularity", size, count, label()));
    (void)head.take(size, "bits");
    if (!head) return reader.cut("bits of dirty bitmap " + label());
    reader.claim(zeroes ? "dirty-bitmap zeroes" : "dirty-bitmap bits",
                 fmt::format("{}, {} sectors from {}", label(), count, sector), head.consumed());
    return std::nullopt;
  }

  std::string label() const { return node_ + "/" + bitmap_; }

  std::string node_;
  std::string bitmap_;
};

class DirtyBitmap final : public SectionParser {
 public:
  std::string_view name() const override { return "dirty_bitmap"; }
  std::string_view description() const override { return "dirty bitmaps of disks (2.12 and later)"; }
  bool accepts(std::string_view section, std::uint32_t, SectionType) const override { return section == wire::section; }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<DirtyBitmapBody>(); }
};

}  // namespace

const SectionParser& section_dirty_bitmap() {
  static const DirtyBitmap parser;
  return parser;
}

}  // namespace vmstate
