// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "formats/base/coverage.hpp"
#include "parsers/api/section_parser.hpp"
#include "tests/support/event_log.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate::test {

/// Where the bodies under test begin: a section header of that size is thought in front of them.
inline constexpr Offset body_offset = 100;

struct SectionResult {
  BodyEnd end{};
  Offset stopped_at = 0;  ///< of the reader, counted from the first byte of the body
  std::vector<std::string> lines;
  std::vector<Finding> findings;
  std::string cut_in;

  std::string text() const {
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }
};

/// One section, START to END, under a parser.
class SectionBench {
 public:
  SectionBench(const SectionParser& parser, std::string name, std::uint32_t version)
      : body_(parser.begin()), name_(std::move(name)), version_(version) {
    EXPECT_TRUE(parser.accepts(name_, version_, SectionType::start));
  }

  /// Parses one body at body_offset and checks that its events claim every byte up to where the reader stands once.
  SectionResult run(SectionType type, const ByteVector& body, MemorySource::Options options = {}) {
    MemorySource source(ByteVector(body_offset, 0xee) + body, options);
    ForwardReader in(source, nullptr, body_offset);
    EventLog log(body_offset);
    Findings findings(limits_);
    StreamFacts facts;
    SectionHeader header;
    header.type = type;
    header.name = name_;
    header.version = version_;
    header.range = {0, body_offset};
    SectionContext context{in, log, findings, limits_, {}, facts, header};
    SectionResult result;
    result.end = body_->parse(context);
    result.stopped_at = in.position() - body_offset;
    result.lines = log.lines();
    result.findings = findings.all();
    result.cut_in = body_->cut_in();
    EXPECT_TRUE(log.faults().empty()) << log.faults().front();
    EXPECT_EQ(log.end(), in.position()) << "the reader does not stand behind the last claim";
    EXPECT_LE(result.stopped_at, body.size());
    if (result.stopped_at <= body.size()) {
      const auto end = body.begin() + static_cast<std::ptrdiff_t>(result.stopped_at);
      EXPECT_EQ(log.bytes(), ByteVector(body.begin(), end)) << "the claims carry other bytes than the body";
    }
    return result;
  }

 private:
  std::unique_ptr<SectionBody> body_;
  std::string name_;
  std::uint32_t version_;
  Limits limits_;
};

/// What a section's test needs to make benches of its own.
struct SectionUnderTest {
  const SectionParser& parser;
  std::string name;
  std::uint32_t version;
  SectionBench bench() const { return SectionBench(parser, name, version); }
};

/// Expects that the body is read to its end, and nothing found.
inline void expect_whole(const SectionResult& result, std::uint64_t size, const std::string& text) {
  EXPECT_EQ(result.end, BodyEnd::complete);
  EXPECT_EQ(result.stopped_at, size);
  EXPECT_EQ(result.text(), text);
  for (const auto& finding : result.findings) ADD_FAILURE() << code_text(finding.code) << " " << finding.message;
}

/// Expects exactly one VMS0609 at `range` (counted from the start of the body), in `field`.
inline void expect_damage(const SectionResult& result, ByteRange range, std::string_view field) {
  ASSERT_EQ(result.findings.size(), 1u);
  const Finding& finding = result.findings.front();
  EXPECT_EQ(finding.code, Code::special_body_damaged);
  EXPECT_EQ(finding.range.offset, body_offset + range.offset) << finding.message;
  EXPECT_EQ(finding.range.size, range.size) << finding.message;
  EXPECT_EQ(finding.field, field) << finding.message;
  EXPECT_EQ(finding.evidence.size(), std::min<std::uint64_t>(range.size, 64)) << finding.message;
}

/// Expects the body to stop making sense at `stopped_at` because of `range`.
inline void expect_stop(const SectionResult& result, Offset stopped_at, ByteRange range, std::string_view field) {
  EXPECT_EQ(result.end, BodyEnd::damaged);
  EXPECT_EQ(result.stopped_at, stopped_at);
  expect_damage(result, range, field);
}

/// Lengths worth cutting a body to: all of a small one; of a large one those around the borders of its records.
inline std::set<std::size_t> cut_points(std::size_t size, const std::vector<std::string>& lines) {
  constexpr std::size_t small = 4096;
  std::set<std::size_t> points;
  if (size <= small) {
    for (std::size_t at = 0; at < size; ++at) points.insert(at);
    return points;
  }
  for (const auto& line : lines) {
    const auto border = std::stoull(line.substr(line.find(' ') + 1)) - body_offset;
    for (const auto at : {border, border + 1, border + 8})
      if (at < size) points.insert(at);
  }
  points.insert(size - 1);
  return points;
}

/// Cuts the last of `bodies` at every length: it must be reported as cut, without a finding, with the events of the
/// whole as far as they are complete, and one more for the incomplete record.
inline void expect_every_prefix_cut(const SectionUnderTest& section,
                                    const std::vector<std::pair<SectionType, ByteVector>>& bodies) {
  const auto run_all = [&](std::size_t length) {
    SectionBench bench = section.bench();
    for (std::size_t i = 0; i + 1 < bodies.size(); ++i) (void)bench.run(bodies[i].first, bodies[i].second);
    ByteVector last = bodies.back().second;
    last.resize(length);
    return bench.run(bodies.back().first, last);
  };
  const std::size_t size = bodies.back().second.size();
  const auto whole = run_all(size);
  for (const auto length : cut_points(size, whole.lines)) {
    SCOPED_TRACE("cut to " + std::to_string(length));
    auto cut = run_all(length);
    EXPECT_EQ(cut.end, BodyEnd::cut);
    EXPECT_EQ(cut.stopped_at, length);
    EXPECT_TRUE(cut.findings.empty());
    EXPECT_FALSE(cut.cut_in.empty());
    if (!cut.lines.empty() && cut.lines.back().ends_with(" incomplete record")) cut.lines.pop_back();
    ASSERT_LE(cut.lines.size(), whole.lines.size());
    EXPECT_TRUE(std::equal(cut.lines.begin(), cut.lines.end(), whole.lines.begin()));
  }
}

/// Expects the same events however the bytes arrive, with `tail` behind the body.
inline void expect_same_however_delivered(const SectionUnderTest& section, SectionType type, const ByteVector& body) {
  const ByteVector tail = hex("7e 00 00 00 01 00");
  const auto whole = section.bench().run(type, body + tail);
  for (const std::size_t step : {1, 2, 3, 7, 4096, 65537})
    for (const bool pipe : {false, true}) {
      const auto run = section.bench().run(type, body + tail, {step, !pipe, !pipe});
      EXPECT_EQ(run.end, whole.end) << "step " << step;
      EXPECT_EQ(run.lines, whole.lines) << "step " << step;
    }
}

}  // namespace vmstate::test
