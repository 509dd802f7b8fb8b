// SPDX-License-Identifier: Apache-2.0
// Compiled once for each stream parser with -DPLUGIN=<its factory>.
#include <algorithm>

#include "formats/base/coverage.hpp"
#include "parsers/api/registry.hpp"
#include "tests/fuzz/driver.hpp"

namespace vmstate {

const StreamParser& PLUGIN();

namespace {

void parse_as(Arrival arrival, Bytes input) {
  const Limits limits = fuzz_limits();
  Findings findings(limits);
  test::MemorySource source = memory_source(input, arrival);
  ForwardReader reader(source, file_origin());
  Coverage coverage([](const CoverageRun&) {});
  ParseContext context{reader, coverage, findings, limits, built_in_plugins(), {}, nullptr};
  PLUGIN().parse(context);
  require(!reader.fault(), reader.fault() ? reader.fault()->message.c_str() : "");
  require(coverage.tiles(), "events claim the bytes of the stream in order, without holes or overlaps");
  require(coverage.end() == input.size(), "events claim every byte of the stream");
  require_sound(findings, limits);
}

}  // namespace

void fuzz_one(Bytes input) {
  if (!PLUGIN().recognises(input.first(std::min<std::size_t>(input.size(), 512)))) return;
  for (const Arrival arrival : {Arrival::file, Arrival::pipe}) parse_as(arrival, input);
}

}  // namespace vmstate
