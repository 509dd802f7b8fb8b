// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vmstate::test {

namespace detail {

struct EventLine {
  std::string kind;
  unsigned long long offset = 0, size = 0;
  std::string words;
  bool placed = false;
};

inline EventLine split_line(const std::string& line) {
  EventLine made;
  const auto blank = line.find(' ');
  made.kind = line.substr(0, blank);
  if (blank == std::string::npos) return made;
  const auto plus = line.find('+', blank);
  const auto end = line.find(' ', blank + 1);
  made.words = line.substr(blank);
  if (plus == std::string::npos || (end != std::string::npos && plus > end)) return made;
  if (line.find_first_not_of("0123456789", blank + 1) != plus) return made;
  made.placed = true;
  made.offset = std::stoull(line.substr(blank + 1));
  made.size = std::stoull(line.substr(plus + 1));
  made.words = end == std::string::npos ? std::string() : line.substr(end);
  return made;
}

}  // namespace detail

/// EventLog lines without what depends on how bytes arrive by design: bulk bytes (pages, payload, gaps) go by in pieces, and
/// a source that cannot seek learns of the description later.
inline std::vector<std::string> comparable_lines(const std::vector<std::string>& lines) {
  std::vector<detail::EventLine> merged;
  for (const std::string& line : lines) {
    auto next = detail::split_line(line);
    if (next.kind == "description-known") continue;
    const bool pages = next.kind == "ram-pages";
    if (pages) next.words.clear();
    const bool bulk = pages || next.kind == "gap" || next.kind == "payload";
    if (bulk && !merged.empty() && merged.back().kind == next.kind && merged.back().words == next.words &&
        merged.back().offset + merged.back().size == next.offset)
      merged.back().size += next.size;
    else
      merged.push_back(std::move(next));
  }
  std::vector<std::string> all;
  for (const auto& line : merged)
    all.push_back(line.kind + (line.placed ? " " + std::to_string(line.offset) + "+" + std::to_string(line.size) : "") + line.words);
  return all;
}

}  // namespace vmstate::test
