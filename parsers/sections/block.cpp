// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "formats/base/offset_text.hpp"
#include "formats/wire/block_migration.hpp"
#include "parsers/api/record_body.hpp"

// docs/formats/special_sections.md, "block"
namespace vmstate {
namespace {

namespace wire = wire::block_migration;

class BlockBody final : public RecordBody {
 protected:
  BodyEnd parse_records(BodyReader& reader) override {
    reader.expect_version(wire::version);
    for (;;)
      if (const auto end = parse_record(reader)) return *end;
  }

 private:
  // Nothing: another record follows.
  static std::optional<BodyEnd> parse_record(BodyReader& reader) {
    Cursor head = reader.peek(wire::longest_record_head);
    const ByteRange range{head.position(), wire::word_size};
    const auto word = head.be64("word");
    if (!head) return reader.cut("block word");
    const auto number = word >> wire::sector_shift;
    switch (word & wire::flag_mask) {
      case wire::end_of_section: return end_of_section(reader, range, number);
      case wire::progress: return progress(reader, range, number);
      case wire::device_zero_block: return device_block(reader, head, number, 0);
      case wire::device_block: return device_block(reader, head, number, wire::block_size);
      default:
        return reader.damaged(
            "word", range,
            fmt::format("flags {:#x} of a block word at {} mean nothing; expected 0x1, 0x2, 0x4 or 0x9",
                        word & wire::flag_mask, offset_text(range.offset)));
    }
  }

  static std::optional<BodyEnd> end_of_section(BodyReader& reader, ByteRange range, std::uint64_t sector) {
    if (sector != 0) reader.report("word", range, fmt::format("the end word at {} holds a sector", offset_text(range.offset)));
    reader.claim("block end", {}, wire::word_size);
    return BodyEnd::complete;
  }

  static std::optional<BodyEnd> progress(BodyReader& reader, ByteRange range, std::uint64_t percent) {
    if (percent > 100)
      reader.report("word", range, fmt::format("the progress word at {} says {} per cent", offset_text(range.offset), percent));
    reader.claim("block progress", fmt::format("{} %", percent), wire::word_size);
    return std::nullopt;
  }

  static std::optional<BodyEnd> device_block(BodyReader& reader, Cursor& head, std::uint64_t sector,
                                             std::uint64_t data_size) {
    const Offset at = head.position();
    const auto name = head.counted_text("device");
    if (!head) return reader.cut("name of a block device");
    if (!plausible_disk_name(name))
      return reader.damaged("device", ByteRange::between(at, head.position()),
                            fmt::format("no device name at {}: {} bytes that no name consists of", offset_text(at), name.size()));
    if (sector % wire::sectors_per_block != 0)
      reader.report("word", {at - wire::word_size, wire::word_size},
                    fmt::format("sector {} of {} is not the first of a block of {} sectors", sector, name,
                                wire::sectors_per_block));
    const auto text = fmt::format("{}, sector {}", name, sector);
    reader.claim(data_size == 0 ? "block device zeroes" : "block device", text, head.consumed());
    if (reader.claim_bulk("block device data", data_size)) return std::nullopt;
    return reader.cut("block of " + text);
  }
};

class Block final : public SectionParser {
 public:
  std::string_view name() const override { return "block"; }
  std::string_view description() const override { return "block migration: disk contents in the stream (0.12 to 9.0)"; }
  bool accepts(std::string_view section, std::uint32_t, SectionType) const override { return section == wire::section; }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<BlockBody>(); }
};

}  // namespace

const SectionParser& section_block() {
  static const Block parser;
  return parser;
}

}  // namespace vmstate
