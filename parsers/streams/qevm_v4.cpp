// SPDX-License-Identifier: Apache-2.0
// QEVM version 4, the sentinel-delimited format: docs/formats/sentinel.md. Its records are those of version 3; inside
// device bodies a byte 0x06 follows each struct element.
#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/framing/qevm_walker.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

class QevmV4 final : public StreamParser {
 public:
  std::string_view name() const override { return "qevm-v4"; }
  std::string_view description() const override { return "sentinel-delimited migration stream, version 4"; }
  bool recognises(Bytes head) const override {
    return head.size() >= header_size && load_be32(head.data()) == magic && load_be32(&head[4]) == sentinel_version;
  }
  void parse(ParseContext& context) const override { walk_tagged_records(context, sentinel_version); }
};

}  // namespace

const StreamParser& stream_qevm_v4() {
  static const QevmV4 parser;
  return parser;
}

}  // namespace vmstate
