// SPDX-License-Identifier: Apache-2.0
// QEVM version 3, the format of QEMU 0.10 to date: docs/formats/qevm.md.
#include <string>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/framing/qevm_walker.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

constexpr std::uint32_t version_3 = 3;

// What stands behind the header of a version-3 stream and of no other: a configuration section or a section header.
bool continues_as_version_3(Bytes head) {
  if (head.size() <= header_size) return false;
  const Bytes rest = head.subspan(header_size);
  if (rest[0] == configuration) {
    Cursor in(rest.subspan(1));
    const auto length = in.be32("machine name length");
    return in && length < 256 && length <= in.remaining() && credible_name(as_text(in.rest().first(length)));
  }
  return credible_long_header(rest).has_value();
}

class QevmV3 final : public StreamParser {
 public:
  std::string_view name() const override { return "qevm-v3"; }
  std::string_view description() const override { return "QEMU migration stream, version 3 (QEMU 0.10 to date)"; }

  // Versions 1, 2 and 4 have their own parsers; a version word that the records contradict is damage.
  bool recognises(Bytes head) const override {
    if (head.size() < 4 || load_be32(head.data()) != magic) return false;
    if (head.size() < header_size) return true;
    const auto version = load_be32(&head[4]);
    const bool other = version == 1 || version == 2 || version == 4;
    return version == version_3 || !other || (version != 4 && continues_as_version_3(head));
  }

  void parse(ParseContext& context) const override {
    const Offset at = context.in.position();
    if (const auto head = context.in.peek_exactly(header_size)) {
      const auto version = load_be32(head->data() + 4);
      if (version != version_3) {
        const Bytes more = context.in.peek(512);
        const bool contradicted = continues_as_version_3(more);
        context.findings.add(contradicted ? Code::stream_version_contradicted : Code::unknown_stream_version, {at + 4, 4},
                             "the version word is " + std::to_string(version) +
                                 (contradicted ? ", the records are those of version 3" : ""));
      }
    }
    walk_tagged_records(context, version_3);
  }
};

}  // namespace

const StreamParser& stream_qevm_v3() {
  static const QevmV3 parser;
  return parser;
}

}  // namespace vmstate
