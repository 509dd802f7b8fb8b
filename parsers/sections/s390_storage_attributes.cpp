// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "formats/base/offset_text.hpp"
#include "formats/wire/s390_storage_attributes.hpp"
#include "parsers/api/record_body.hpp"

// docs/formats/special_sections.md, "s390-storage_attributes"
namespace vmstate {
namespace {

namespace wire = wire::s390_storage_attributes;

class StorageAttributesBody final : public RecordBody {
 protected:
  BodyEnd parse_records(BodyReader& reader) override {
    reader.expect_version(wire::version);
    for (;;)
      if (const auto end = parse_record(reader)) return *end;
  }

 private:
  // Nothing: another record follows.
  static std::optional<BodyEnd> parse_record(BodyReader& reader) {
    Cursor head = reader.peek(wire::more_size);
    const ByteRange range{head.position(), wire::word_size};
    const auto word = head.be64("word");
    if (!head) return reader.cut("storage attribute word");
    const auto flag = word & wire::flag_mask;
    const auto address = word - flag;
    switch (flag) {
      case wire::more: return attributes(reader, head, address);
      case wire::end_of_section: claim_word(reader, range, address, "storage attributes end"); return BodyEnd::complete;
      case wire::done: claim_word(reader, range, address, "storage attributes done"); return std::nullopt;
      case wire::error:
        reader.report("word", range,
                      "the writer could not read all storage attributes; every loader refuses the section");
        claim_word(reader, range, address, "storage attributes error");
        return std::nullopt;
      default:
        return reader.damaged("word", range,
                              fmt::format("flags {:#x} of the storage attribute word at {} mean nothing; expected 0x1, "
                                          "0x2, 0x4 or 0x8",
                                          flag, offset_text(range.offset)));
    }
  }

  static void claim_word(BodyReader& reader, ByteRange range, std::uint64_t address, std::string_view kind) {
    if (address != 0)
      reader.report("word", range, fmt::format("the word at {} holds an address but no attributes", offset_text(range.offset)));
    reader.claim(kind, {}, wire::word_size);
  }

  static std::optional<BodyEnd> attributes(BodyReader& reader, Cursor& head, std::uint64_t address) {
    const ByteRange range{head.position(), 8};
    const auto count = head.be64("pages");
    if (!head) return reader.cut("number of storage attributes");
    if (count == 0 || count > wire::largest_count)
      return reader.damaged(
          "pages", range,
          fmt::format("{} storage attributes at {}; expected 1 to {}", count, offset_text(range.offset), wire::largest_count));
    const auto text = fmt::format("{} pages from {:#x}", count, address);
    reader.claim("storage attributes", text, wire::more_size);
    if (reader.claim_bulk("storage attributes", count)) return std::nullopt;
    return reader.cut("storage attributes of " + text);
  }
};

class StorageAttributes final : public SectionParser {
 public:
  std::string_view name() const override { return "s390_storage_attributes"; }
  std::string_view description() const override { return "page usage states (CMMA) of an s390 guest"; }
  bool accepts(std::string_view section, std::uint32_t, SectionType) const override { return section == wire::section; }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<StorageAttributesBody>(); }
};

}  // namespace

const SectionParser& section_s390_storage_attributes() {
  static const StorageAttributes parser;
  return parser;
}

}  // namespace vmstate
