// SPDX-License-Identifier: Apache-2.0
// Which of the known layouts a body has: docs/formats/layouts.md, "Which layout it is".
#include "parsers/framing/layout_body.hpp"

#include <algorithm>
#include <array>

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

class LayoutMatcher {
 public:
  LayoutMatcher(WalkState& walk, const SectionHeader& header)
      : walk_(walk), header_(header), in_(walk.in()), at_(walk.in().position()), encoding_{has_sentinels(walk.facts)} {}

  std::optional<LayoutMatch> match() {
    find_candidates();
    if (candidates_.empty()) return std::nullopt;
    // Bodies are short: more is looked at only where a layout asks for it.
    constexpr std::size_t first_reach = 1u << 16;
    constexpr std::size_t growth = 16;
    const std::size_t most = walk_.context.limits.body + boundary_sight;
    for (std::size_t reach = std::min(first_reach, most);; reach = std::min(reach * growth, most)) {
      const Bytes view = in_.peek(reach);
      at_end_ = view.size() < reach;
      ahead_ = view.first(std::min(view.size(), reach));
      auto found = try_all();
      if (found || at_end_ || reach == most || !wants_more_) return found ? std::move(found) : furthest();
    }
  }

 private:
  struct Attempt {
    const Layout* layout;
    LayoutDecoding decoding;
  };

  void find_candidates() {
    const LayoutCatalogue* chosen = walk_.context.options.layouts;
    const LayoutCatalogue& catalogue = chosen != nullptr ? *chosen : LayoutCatalogue::built_in();
    const auto named = catalogue.for_section(header_.name);
    for (const Layout* layout : named)
      if (layout->reads(header_.version) && candidates_.size() < most_candidates) candidates_.push_back(layout);
    const std::string& release = walk_.layout_release;
    std::ranges::stable_partition(candidates_, [&](const Layout* layout) {
      return std::ranges::find(layout->releases, release) != layout->releases.end();
    });
    if (candidates_.empty() && !named.empty()) report_version(named);
  }

  void report_version(std::span<const Layout* const> named) {
    constexpr std::uint64_t word = 4;
    std::uint32_t newest = 0;
    for (const Layout* layout : named) newest = std::max(newest, layout->version);
    walk_.findings().add(Code::layout_version_unknown, {header_.range.end() - word, word},
                         "'" + section_label(header_) + "' has version " + std::to_string(header_.version) +
                             ", its layout is known up to version " + std::to_string(newest));
  }

  // The first candidate that ends well, as it stands or with damage that explains why it does not.
  std::optional<LayoutMatch> try_all() {
    attempts_.clear();
    wants_more_ = false;
    for (const Layout* layout : candidates_) {
      attempts_.push_back({layout, decode_by_layout(input(*layout), walk_.context.limits)});
      const LayoutDecoding& decoding = attempts_.back().decoding;
      wants_more_ = wants_more_ || decoding.stop == LayoutStop::data || beyond_sight(decoding.size);
    }
    const auto whole = std::ranges::find_if(attempts_, [&](const Attempt& a) { return ends_well(a.decoding); });
    if (whole != attempts_.end()) {
      for (auto other = whole + 1; other != attempts_.end(); ++other)
        if (ends_well(other->decoding) && other->decoding.size != whole->decoding.size) report_disagreement(*whole, *other);
      return take(*whole);
    }
    if (wants_more_ && !at_end_) return std::nullopt;
    if (auto mended = try_repairs()) return mended;
    return try_lenient();
  }

  std::optional<LayoutMatch> try_repairs() {
    std::optional<Attempt> best;
    for (const Attempt& plain : attempts_) {
      if (!encoding_.sentinels && plain.decoding.subsections == 0) continue;
      auto mended = decode_damaged_by_layout(
          input(*plain.layout), [&](std::uint64_t size) { return is_end(size); }, walk_.context.limits);
      if (mended.repairs > 0 && (!best || mended.repairs < best->decoding.repairs)) best = {plain.layout, std::move(mended)};
    }
    if (!best) return std::nullopt;
    return take(*best);
  }

  // A layout that is whole in front of something that is no record, but a damaged one: a header whose first byte is wrong,
  // the end of a stream with bytes behind it.
  std::optional<LayoutMatch> try_lenient() {
    if (walk_.facts.footers == true) return std::nullopt;
    for (Attempt& attempt : attempts_)
      if (attempt.decoding.stop == LayoutStop::none && is_damaged_end(attempt.decoding.size)) return take(attempt);
    return std::nullopt;
  }

  std::optional<LayoutMatch> take(Attempt& attempt) {
    if (!attempt.layout->releases.empty()) {
      const auto& releases = attempt.layout->releases;
      if (std::ranges::find(releases, walk_.layout_release) == releases.end()) walk_.layout_release = releases.back();
    }
    return LayoutMatch{std::move(attempt.decoding), true, false};
  }

  // None ends well: the one that came furthest.
  std::optional<LayoutMatch> furthest() {
    const auto best = std::ranges::max_element(attempts_, {}, [](const Attempt& a) { return a.decoding.size; });
    const auto& releases = best->layout->releases;
    const bool trusted = encoding_.sentinels || std::ranges::find(releases, walk_.layout_release) != releases.end();
    const bool data_ended = trusted && at_end_ && best->decoding.stop == LayoutStop::data;
    return LayoutMatch{std::move(best->decoding), false, data_ended};
  }

  LayoutInput input(const Layout& layout) const { return {layout, ahead_, at_, header_.version, encoding_}; }

  bool ends_well(const LayoutDecoding& decoding) const { return decoding.stop == LayoutStop::none && is_end(decoding.size); }
  bool beyond_sight(std::uint64_t size) const { return size + boundary_sight > ahead_.size(); }
  Bytes behind(std::uint64_t size) const { return ahead_.subspan(static_cast<std::size_t>(size)); }

  // Whether what stands `size` bytes on is what follows a body.
  bool is_end(std::uint64_t size) const {
    if (size > ahead_.size()) return false;
    if (is_footer_of(behind(size), header_.id)) return true;
    if (walk_.facts.footers == true) return false;
    if (walk_.package_end && at_ + size == *walk_.package_end) return true;
    return !behind(size).empty() && credible_record(behind(size), walk_.open_ids, at_end_);
  }

  bool is_damaged_end(std::uint64_t size) {
    const Bytes rest = behind(size);
    if (rest.empty()) return false;
    std::array<std::uint8_t, longest_header_size> header{};
    std::ranges::copy(rest.first(std::min(rest.size(), header.size())), header.begin());
    header[0] = section_full;
    if (likely_long_header(Bytes(header).first(std::min(rest.size(), header.size())))) return true;
    // A header further damaged, if the sentinels vouch for the layout.
    if (rest[0] == section_full && encoding_.sentinels) return true;
    if (rest[0] != eof) return false;
    const bool nothing_follows = !find_next_record(in_, walk_.search_facts(), walk_.context.limits);
    ahead_ = in_.peek(ahead_.size()).first(ahead_.size());  // the search has moved the view
    return nothing_follows;
  }

  void report_disagreement(const Attempt& taken, const Attempt& other) {
    walk_.findings().add(Code::layouts_disagree, {at_, std::max(taken.decoding.size, other.decoding.size)},
                         "'" + section_label(header_) + "' fits a layout of " + std::to_string(taken.decoding.size) +
                             " bytes and one of " + std::to_string(other.decoding.size));
  }

  WalkState& walk_;
  const SectionHeader& header_;
  ForwardReader& in_;
  Offset at_;
  BodyEncoding encoding_;
  std::vector<const Layout*> candidates_;
  std::vector<Attempt> attempts_;
  Bytes ahead_;
  bool at_end_ = false;
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
  if (match.data_ended && !size) return;  // the stream ends here, which is said of the section
  const Offset at = walk.in().position();
  auto& finding = walk.findings().add(Code::layout_does_not_fit, {at + match.decoding.size, 0},
                                      "read as " + match.decoding.tree.decoded_by.substr(7) + ", '" + section_label(header) +
                                          "' does not end with its body: " + where_it_stopped(match.decoding, at));
  finding.field = match.decoding.stopped_in;
  for (const DecodeProblem& problem : match.decoding.problems)
    if (problem.code == Code::subsection_unknown)
      walk.findings().add(problem.code, problem.range, problem.message).field = problem.field;
}

}  // namespace vmstate
