// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "formats/base/coverage.hpp"
#include "formats/layouts/catalogue.hpp"
#include "parsers/api/registry.hpp"
#include "parsers/inspect/completeness.hpp"
#include "parsers/inspect/machine_summary.hpp"
#include "parsers/inspect/ram_summary.hpp"
#include "parsers/source/open_chain.hpp"
#include "tests/support/event_log.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate::test {

/// One section as the events told it.
struct SeenSection {
  std::string label;
  SectionType type = SectionType::full;
  ByteRange header;
  ByteRange body;
  Boundary boundary = Boundary::self;
  bool footer = false;
  std::string decoded_by;  ///< of devices
  FieldTree tree;          ///< of devices
  ByteVector body_bytes;   ///< of devices
};

/// Everything one run through a stream said.
struct StreamResult {
  std::vector<std::string> lines;  ///< EventLog
  std::vector<std::string> faults;
  std::vector<Finding> findings;   ///< ordered
  std::vector<SeenSection> sections;
  std::vector<RamPage> pages;
  std::uint64_t page_size = 0;
  StreamEnd end{};
  unsigned ends = 0;               ///< StreamEnd events
  Offset claimed = 0;              ///< end of the last claim
  ByteVector bytes;                ///< that events carry; zeros for claims without bytes
  std::vector<ByteRange> uncarried;  ///< claims without bytes
  bool recognised = true;          ///< run_chain(): a stream was found inside the layers
  std::optional<Fault> fault;
  std::optional<std::string> run_state;
  std::uint64_t never_sent = 0;    ///< pages of all blocks

  std::string text() const {
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
  std::vector<std::string> codes() const {
    std::vector<std::string> all;
    for (const Finding& finding : findings) all.push_back(code_text(finding.code));
    return all;
  }
  const Finding* find(Code code) const {
    for (const Finding& finding : findings)
      if (finding.code == code) return &finding;
    return nullptr;
  }
  const SeenSection* section(std::string_view label) const {
    for (const SeenSection& section : sections)
      if (section.label == label) return &section;
    return nullptr;
  }
};

/// Findings as text, one a line: code, range, section, field, message.
inline std::string findings_text(const std::vector<Finding>& findings) {
  std::string all;
  for (const Finding& finding : findings)
    all += code_text(finding.code) + " " + std::to_string(finding.range.offset) + "+" + std::to_string(finding.range.size) +
           " [" + finding.section + "] [" + finding.field + "] " + finding.message + "\n";
  return all;
}

namespace detail {

// Keeps what a StreamResult shows beside the log's lines.
class Recorder final : public EventSink {
 public:
  explicit Recorder(StreamResult& out) : out_(out) {}

  void on(const StreamBegin& e) override { take(e.range, e.bytes); }
  void on(const Configuration& e) override { take(e.range, e.bytes); }
  void on(const Command& e) override { take(e.range, e.bytes); }
  void on(const SectionBegin& e) override {
    take(e.header.range, e.bytes);
    out_.sections.push_back({section_label(e.header), e.header.type, e.header.range, {}, Boundary::self, false, {}, {}, {}});
  }
  void on(const RamPageSize& e) override { out_.page_size = e.page_size; }
  void on(const RamBlockEntry& e) override { take(e.range, e.bytes); }
  void on(const RamMappedBitmap& e) override { take(e.range, e.bytes); }
  void on(const RamMappedPages& e) override {
    take(e.padding, {});
    take(e.pages, {});
  }
  void on(const RamPages& e) override {
    take(e.range, e.bytes);
    out_.pages.insert(out_.pages.end(), e.pages.begin(), e.pages.end());
  }
  void on(const Payload& e) override { take(e.range, e.bytes); }
  void on(const DeviceState& e) override {
    take(e.range, e.bytes);
    if (out_.sections.empty()) return;
    out_.sections.back().decoded_by = e.tree.decoded_by;
    out_.sections.back().tree = e.tree;
    out_.sections.back().body_bytes.assign(e.bytes.begin(), e.bytes.end());
  }
  void on(const BodyItem& e) override { take(e.range, e.bytes); }
  void on(const SectionEnd& e) override {
    if (e.footer) take(*e.footer, e.footer_bytes);
    if (out_.sections.empty()) return;
    out_.sections.back().body = e.body;
    out_.sections.back().boundary = e.boundary;
    out_.sections.back().footer = e.footer.has_value();
  }
  void on(const EndOfStream& e) override { take(e.range, {}); }
  void on(const Description& e) override { take(e.range, e.bytes); }
  void on(const Gap& e) override { take(e.range, {}); }
  void on(const StreamEnd& e) override {
    out_.end = e;
    ++out_.ends;
  }

 private:
  void take(ByteRange range, Bytes bytes) {
    out_.bytes.insert(out_.bytes.end(), bytes.begin(), bytes.end());
    if (bytes.size() >= range.size) return;
    const std::uint64_t missing = range.size - bytes.size();
    out_.uncarried.push_back({range.end() - missing, missing});
    out_.bytes.resize(out_.bytes.size() + static_cast<std::size_t>(missing));
  }

  StreamResult& out_;
};

}  // namespace detail

/// Tests of framing write bodies of their own under names of real devices: no layout is to recognise them.
inline const LayoutCatalogue& no_layouts() {
  static const LayoutCatalogue none = std::move(*LayoutCatalogue::of({}));
  return none;
}

struct RunOptions {
  Limits limits{};
  ParseOptions parse{.layouts = &no_layouts()};
  bool passes = true;  ///< findings of the inspection passes too
};

namespace detail {

// The parser and the passes over a source.
inline StreamResult run_parser(const StreamParser& parser, ByteSource& source, const std::shared_ptr<const Origin>& origin,
                               Findings& findings, const RunOptions& options) {
  StreamResult result;
  ForwardReader in(source, origin);
  findings.set_origin(origin);
  EventLog log;
  Recorder recorder(result);
  RamSummary ram(findings, options.limits);
  MachineSummary machine(findings);
  Completeness completeness(findings, options.limits);
  std::vector<EventSink*> sinks{&log, &recorder};
  if (options.passes) sinks.insert(sinks.end(), {&ram, &machine, &completeness});
  Tee tee(sinks);
  ParseContext context{in, tee, findings, options.limits, built_in_plugins(), options.parse, nullptr};
  parser.parse(context);
  result.lines = log.lines();
  result.faults = log.faults();
  result.claimed = log.end();
  result.fault = in.fault();
  result.run_state = machine.run_state();
  for (const auto& block : ram.blocks()) result.never_sent += block.pages().never_sent;
  return result;
}

}  // namespace detail

inline const StreamParser& version_3_parser() {
  for (const StreamParser* parser : built_in_plugins().streams)
    if (parser->name() == "qevm-v3") return *parser;
  throw std::logic_error("no parser of version 3");
}

/// Runs the version-3 parser and the passes over a source.
inline StreamResult run_stream(ByteSource& source, const RunOptions& options = {}) {
  Findings findings(options.limits);
  const auto origin = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  StreamResult result = detail::run_parser(version_3_parser(), source, origin, findings, options);
  findings.finish();
  result.findings = findings.all();
  return result;
}

/// Peels the layers of a file and runs whatever parser knows the stream inside.
inline StreamResult run_chain(std::unique_ptr<ByteSource> file, const RunOptions& options = {}) {
  StreamResult result;
  Findings findings(options.limits);
  auto chain = OpenChain::open(std::move(file), built_in_plugins(), findings, options.limits);
  if (!chain) {
    result.fault = chain.error();
    return result;
  }
  OpenChain& opened = **chain;
  if (opened.stream() != nullptr)
    result = detail::run_parser(*opened.stream(), opened.innermost(), opened.origin(), findings, options);
  else
    result.recognised = false;
  opened.conclude(result.claimed);
  findings.finish();
  result.findings = findings.all();
  return result;
}

/// The same over bytes in memory; checks that the claims tile them and carry them.
inline StreamResult run_stream(const ByteVector& stream, const RunOptions& options = {}, MemorySource::Options how = {}) {
  MemorySource source(stream, how);
  StreamResult result = run_stream(source, options);
  EXPECT_FALSE(result.fault) << result.fault->message;
  EXPECT_TRUE(result.faults.empty()) << result.faults.front();
  EXPECT_EQ(result.claimed, stream.size());
  EXPECT_EQ(result.ends, 1u);
  return result;
}

inline constexpr MemorySource::Options pipe_like{.step = 1, .seekable = false, .size_known = false};

/// Expects exactly one finding of `code`, at `range`.
inline void expect_finding(const StreamResult& result, Code code, ByteRange range) {
  unsigned count = 0;
  for (const Finding& finding : result.findings) {
    if (finding.code != code) continue;
    ++count;
    EXPECT_EQ(finding.range.offset, range.offset) << finding.message;
    EXPECT_EQ(finding.range.size, range.size) << finding.message;
  }
  EXPECT_EQ(count, 1u) << code_text(code) << " in:\n" << findings_text(result.findings);
}

/// Expects these codes and no others, in any order.
inline void expect_codes(const StreamResult& result, std::vector<Code> codes) {
  std::vector<std::string> expected;
  for (const Code code : codes) expected.push_back(code_text(code));
  auto found = result.codes();
  std::ranges::sort(expected);
  std::ranges::sort(found);
  EXPECT_EQ(found, expected) << findings_text(result.findings);
}

}  // namespace vmstate::test
