// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "formats/base/offset_text.hpp"
#include "formats/wire/pbs_state.hpp"
#include "parsers/api/record_body.hpp"

// docs/formats/special_sections.md, "pbs-state"
namespace vmstate {
namespace {

namespace wire = wire::pbs_state;

class PbsStateBody final : public RecordBody {
 protected:
  BodyEnd parse_records(BodyReader& reader) override {
    reader.expect_version(wire::version);
    Cursor head = reader.peek(wire::size_size);
    const ByteRange range{head.position(), wire::size_size};
    const auto size = head.be64("size");
    if (!head) return reader.cut("size of the backup state");
    if (size > wire::largest_state)
      return reader.damaged("size", range,
                            fmt::format("{} bytes of backup state announced at {}; expected at most {}", size,
                                        offset_text(range.offset), wire::largest_state));
    reader.claim("pbs-state size", fmt::format("{} bytes", size), wire::size_size);
    if (reader.claim_bulk("backup state", size)) return BodyEnd::complete;
    return reader.cut("backup state");
  }
};

class PbsState final : public SectionParser {
 public:
  std::string_view name() const override { return "pbs_state"; }
  std::string_view description() const override { return "state of Proxmox VE's backup library"; }
  // The writer sends all of it in START; what a PART or END would hold is not known.
  bool accepts(std::string_view section, std::uint32_t, SectionType type) const override {
    return section == wire::section && type == SectionType::start;
  }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<PbsStateBody>(); }
};

}  // namespace

const SectionParser& section_pbs_state() {
  static const PbsState parser;
  return parser;
}

}  // namespace vmstate
