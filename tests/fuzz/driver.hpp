// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

#include "formats/base/bytes.hpp"
#include "formats/base/finding.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate {

/// What a driver does with one input. Defined once in each fuzz program.
void fuzz_one(Bytes input);

/// A promise that no input may break. Prints it and aborts, which both libFuzzer and a replay take for a failure.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// What holds for the findings of any input.
inline void require_sound(Findings& findings, const Limits& limits) {
  findings.finish();
  require(findings.all().size() <= (limits.findings_per_code + 1) * all_codes().size(), "findings are bounded");
  for (const Finding& finding : findings.all()) {
    require(!finding.message.empty(), "a finding has a message");
    require(finding.evidence.size() <= 64, "evidence is at most 64 bytes");
  }
}

/// Limits of the kind that users have, small enough for a fuzzer.
inline Limits fuzz_limits() {
  Limits limits;
  limits.lookahead = 1u << 20;
  limits.description = 1u << 20;
  limits.body = 1u << 20;
  limits.page_map = 1u << 20;
  limits.scan = 1u << 20;
  limits.decoder_memory = 16u << 20;
  limits.expansion = 8u << 20;
  return limits;
}

/// How the bytes come: each promise is kept for both.
enum class Arrival : std::uint8_t { file, pipe };

/// The input as a source that gives exactly what it is asked for, so that reading beyond a view is noticed.
inline test::MemorySource memory_source(Bytes input, Arrival arrival) {
  const bool file = arrival == Arrival::file;
  return test::MemorySource({input.begin(), input.end()}, {.step = 1, .seekable = file, .size_known = file});
}
inline std::shared_ptr<const Origin> file_origin() {
  return std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
}

}  // namespace vmstate
