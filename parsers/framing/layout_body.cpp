// SPDX-License-Identifier: Apache-2.0
// Which of the known layouts a body has: docs/formats/layouts.md, "Which layout it is".
#include "parsers/framing/layout_body.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "formats/base/offset_text.hpp"
#include "formats/layouts/catalogue.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/framing/body_extent.hpp"
#include "parsers/framing/next_record.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

// Anybody's folder may hold any number of layouts for one name.
constexpr std::size_t most_candidates = 64;

const LayoutCatalogue& catalogue_of(const WalkState& walk) {
  const LayoutCatalogue* chosen = walk.context.options.layouts;
  return chosen != nullptr ? *chosen : LayoutCatalogue::built_in();
}

// The bytes from a body on, and what a body of section `id` may end in front of.
struct Sight {
  const WalkState& walk;
  Bytes ahead;
  Offset at = 0;        // of the first byte in the stream
  bool at_end = false;  // the stream ends with them
  std::uint32_t id = 0;

  Bytes behind(std::uint64_t size) const { return ahead.subspan(static_cast<std::size_t>(size)); }
  bool is_end(std::uint64_t size) const {
    if (size > ahead.size()) return false;
    if (is_footer_of(behind(size), id)) return true;
    if (walk.facts.footers == true) return false;
    if (walk.package_end && at + size == *walk.package_end) return true;
    return !behind(size).empty() && credible_record(behind(size), walk.open_ids, at_end);
  }
  bool ends_well(const LayoutDecoding& decoding) const { return decoding.stop == LayoutStop::none && is_end(decoding.size); }
  // A zero byte with more behind it than an end of stream has is as likely a byte of the body.
  bool ends_in_doubt(const LayoutDecoding& decoding) const {
    const Bytes rest = behind(decoding.size);
    return rest.size() > 1 && rest[0] == eof && rest[1] != vmdescription;
  }
};

struct Attempt {
  const Layout* layout;
  LayoutDecoding decoding;
};

std::vector<const Layout*> candidates_for(const WalkState& walk, std::string_view name, std::uint32_t version) {
  std::vector<const Layout*> all;
  for (const Layout* layout : catalogue_of(walk).for_section(name))
    if (layout->reads(version) && all.size() < most_candidates) all.push_back(layout);
  return all;
}

Attempt attempt(const WalkState& walk, const Layout& layout, const Sight& sight, std::uint32_t version) {
  const LayoutInput input{layout, sight.ahead, sight.at, version, {has_sentinels(walk.facts)}};
  return {&layout, decode_by_layout(input, walk.context.limits)};
}

// --- the release ------------------------------------------------------------------------------------------------------

// Releases differ in the names of fields more often than in their bytes: the one whose layouts fit most of the sections
// from here on wrote them.
class ReleaseVote {
 public:
  explicit ReleaseVote(const WalkState& walk) : walk_(walk) {}

  // All that fit equally well, oldest first; empty where no section fits any.
  std::vector<std::string> decide(Bytes ahead, Offset at, bool at_end, const SectionHeader& first) {
    Sight sight{walk_, ahead, at, at_end, first.id};
    std::string name = first.name;
    std::uint32_t version = first.version;
    for (std::size_t sections = 0; sections < most_sections; ++sections) {
      const auto size = vote(sight, name, version);
      if (!size) break;
      sight.ahead = sight.behind(*size);
      sight.at += *size;
      if (is_footer_of(sight.ahead, sight.id)) sight.ahead = sight.behind(footer_size), sight.at += footer_size;
      const auto next = credible_long_header(sight.ahead);
      if (!next || next->type != section_full) break;
      name = std::string(next->name);
      version = next->version;
      sight.id = next->id;
      sight.ahead = sight.behind(next->size);
      sight.at += next->size;
    }
    std::size_t most = 0;
    for (const auto& [release, count] : votes_) most = std::max(most, count);
    std::vector<std::string> best;
    for (const auto& [release, count] : votes_)
      if (count == most) best.push_back(release);
    return best;
  }

 private:
  static constexpr std::size_t most_sections = 1024;

  // Size of the body, if a layout fits it.
  std::optional<std::uint64_t> vote(const Sight& sight, std::string_view name, std::uint32_t version) {
    std::optional<std::uint64_t> size;
    bool in_doubt = true;
    std::set<std::string> fitting;
    for (const Layout* layout : candidates_for(walk_, name, version)) {
      const auto tried = attempt(walk_, *layout, sight, version);
      if (!sight.ends_well(tried.decoding)) continue;
      const bool doubtful = sight.ends_in_doubt(tried.decoding);
      if (doubtful && !in_doubt) continue;
      if (in_doubt && !doubtful) {
        fitting.clear();
        size.reset();
      }
      in_doubt = doubtful;
      if (!size) size = tried.decoding.size;
      fitting.insert(layout->releases.begin(), layout->releases.end());
    }
    for (const std::string& release : fitting) ++votes_[release];
    return size;
  }

  const WalkState& walk_;
  std::map<std::string, std::size_t> votes_;  // releases sort by age: each number in them has one digit but the last
};

// --- the layout -------------------------------------------------------------------------------------------------------

class LayoutMatcher {
 public:
  LayoutMatcher(WalkState& walk, const SectionHeader& header) : walk_(walk), header_(header), in_(walk.in()) {
    sight_.at = in_.position();
    sight_.id = header.id;
  }

  std::optional<LayoutMatch> match() {
    find_candidates();
    if (candidates_.empty()) return std::nullopt;
    // Bodies are short: more is looked at only where a layout asks for it.
    constexpr std::size_t first_reach = 1u << 16;
    constexpr std::size_t growth = 16;
    const std::size_t most = walk_.context.limits.body + boundary_sight;
    for (std::size_t reach = std::min(first_reach, most);; reach = std::min(reach * growth, most)) {
      look(reach);
      auto found = try_all(sight_.at_end || reach == most);
      if (found || sight_.at_end || reach == most || !wants_more_) return found ? std::move(found) : furthest();
    }
  }

 private:
  void look(std::size_t reach) {
    const Bytes view = in_.peek(reach);
    sight_.at_end = view.size() < reach;
    sight_.ahead = view.first(std::min(view.size(), reach));
  }

  void find_candidates() {
    candidates_ = candidates_for(walk_, header_.name, header_.version);
    if (candidates_.empty()) return report_version();
    if (!walk_.layout_releases) decide_releases();
    const auto unlikely =
        std::stable_partition(candidates_.begin(), candidates_.end(), [&](const Layout* layout) { return is_likely(*layout); });
    // Another release's body may lack just the sentinel that was lost here.
    if (has_sentinels(walk_.facts) && unlikely != candidates_.begin()) candidates_.erase(unlikely, candidates_.end());
  }

  // Whether one of the releases that may have written the stream writes such a body.
  bool is_likely(const Layout& layout) const {
    return std::ranges::find_first_of(layout.releases, *walk_.layout_releases) != layout.releases.end();
  }

  void decide_releases() {
    constexpr std::size_t reach = 2u << 20;
    look(std::min(reach, walk_.context.limits.lookahead));
    walk_.layout_releases = ReleaseVote(walk_).decide(sight_.ahead, sight_.at, sight_.at_end, header_);
    if (has_sentinels(walk_.facts) && walk_.layout_releases->empty()) walk_.layout_releases = {std::string(sentinel_release)};
  }

  void report_version() {
    const auto named = catalogue_of(walk_).for_section(header_.name);
    if (named.empty()) return;
    walk_.layouts_fit = false;
    constexpr std::uint64_t word = 4;
    std::uint32_t oldest = named[0]->minimum;
    std::uint32_t newest = 0;
    for (const Layout* layout : named) {
      oldest = std::min(oldest, layout->minimum);
      newest = std::max(newest, layout->version);
    }
    walk_.findings().add(Code::layout_version_unknown, {header_.range.end() - word, word},
                         "'" + section_label(header_) + "' has version " + std::to_string(header_.version) +
                             ", its layout is known for versions " + std::to_string(oldest) + " to " + std::to_string(newest));
  }

  // The first candidate that ends well, as it stands or with damage that explains why it does not. Only the `last` look
  // has all the bytes that prove damage.
  std::optional<LayoutMatch> try_all(bool last) {
    attempts_.clear();
    wants_more_ = false;
    for (const Layout* layout : candidates_) {
      attempts_.push_back(attempt(walk_, *layout, sight_, header_.version));
      const LayoutDecoding& decoding = attempts_.back().decoding;
      wants_more_ = wants_more_ || decoding.stop == LayoutStop::data || decoding.size + boundary_sight > sight_.ahead.size();
    }
    if (Attempt* best = best_whole()) {
      best->decoding.tree.certain = report_rivals(*best);
      return take(best->decoding);
    }
    if (wants_more_ && !last) return std::nullopt;
    if (auto mended = try_repairs()) return mended;
    return try_lenient();
  }

  // The first that ends where something else begins, rather than at a zero byte that may be its own.
  Attempt* best_whole() {
    Attempt* best = nullptr;
    for (Attempt& tried : attempts_) {
      if (!sight_.ends_well(tried.decoding)) continue;
      if (best == nullptr || (sight_.ends_in_doubt(best->decoding) && !sight_.ends_in_doubt(tried.decoding))) best = &tried;
    }
    return best;
  }

  // Others that end as well as the `best` one, by a release that is no less likely. False: one of them finds other structs.
  bool report_rivals(const Attempt& best) {
    bool certain = true;
    bool reported = false;
    const auto ends = struct_ends(best.decoding.tree);
    for (const Attempt& other : attempts_) {
      if (&other == &best || !sight_.ends_well(other.decoding)) continue;
      if (sight_.ends_in_doubt(other.decoding) && !sight_.ends_in_doubt(best.decoding)) continue;
      if (is_likely(*best.layout) && !is_likely(*other.layout)) continue;
      if (other.decoding.size != best.decoding.size && !std::exchange(reported, true))
        report_disagreement(best.decoding, other.decoding);
      certain = certain && struct_ends(other.decoding.tree) == ends;
    }
    return certain;
  }

  std::optional<LayoutMatch> try_repairs() {
    std::optional<LayoutDecoding> best;
    const BodyEncoding encoding{has_sentinels(walk_.facts)};
    for (const Attempt& plain : attempts_) {
      if (!encoding.sentinels && plain.decoding.subsections == 0) continue;
      auto mended = decode_damaged_by_layout(
          {*plain.layout, sight_.ahead, sight_.at, header_.version, encoding},
          [&](std::uint64_t size) { return sight_.is_end(size); }, walk_.context.limits);
      if (mended.repairs > 0 && (!best || mended.repairs < best->repairs)) best = std::move(mended);
    }
    if (!best) return std::nullopt;
    best->tree.certain = false;  // it is the likeliest reading, not the only one
    return take(*best);
  }

  // A layout that is whole in front of something that is no record, but a damaged one: a header whose first byte is wrong,
  // the end of a stream with bytes behind it.
  std::optional<LayoutMatch> try_lenient() {
    if (walk_.facts.footers == true) return std::nullopt;
    // A body of a release that is not known may well hold a zero where a layout of another one ends.
    if (!walk_.layouts_fit && !has_sentinels(walk_.facts)) return std::nullopt;
    for (Attempt& tried : attempts_)
      if (tried.decoding.stop == LayoutStop::none && is_damaged_end(tried.decoding.size)) return take(tried.decoding);
    return std::nullopt;
  }

  static std::optional<LayoutMatch> take(LayoutDecoding& decoding) { return LayoutMatch{std::move(decoding), true, false}; }

  // None ends well: the one that came furthest.
  std::optional<LayoutMatch> furthest() {
    const auto best = std::ranges::max_element(attempts_, {}, [](const Attempt& a) { return a.decoding.size; });
    const bool data_ended = has_sentinels(walk_.facts) && sight_.at_end && best->decoding.stop == LayoutStop::data;
    return LayoutMatch{std::move(best->decoding), false, data_ended};
  }

  bool is_damaged_end(std::uint64_t size) {
    const Bytes rest = sight_.behind(size);
    if (rest.empty()) return false;
    std::array<std::uint8_t, longest_header_size> header{};
    const std::size_t seen = std::min(rest.size(), header.size());
    std::ranges::copy(rest.first(seen), header.begin());
    header[0] = section_full;
    // The record of a subsection behind three zeros has the form of a header, too.
    constexpr std::size_t last_of_id = 4;
    const auto likely = likely_long_header(Bytes(header).first(seen));
    if (likely) return header[last_of_id] != subsection || likely->name.find('/') == std::string_view::npos;
    // A header further damaged, if the sentinels vouch for the layout.
    if (rest[0] == section_full && has_sentinels(walk_.facts)) return true;
    if (rest[0] != eof) return false;
    const bool nothing_follows = !find_next_record(in_, walk_.search_facts(), walk_.context.limits);
    look(sight_.ahead.size());  // the search has moved the view
    return nothing_follows;
  }

  void report_disagreement(const LayoutDecoding& taken, const LayoutDecoding& other) {
    auto& finding = walk_.findings().add(Code::layouts_disagree, {sight_.at, std::max(taken.size, other.size)},
                         "'" + section_label(header_) + "' fits a layout of " + std::to_string(taken.size) +
                             " bytes and one of " + std::to_string(other.size));
    // In front of zeros up to the end of the data the shorter ones always fit as well.
    if (sight_.ends_in_doubt(taken)) finding.severity = Severity::note;
  }

  WalkState& walk_;
  const SectionHeader& header_;
  ForwardReader& in_;
  Sight sight_{walk_, {}, 0, false, 0};
  std::vector<const Layout*> candidates_;
  std::vector<Attempt> attempts_;
  bool wants_more_ = false;
};

std::string where_it_stopped(const LayoutDecoding& decoding, Offset at) {
  const std::string there = offset_text(at + decoding.size);
  const std::string in = decoding.stopped_in.empty() ? "" : ", in '" + decoding.stopped_in + "'";
  switch (decoding.stop) {
    case LayoutStop::none: return "it would end at " + there;
    case LayoutStop::data: return "it does not end within the data" + in;
    case LayoutStop::sentinel: return "no sentinel stands at " + there + in;
    case LayoutStop::subsection: return "an unknown subsection stands at " + there + in;
    case LayoutStop::list: return "the byte at " + there + " belongs to no list" + in;
    case LayoutStop::limit: return "it has more fields than the limit" + in;
  }
  return {};
}

}  // namespace

std::optional<LayoutMatch> match_layout(WalkState& walk, const SectionHeader& header) {
  return LayoutMatcher(walk, header).match();
}

void report_misfit(WalkState& walk, const SectionHeader& header, const LayoutMatch& match, std::optional<std::uint64_t> size) {
  const bool cut = match.decoding.stop == LayoutStop::data || match.decoding.stop == LayoutStop::none;
  if (cut && !size) return;  // the stream ends here, which is said of the section
  walk.layouts_fit = false;
  constexpr std::string_view prefix = "layout:";
  const Offset at = walk.in().position();
  const std::string layout = match.decoding.tree.decoded_by.substr(prefix.size());
  auto& finding = walk.findings().add(
      Code::layout_does_not_fit, {at + match.decoding.size, 0},
      "read as " + layout + ", '" + section_label(header) + "' does not end with its body: " + where_it_stopped(match.decoding, at));
  finding.field = match.decoding.stopped_in;
  for (const DecodeProblem& problem : match.decoding.problems)
    if (problem.code == Code::subsection_unknown)
      walk.findings().add(problem.code, problem.range, problem.message).field = problem.field;
}

}  // namespace vmstate
