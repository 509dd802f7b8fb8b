// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/state_comparison.hpp"

#include <algorithm>
#include <span>

namespace vmstate {
namespace {

bool is_ram(const SectionState& state) { return state.name == "ram"; }

// The first names of a list.
std::string named(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string text;
  for (const std::string& name : std::span(names).first(std::min(names.size(), most))) text += (text.empty() ? "" : ", ") + name;
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

DifferenceSide words(std::string text) { return {{}, {}, std::move(text)}; }

}  // namespace

StateComparison::StateComparison(const Limits& limits, Comparison& out)
    : limits_(limits),
      out_(out),
      left_([this](SectionState&& state) { keep(std::move(state)); }),
      right_([this](SectionState&& state) { match(std::move(state)); }) {}

void StateComparison::keep(SectionState&& state) {
  std::size_t size = state.memory();
  // A quarter is for digests of what does not fit.
  if (state.kept && memory_ + size > limits_.kept_state / 4 * 3) {
    state.reduce();
    size = state.memory();
  }
  if (memory_ + size > limits_.kept_state) {
    overflow_ = true;
    return;
  }
  memory_ += size;
  places_[{state.name, state.instance}].kept.push_back(kept_.size());
  kept_.push_back(std::move(state));
}

void StateComparison::match(SectionState&& state) {
  const auto it = places_.find({state.name, state.instance});
  if (it == places_.end() || it->second.matched >= it->second.kept.size()) {
    if (!overflow_) only(state, false);
    return;
  }
  const SectionState& other = kept_[it->second.kept[it->second.matched++]];
  if (!is_ram(state)) {
    ++out_.devices;
    if (positions_.size() < limits_.remembered_sections) positions_.emplace_back(other.position, state.position);
  }
  if (state.cut || other.cut) return name_in(missing_, state);
  judge(state, compare_sections(other, state, out_));
}

void StateComparison::judge(const SectionState& state, Certainty certainty) {
  if (certainty == Certainty::unread) out_.doubt("part of '" + state.name + "' could not be read, and its bytes differ");
  if (certainty == Certainty::sentinels) name_in(uncertain_, state);
  if (certainty == Certainty::extent) name_in(unbounded_, state);
}

void StateComparison::name_in(std::vector<std::string>& list, const SectionState& state) const {
  if (list.size() >= limits_.remembered_sections) return;
  list.push_back(state.name + (state.instance != 0 ? "#" + std::to_string(state.instance) : std::string()));
}

void StateComparison::only(const SectionState& state, bool on_the_left) {
  if (on_the_left ? right_incomplete_ : left_incomplete_) return name_in(missing_, state);
  StateDifference difference;
  difference.section = state.name;
  difference.instance = state.instance;
  difference.left = words(on_the_left ? "present" : "absent");
  difference.right = words(on_the_left ? "absent" : "present");
  out_.differ(std::move(difference));
}

void StateComparison::finish() {
  if (!left_incomplete_ && !right_incomplete_) compare_identity();
  for (const auto& [label, places] : places_)
    for (std::size_t i = places.matched; i < places.kept.size(); ++i) only(kept_[places.kept[i]], true);
  if (!missing_.empty())
    out_.doubt(std::to_string(missing_.size()) + (missing_.size() == 1 ? " section is" : " sections are") + " missing, or cut, in a file that is not whole (" + named(missing_) + ")");
  if (!uncertain_.empty())
    out_.doubt(std::to_string(uncertain_.size()) + " device bodies are the same except for bytes 0x06 where nobody described them: sentinels or state (" +
               named(uncertain_) + ")");
  if (!unbounded_.empty())
    out_.doubt(std::to_string(unbounded_.size()) + (unbounded_.size() == 1 ? " device body goes on" : " device bodies go on") +
               " in one file behind what was taken for its end in the other (" + named(unbounded_) + ")");
  if (overflow_) out_.doubt("there is too much device state to compare all of it");
  note_order();
}

void StateComparison::compare_identity() {
  const MachineIdentity& left = left_.identity;
  const MachineIdentity& right = right_.identity;
  if (left.configuration != right.configuration) {
    out_.note(std::string("only the ") + (left.configuration ? "left" : "right") + " stream says which machine it is of: '" +
              (left.configuration ? left : right).machine + "'");
    return;
  }
  const auto compare = [&](const char* field, const std::string& here, const std::string& there) {
    if (here == there) return;
    StateDifference difference;
    difference.section = "configuration";
    difference.field = field;
    difference.left = words(here);
    difference.right = words(there);
    out_.differ(std::move(difference));
  };
  compare("machine", left.machine, right.machine);
  if (left.page_bits && right.page_bits) compare("page_bits", std::to_string(*left.page_bits), std::to_string(*right.page_bits));
  if (left.uuid && right.uuid) compare("uuid", *left.uuid, *right.uuid);
}

void StateComparison::note_order() {
  std::ranges::sort(positions_);
  const auto right_of = [](const std::pair<std::size_t, std::size_t>& pair) { return pair.second; };
  const auto at = std::ranges::adjacent_find(positions_, [&](const auto& a, const auto& b) { return right_of(a) > right_of(b); });
  if (at != positions_.end()) out_.note("the devices stand in another order");
}

}  // namespace vmstate
