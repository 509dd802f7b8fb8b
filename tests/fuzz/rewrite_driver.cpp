// SPDX-License-Identifier: Apache-2.0
// parse → write → parse: what can be written in the other version says the same there, and turned back it is the input.
#include <algorithm>
#include <limits>

#include "formats/encode/sentinel_writer.hpp"
#include "parsers/api/registry.hpp"
#include "tests/fuzz/driver.hpp"
#include "tests/support/field_text.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate {
namespace {

using Target = SentinelWriter::Target;
using test::ByteVector;

// One parse: the edits that it leads to, and what it said of devices.
struct Parsed {
  explicit Parsed(Target target) : writer(target) {}
  SentinelWriter writer;
  test::FieldText fields;
  std::size_t worse_than_warnings = 0;
};

const StreamParser* parser_for(Bytes input) {
  const Bytes head = input.first(std::min<std::size_t>(input.size(), 512));
  for (const StreamParser* parser : built_in_plugins().streams)
    if (parser->recognises(head)) return parser;
  return nullptr;
}

void parse(Bytes input, const StreamParser& parser, Parsed& out) {
  const Limits limits = fuzz_limits();
  Findings findings(limits);
  test::MemorySource source = memory_source(input, Arrival::file);
  ForwardReader reader(source, file_origin());
  Tee tee({&out.writer, &out.fields});
  ParseContext context{reader, tee, findings, limits, built_in_plugins(), {}, nullptr};
  parser.parse(context);
  require(!reader.fault(), "a parser reads only what is there");
  findings.finish();
  for (const Finding& finding : findings.all()) out.worse_than_warnings += finding.severity == Severity::error;
}

ByteVector edited(Bytes input, const StreamEdits& edits) {
  test::MemorySource source = memory_source(input, Arrival::file);
  test::MemorySink out;
  require(edits.apply(source, out).has_value(), "memory takes what is written");
  return out.bytes();
}

void rewrite(Bytes input, const StreamParser& parser, Target there, Target back) {
  Parsed before(there);
  parse(input, parser, before);
  const StreamEdits& edits = before.writer.edits();
  if (!before.writer.obstacles().empty()) return;
  const ByteVector written = edited(input, edits);
  require(written.size() == input.size() + edits.inserted() - edits.removed(), "only sentinels change the size");
  const StreamParser* other = parser_for(written);
  require(other != nullptr, "what was written is recognised");
  Parsed after(back);
  parse(written, *other, after);
  require(after.writer.obstacles().empty(), "what was written can be turned back");
  require(after.fields.text() == before.fields.text(), "devices say the same in both versions");
  require(after.worse_than_warnings <= before.worse_than_warnings, "writing adds no errors");
  require(std::ranges::equal(edited(written, after.writer.edits()), input), "turned back it is the input");
}

}  // namespace

void fuzz_one(Bytes input) {
  const StreamParser* parser = parser_for(input);
  if (parser == nullptr) return;
  rewrite(input, *parser, Target::sentinel, Target::legacy);
  rewrite(input, *parser, Target::legacy, Target::sentinel);
}

}  // namespace vmstate
