// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "formats/base/offset_text.hpp"
#include "formats/wire/spapr_htab.hpp"
#include "parsers/api/record_body.hpp"

// docs/formats/special_sections.md, "spapr/htab"
namespace vmstate {
namespace {

namespace wire = wire::spapr_htab;

class SpaprHtabBody final : public RecordBody {
 protected:
  BodyEnd parse_records(BodyReader& reader) override {
    reader.expect_version(wire::version);
    const bool start = reader.header().type == SectionType::start;
    Cursor head = reader.peek(wire::word_size);
    const ByteRange range{head.position(), wire::word_size};
    const auto word = head.be32("word");
    if (!head) return reader.cut("first word of the hash table");
    if (word == wire::no_table) {
      reader.claim("no hash table", "radix guest", wire::word_size);
      return BodyEnd::complete;
    }
    return start ? parse_size(reader, range, word) : parse_content(reader, range, word);
  }

 private:
  BodyEnd parse_size(BodyReader& reader, ByteRange range, std::uint32_t shift) {
    if (shift < wire::smallest_shift || shift > wire::largest_shift) {
      reader.report("shift", range,
                    fmt::format("no hash table has 2^{} bytes; expected {} to {}, or 0xffffffff for none", shift,
                                wire::smallest_shift, wire::largest_shift));
    } else {
      entries_ = (std::uint64_t{1} << shift) / wire::entry_size;
    }
    reader.claim("hash table size", fmt::format("2^{} bytes", shift), wire::word_size);
    return BodyEnd::complete;
  }

  BodyEnd parse_content(BodyReader& reader, ByteRange range, std::uint32_t word) {
    if (word != wire::content)
      return reader.damaged("word", range,
                            fmt::format("{:#x} at {}, expected 0 or 0xffffffff in front of entries of the hash table",
                                        word, offset_text(range.offset)));
    reader.claim("hash table content", {}, wire::word_size);
    for (;;)
      if (const auto end = parse_run(reader)) return *end;
  }

  // Nothing: another run follows.
  std::optional<BodyEnd> parse_run(BodyReader& reader) const {
    Cursor head = reader.peek(wire::run_size);
    const Offset at = head.position();
    const auto first = head.be32("first entry");
    const auto valid = head.be16("valid entries");
    const auto invalid = head.be16("invalid entries");
    if (!head) return reader.cut("run of hash table entries");
    if (first == 0 && valid == 0 && invalid == 0) {
      reader.claim("hash table end", {}, wire::run_size);
      return BodyEnd::complete;
    }
    const auto text = fmt::format("{} valid and {} invalid from {}", valid, invalid, first);
    if (!is_possible(first, std::uint64_t{valid} + invalid))
      return reader.damaged("run", {at, wire::run_size},
                            fmt::format("impossible entries at {}: {}{}", offset_text(at), text, limit()));
    reader.claim("hash table entries", text, wire::run_size);
    if (reader.claim_bulk("hash table entries", valid * wire::entry_size)) return std::nullopt;
    return reader.cut("hash table entries: " + text);
  }

  bool is_possible(std::uint64_t first, std::uint64_t count) const {
    return count != 0 && (!entries_ || first + count <= *entries_);
  }
  std::string limit() const { return entries_ ? fmt::format(", of a table of {}", *entries_) : std::string(); }

  std::optional<std::uint64_t> entries_;  // of the table, once its START was read
};

class SpaprHtab final : public SectionParser {
 public:
  std::string_view name() const override { return "spapr_htab"; }
  std::string_view description() const override { return "hash page table of a POWER guest"; }
  bool accepts(std::string_view section, std::uint32_t, SectionType) const override { return section == wire::section; }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<SpaprHtabBody>(); }
};

}  // namespace

const SectionParser& section_spapr_htab() {
  static const SpaprHtab parser;
  return parser;
}

}  // namespace vmstate
