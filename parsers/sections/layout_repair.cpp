// SPDX-License-Identifier: Apache-2.0
// Which damage explains that a body does not end as it should: docs/formats/layouts.md, "Damaged sentinels".
#include <algorithm>

#include "parsers/sections/layout_device.hpp"

namespace vmstate {
namespace {

using Kind = LayoutRepair::Kind;
using Repairs = std::vector<LayoutRepair>;

constexpr unsigned most_repairs = 4;
// How far behind a cause its effect may show: the elements between pass by accident.
constexpr std::uint64_t look_back = 3;

// What may have gone wrong at or shortly before the place where `attempt` stopped, likeliest first.
Repairs hypotheses(const LayoutDecoding& attempt, bool sentinels) {
  Repairs all;
  if (sentinels) {
    const std::uint64_t next = attempt.sentinels;
    if (attempt.stop == LayoutStop::sentinel) {
      all.push_back({Kind::replaced, next});
      all.push_back({Kind::removed, next});
    }
    for (std::uint64_t back = 1; back <= std::min(look_back, next); ++back) {
      all.push_back({Kind::doubled, next - back});
      all.push_back({Kind::removed, next - back});
    }
  }
  for (std::uint64_t back = 1; back <= std::min(look_back, attempt.subsections); ++back)
    all.push_back({Kind::no_subsection, attempt.subsections - back});
  return all;
}

bool assumed(const Repairs& repairs, const LayoutRepair& one) {
  return std::ranges::any_of(repairs, [&](const LayoutRepair& other) {
    return other.number == one.number && (other.kind == Kind::no_subsection) == (one.kind == Kind::no_subsection);
  });
}

}  // namespace

LayoutDecoding decode_damaged_by_layout(const LayoutInput& input, const BodyEndJudge& ends_well, const Limits& limits) {
  LayoutDecoding plain = decode_by_layout(input, limits);
  Repairs repairs;
  std::uint64_t reached = plain.sentinels;
  Repairs options = hypotheses(plain, input.encoding.sentinels);
  while (repairs.size() < most_repairs) {
    Repairs next_options;
    Repairs next_repairs;
    for (const LayoutRepair& option : options) {
      if (assumed(repairs, option)) continue;
      Repairs tried = repairs;
      tried.push_back(option);
      LayoutDecoding attempt = decode_by_layout(input, tried, limits);
      if (attempt.stop == LayoutStop::none && ends_well(attempt.size)) return attempt;
      // The sentinel in question, and at least one behind it.
      if (attempt.sentinels < reached + 2) continue;
      reached = attempt.sentinels;
      next_options = hypotheses(attempt, input.encoding.sentinels);
      next_repairs = std::move(tried);
    }
    if (next_repairs.empty()) break;
    repairs = std::move(next_repairs);
    options = std::move(next_options);
  }
  return plain;
}

}  // namespace vmstate
