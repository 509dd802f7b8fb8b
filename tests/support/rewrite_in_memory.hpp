// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "formats/encode/sentinel_writer.hpp"
#include "parsers/api/registry.hpp"
#include "tests/support/field_text.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate::test {

/// The parser of a bare stream, null where there is none.
inline const StreamParser* stream_parser_for(Bytes input) {
  const Bytes head = input.first(std::min<std::size_t>(input.size(), 512));
  for (const StreamParser* parser : built_in_plugins().streams)
    if (parser->recognises(head)) return parser;
  return nullptr;
}

/// A stream in memory, parsed for being written in the other version.
class RewriteInMemory {
 public:
  RewriteInMemory(Bytes input, SentinelWriter::Target target, const Limits& limits = {})
      : input_(input.begin(), input.end()), writer(target) {
    const StreamParser* parser = stream_parser_for(input);
    if (parser == nullptr) return;
    recognised = true;
    Findings all(limits);
    MemorySource source(input_, exact);
    ForwardReader reader(source, std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt}));
    Tee tee({&writer, &fields});
    ParseContext context{reader, tee, all, limits, built_in_plugins(), {}, nullptr};
    parser->parse(context);
    fault = reader.fault();
    all.finish();
    findings = all.all();
  }

  std::size_t errors() const {
    return static_cast<std::size_t>(std::ranges::count(findings, Severity::error, &Finding::severity));
  }
  /// The other version. Not to be asked for where there are obstacles.
  ByteVector written() const {
    MemorySource source(input_, exact);
    MemorySink out;
    if (const auto done = writer.edits().apply(source, out); !done) throw std::runtime_error(done.error().message);
    return out.bytes();
  }

 private:
  // Views are exactly as long as asked for, so that reading beyond one is noticed.
  static constexpr MemorySource::Options exact{.step = 1};
  ByteVector input_;

 public:
  SentinelWriter writer;
  FieldText fields;
  std::vector<Finding> findings;
  bool recognised = false;
  std::optional<Fault> fault;
};

}  // namespace vmstate::test
