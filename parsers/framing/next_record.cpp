// SPDX-License-Identifier: Apache-2.0
#include "parsers/framing/next_record.hpp"

#include <algorithm>
#include <cstring>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "formats/wire/ram.hpp"
#include "parsers/api/record_probe.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

// Bytes that must be in sight to judge a place: the longest header, or a footer and a header.
constexpr std::size_t sight = longest_header_size + footer_size + 16;
constexpr std::size_t most_inserted = 8192;

bool contains(std::span<const std::uint32_t> ids, std::uint32_t id) { return std::ranges::find(ids, id) != ids.end(); }

// A PART or END of an open section whose body begins like page records or an end mark.
bool is_open_part(Bytes bytes, const SearchFacts& facts) {
  if (bytes.size() < short_header_size + wire::ram::word_size) return false;
  if (bytes[0] != section_part && bytes[0] != section_end) return false;
  if (!contains(facts.open_ids, load_be32(&bytes[1]))) return false;
  const auto word = load_be64(&bytes[short_header_size]);
  constexpr std::uint64_t flags = 0x3ff;
  constexpr std::uint64_t beyond_any_guest = std::uint64_t{1} << 52;
  return word < beyond_any_guest && (word & flags) != 0;
}

bool begins_record(Bytes bytes, const SearchFacts& facts) {
  switch (bytes[0]) {
    case eof: return is_described_end(bytes);
    case section_start:
    case section_full: {
      const auto header = likely_long_header(bytes);
      return header && (facts.footers != true || facts.known_name(header->name) || header->name.size() >= 4);
    }
    case section_part:
    case section_end: return is_open_part(bytes, facts);
    default: return false;
  }
}

// Distance behind a footer of a known section that a record follows, or 0.
std::size_t footer_then_record(Bytes bytes, const SearchFacts& facts, bool at_end) {
  if (bytes.size() < footer_size || bytes[0] != section_footer || facts.footers == false) return 0;
  if (!facts.known_id(load_be32(&bytes[1]))) return 0;
  return credible_record(bytes.subspan(footer_size), facts.open_ids, at_end) ? footer_size : 0;
}

// The first place of `byte` from `from` on, or the end.
std::size_t next_of(Bytes view, std::uint8_t byte, std::size_t from) {
  if (from >= view.size()) return view.size();
  const void* there = std::memchr(view.data() + from, byte, view.size() - from);
  return there == nullptr ? view.size() : static_cast<std::size_t>(static_cast<const std::uint8_t*>(there) - view.data());
}

// Calls `judge(view, from, to, at_end)` for ever longer views up to `limit` bytes; each place is judged once, with enough
// bytes in sight. It answers up to where it judged if that ends the search. Only judged places cost budget: a stream of
// many small sections without sizes is sound.
template <class Judge>
void search(ForwardReader& in, std::size_t from, std::size_t limit, std::uint64_t& budget, Judge&& judge) {
  limit = static_cast<std::size_t>(std::min<std::uint64_t>(limit, budget));
  for (std::size_t reach = std::min<std::size_t>(1 << 16, limit); reach > 0; reach = std::min(reach * 4, limit)) {
    const Bytes all = in.peek(reach);
    const bool at_end = all.size() < reach;
    const Bytes view = all.first(std::min(all.size(), reach));
    const std::size_t to = at_end ? view.size() : view.size() - std::min(view.size(), sight);
    if (from < to) {
      const std::optional<std::size_t> over = judge(view, from, to, at_end);
      budget -= std::min<std::uint64_t>(budget, over.value_or(to) - from);
      if (over) return;
      from = to;
    }
    if (at_end || reach >= limit) return;
  }
}

}  // namespace

std::optional<std::size_t> find_next_record(ForwardReader& in, const SearchFacts& facts, const Limits& limits) {
  std::optional<std::size_t> found;
  search(in, 1, limits.lookahead, facts.budget,
         [&](Bytes view, std::size_t from, std::size_t to, bool at_end) -> std::optional<std::size_t> {
    for (std::size_t at = from; at < to; ++at) {
      const std::uint8_t byte = view[at];
      if (byte > section_full && byte != section_footer) continue;
      const Bytes here = view.subspan(at);
      if (byte == section_footer) {
        if (const auto behind = footer_then_record(here, facts, at_end)) found = at + behind;
      } else if (begins_record(here, facts)) {
        found = at;
      }
      if (found) return at + 1;
    }
    return std::nullopt;
  });
  return found;
}

std::optional<std::size_t> find_footer(ForwardReader& in, std::uint32_t id, std::optional<std::size_t> expected,
                                       const SearchFacts& facts, const Limits& limits) {
  std::optional<std::size_t> found;
  std::optional<std::size_t> unconfirmed;  // in front of something that is no record: damage may follow
  const auto distance = [&](std::size_t at) { return at > *expected ? at - *expected : *expected - at; };
  // What is inserted into a body is seldom longer than a block of a file system.
  const std::size_t limit = expected ? std::min(limits.lookahead, 2 * *expected + most_inserted + sight) : limits.lookahead;
  search(in, 0, limit, facts.budget,
         [&](Bytes view, std::size_t from, std::size_t to, bool at_end) -> std::optional<std::size_t> {
    for (std::size_t at = next_of(view, section_footer, from); at < to; at = next_of(view, section_footer, at + 1)) {
      if (!is_footer_of(view.subspan(at), id)) continue;
      if (!credible_record(view.subspan(at + footer_size), facts.open_ids, at_end)) {
        if (!unconfirmed) unconfirmed = at;
        continue;
      }
      if (!found || !expected || distance(at) < distance(*found)) found = at;
      if (!expected || at >= *expected) return true;
    }
    // Once behind the expected place the nearest one is known.
    const bool over = found && expected && to > *expected && to - *expected > distance(*found);
    return over ? std::optional(to) : std::nullopt;
  });
  return found ? found : unconfirmed;
}

}  // namespace vmstate
