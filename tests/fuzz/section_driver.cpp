// SPDX-License-Identifier: Apache-2.0
// Compiled once for each section parser with -DPLUGIN=<its factory>.
// Input: u8 section version, u8 facts (see facts_from), then the bodies of START, PART, PART, … back to back.
#include <array>

#include "formats/base/coverage.hpp"
#include "parsers/api/section_parser.hpp"
#include "tests/fuzz/driver.hpp"

namespace vmstate {

const SectionParser& PLUGIN();

namespace {

constexpr std::size_t control_bytes = 2;

StreamFacts facts_from(std::uint8_t bits) {
  StreamFacts facts;
  facts.version = 3;
  if (bits & 0x01) facts.page_size = 4096;
  if (bits & 0x02) facts.page_size = 1024;
  if (bits & 0x04) facts.capabilities.insert("mapped-ram");
  if (bits & 0x08) facts.capabilities.insert("x-ignore-shared");
  if (bits & 0x10) facts.postcopy_page_sizes = 0x201000;
  if (bits & 0x20) facts.footers = (bits & 0x40) != 0;
  return facts;
}

/// The name under which streams hold the section, as the plug-in accepts it.
std::optional<std::string> wire_name(std::uint32_t version) {
  constexpr std::array<const char*, 6> names = {"ram",        "block",     "dirty-bitmap",
                                                 "spapr/htab", "pbs-state", "s390-storage_attributes"};
  for (const char* name : names)
    if (PLUGIN().accepts(name, version, SectionType::start)) return name;
  return std::nullopt;
}

BodyEnd parse_body(SectionBody& body, const SectionHeader& header, const StreamFacts& facts, ForwardReader& reader,
                   Findings& findings, const Limits& limits) {
  const Offset start = reader.position();
  Coverage coverage([](const CoverageRun&) {});
  coverage.on(StreamBegin{"body", 0, {start, 0}, {}, nullptr});
  SectionContext context{reader, coverage, findings, limits, {}, facts, header};
  const BodyEnd end = body.parse(context);
  require(coverage.tiles(), "events claim the bytes of the body in order, without holes or overlaps");
  require(coverage.end() == reader.position(), "the reader stands behind the last claim");
  return end;
}

void parse_as(Arrival arrival, std::uint8_t version, std::uint8_t fact_bits, Bytes bodies) {
  const auto name = wire_name(version);
  if (!name) return;
  const Limits limits = fuzz_limits();
  Findings findings(limits);
  test::MemorySource source = memory_source(bodies, arrival);
  ForwardReader reader(source, file_origin());
  const StreamFacts facts = facts_from(fact_bits);
  SectionHeader header;
  header.type = SectionType::start;
  header.name = *name;
  header.version = version;
  const auto body = PLUGIN().begin();
  BodyEnd end = BodyEnd::complete;
  while (end == BodyEnd::complete && !reader.at_end()) {
    const Offset before = reader.position();
    end = parse_body(*body, header, facts, reader, findings, limits);
    require(reader.position() <= bodies.size(), "a body lies inside the input");
    if (reader.position() == before) break;
    header.type = SectionType::part;
  }
  require_sound(findings, limits);
}

}  // namespace

void fuzz_one(Bytes input) {
  if (input.size() < control_bytes) return;
  for (const Arrival arrival : {Arrival::file, Arrival::pipe})
    parse_as(arrival, input[0], input[1], input.subspan(control_bytes));
}

}  // namespace vmstate
