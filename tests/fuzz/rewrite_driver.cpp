// SPDX-License-Identifier: Apache-2.0
// parse → write → parse: what can be written in the other version says the same there, and turned back it is the input.
#include "tests/fuzz/driver.hpp"
#include "tests/support/rewrite_in_memory.hpp"

namespace vmstate {
namespace {

using Target = SentinelWriter::Target;
using test::ByteVector;
using test::RewriteInMemory;

// The reading of a body by layout depends on what fits the bytes around it; then turning back proves what counts.
bool only_described(const RewriteInMemory& parsed) { return parsed.fields.text().find(" by layout\n") == std::string::npos; }

void rewrite(Bytes input, Target there, Target back) {
  const RewriteInMemory before(input, there, fuzz_limits());
  require(!before.fault, "a parser reads only what is there");
  if (!before.writer.obstacles().empty()) return;
  const StreamEdits& edits = before.writer.edits();
  const ByteVector written = before.written();
  require(written.size() == input.size() + edits.inserted() - edits.removed(), "only sentinels change the size");
  const RewriteInMemory after(written, back, fuzz_limits());
  require(after.recognised, "what was written is recognised");
  if (!only_described(before)) return;
  require(after.writer.obstacles().empty(), "what was written can be turned back");
  require(after.fields.text() == before.fields.text(), "devices say the same in both versions");
  require(after.errors() <= before.errors(), "writing adds no errors");
  require(std::ranges::equal(after.written(), input), "turned back it is the input");
}

}  // namespace

void fuzz_one(Bytes input) {
  if (test::stream_parser_for(input) == nullptr) return;
  rewrite(input, Target::sentinel, Target::legacy);
  rewrite(input, Target::legacy, Target::sentinel);
}

}  // namespace vmstate
