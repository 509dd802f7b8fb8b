// SPDX-License-Identifier: Apache-2.0
// The rules: docs/formats/subsections.md, "What a loader does behind a body".
#include "parsers/inspect/load_program.hpp"

#include <algorithm>

#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

using loaders::Knowledge;
using loaders::SubsectionLookup;

constexpr std::size_t version_size = 4;
// How far names and repetitions are searched where nothing depends on finding them.
constexpr std::size_t glance = 256;

}  // namespace

std::string_view to_string(Knows knows) {
  switch (knows) {
    case Knows::it: return "it";
    case Knows::others: return "others";
    case Knows::none: return "none";
  }
  return "?";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::not_affected: return "not-affected";
    case Outcome::as_intended: return "as-intended";
    case Outcome::refuses: return "refuses";
    case Outcome::misreads: return "misreads";
  }
  return "?";
}

std::string section_description(const SectionHeader& header, const FieldTree& tree) {
  // A description may have a slash in its own name; its subsections then tell.
  for (std::size_t begin = 0; !tree.subsections.empty() && begin != std::string::npos;) {
    const std::string tail = header.name.substr(begin);
    if (std::ranges::all_of(tree.subsections, [&](const Field& s) { return s.name.starts_with(tail) && s.name != tail; }))
      return tail;
    const auto slash = header.name.find('/', begin);
    begin = slash == std::string::npos ? slash : slash + 1;
  }
  return header.name.substr(header.name.rfind('/') + 1);
}

// A record as far as the body has it. Names are C strings: a loader compares up to the first zero byte.
struct LoadProgram::Found {
  std::size_t length = 0;  // as announced
  std::string name;        // bytes that are there, cut at a zero byte
  bool whole = false;      // name and version lie inside the body
  std::uint32_t version = 0;
  std::size_t header_size() const { return 2 + length + version_size; }
};

LoadProgram::LoadProgram(const DeviceState& e, std::size_t most_places)
    : range_(e.range), bytes_(e.bytes), section_(section_description(e.header, e.tree)) {
  flatten(section_, nullptr, e.tree.fields, e.tree.subsections);
  steps_.push_back({Step::Kind::done, 0, nullptr});
  find_places(most_places);
}

// Fields, then a look, then the bodies of the subsections that the writer put there, each ending in `done`.
void LoadProgram::flatten(std::string_view description, const Field* of, const std::vector<Field>& fields,
                          const std::vector<Field>& subsections) {
  for (const Field& field : fields) {
    if (field.kind != Field::Kind::structure) {
      steps_.push_back({Step::Kind::read, 0, &field});
      continue;
    }
    flatten(field.description, &field, field.fields, field.subsections);
    if (field.sentinel) steps_.push_back({Step::Kind::sentinel, 0, &field});
  }
  const std::size_t number = looks_.size();
  looks_.push_back({description, &subsections, {}, 0});
  steps_.push_back({Step::Kind::look, static_cast<std::uint32_t>(number), of});
  for (const Field& subsection : subsections) {
    looks_[number].blocks.push_back(steps_.size());
    flatten(subsection.name, &subsection, subsection.fields, subsection.subsections);
    steps_.push_back({Step::Kind::done, 0, nullptr});
  }
  looks_[number].next = steps_.size();
}

std::optional<std::size_t> LoadProgram::Look::subsection_at(Offset at) const {
  const auto begin = [](const Field& subsection) { return subsection.range.offset; };
  const auto found = std::ranges::lower_bound(*subsections, at, {}, begin);
  if (found == subsections->end() || begin(*found) != at) return std::nullopt;
  return static_cast<std::size_t>(found - subsections->begin());
}

std::optional<std::uint8_t> LoadProgram::byte_at(Offset at) const {
  if (!range_.contains(at)) return std::nullopt;
  return bytes_[static_cast<std::size_t>(at - range_.offset)];
}

LoadProgram::Found LoadProgram::record_at(Offset at) const {
  Found found;
  const Bytes rest = bytes_.subspan(static_cast<std::size_t>(at - range_.offset));
  if (rest.size() < 2) return found;
  found.length = rest[1];
  const Bytes name = rest.subspan(2, std::min(found.length, rest.size() - 2));
  found.name = as_text(name.first(static_cast<std::size_t>(std::ranges::find(name, 0) - name.begin())));
  found.whole = found.header_size() <= rest.size();
  if (found.whole)
    for (const std::uint8_t byte : rest.subspan(2 + found.length, version_size)) found.version = found.version << 8 | byte;
  return found;
}

std::string LoadProgram::name_at(Offset at) const { return byte_at(at) ? record_at(at).name : std::string{}; }

// Runs the program as the writer meant it and notes where a body ends in front of 0x05.
void LoadProgram::find_places(std::size_t most) {
  State state{0, range_.offset, {}};
  for (;;) {
    const Step& step = steps_[state.step];
    switch (step.kind) {
      case Step::Kind::read:
        state.at = step.field->range.end();
        ++state.step;
        break;
      case Step::Kind::sentinel:
        ++state.at;
        ++state.step;
        break;
      case Step::Kind::done:
        if (state.returns.empty()) return;
        state.step = state.returns.back();
        state.returns.pop_back();
        break;
      case Step::Kind::look: {
        const Look& look = looks_[step.look];
        if (byte_at(state.at) == wire::qevm::subsection) arrive(state, look, most);
        const auto taken = look.subsection_at(state.at);
        if (!taken) {
          state.step = look.next;
          break;
        }
        state.returns.push_back(state.step);
        state.step = look.blocks[*taken];
        state.at += (*look.subsections)[*taken].header_size;
        break;
      }
    }
  }
}

// Several descriptions may end at one position: the first is asked first, a later one may own the subsection.
void LoadProgram::arrive(const State& state, const Look& look, std::size_t most) {
  if (places_.empty() || places_.back().at != state.at) {
    if (places_.size() >= most) {
      ++dropped_;
      return;
    }
    Place& place = places_.emplace_back();
    place.at = state.at;
    place.description = look.description;
    place.behind = steps_[state.step].field;
    place.step = state.step;
    place.returns = state.returns;
    place.following = next_leaf(state);
  }
  const auto owned = look.subsection_at(state.at);
  if (!owned) return;
  Place& place = places_.back();
  const std::vector<Field>& all = *look.subsections;
  place.subsection = &all[*owned];
  place.owner = look.description;
  const auto position = loaders::listed_position(look.description, all[*owned].name);
  for (std::size_t i = *owned - std::min(*owned, glance); i < *owned; ++i) {
    place.duplicate = place.duplicate || all[i].name == all[*owned].name;
    place.out_of_order = place.out_of_order || (position && loaders::listed_position(look.description, all[i].name).value_or(0) > *position);
  }
}

// The field that is read next by a loader that sees no subsection here.
const Field* LoadProgram::next_leaf(State state) const {
  for (std::size_t steps = 0; steps < glance; ++steps) {
    const Step& step = steps_[state.step];
    switch (step.kind) {
      case Step::Kind::read:
        if (!step.field->range.empty()) return step.field;
        ++state.step;
        break;
      case Step::Kind::sentinel: return step.field;
      case Step::Kind::look: state.step = looks_[step.look].next; break;
      case Step::Kind::done:
        if (state.returns.empty()) return nullptr;
        state.step = looks_[steps_[state.returns.back()].look].next;
        state.returns.pop_back();
        break;
    }
  }
  return nullptr;
}

// One loader on its way from a place to the end of the body.
class LoadProgram::Run {
 public:
  Run(const LoadProgram& program, const Place& place, const Destination& destination, std::size_t& budget)
      : program_(program), place_(place), destination_(destination), budget_(budget), state_{place.step, place.at, place.returns} {}

  Reading go() {
    while (!finished_) {
      if (!spend(1)) break;
      step();
    }
    if (!looked_ && reading_.outcome == Outcome::as_intended && place_.subsection == nullptr)
      reading_.outcome = Outcome::not_affected;
    return std::move(reading_);
  }

 private:
  enum class Decision : std::uint8_t { pass, take, refuse };

  bool spend(std::size_t steps) {
    budget_ -= std::min(budget_, steps);
    return budget_ > 0;
  }
  bool astray() const { return reading_.outcome == Outcome::misreads; }

  void step() {
    const Step& step = program_.steps_[state_.step];
    switch (step.kind) {
      case Step::Kind::read:
        if (!astray()) return finish();  // the place is behind it
        state_.at += step.field->range.size;
        ++state_.step;
        return;
      case Step::Kind::sentinel: return sentinel(step);
      case Step::Kind::look: return look(program_.looks_[step.look]);
      case Step::Kind::done:
        if (state_.returns.empty()) {
          if (astray()) reading_.body_end = state_.at;
          return finish();
        }
        state_.step = state_.returns.back();
        state_.returns.pop_back();
        return;
    }
  }

  void sentinel(const Step& step) {
    if (!astray()) return finish();
    if (program_.byte_at(state_.at) != wire::qevm::sentinel)
      return refuse(Reading::Refusal::sentinel_missing, step.field->description, {});
    ++state_.at;
    ++state_.step;
  }

  void look(const Look& look) {
    const bool marked = program_.byte_at(state_.at) == wire::qevm::subsection;
    const Found found = marked ? program_.record_at(state_.at) : Found{};
    const Decision decision = marked ? decide(look, found) : Decision::pass;
    const auto here = astray() ? std::nullopt : look.subsection_at(state_.at);
    const bool meant = here && &(*look.subsections)[*here] == place_.subsection;
    if (decision == Decision::refuse) return refuse(Reading::Refusal::unknown_subsection, look.description, found);
    if (decision == Decision::take) {
      if (meant) {
        if (too_new(found)) return refuse(Reading::Refusal::subsection_too_new, look.description, found);
        return finish();
      }
      if (!astray()) misread(place_.following);
      return enter(look, found);
    }
    if (meant) misread(place_.following);
    state_.step = look.next;
  }

  Decision decide(const Look& look, const Found& found) {
    const auto verdict = [&] {
      looked_ = true;
      return knows(look, found.name) ? Decision::take : Decision::refuse;
    };
    switch (destination_.loader->lookup) {
      case SubsectionLookup::never: return Decision::pass;
      case SubsectionLookup::always: return verdict();
      case SubsectionLookup::if_listed: return has_list(look) ? verdict() : Decision::pass;
      case SubsectionLookup::by_prefix: break;
    }
    looked_ = true;
    const bool named = found.length >= look.description.size() + 1 && found.name.starts_with(look.description);
    return named ? verdict() : Decision::pass;
  }

  const Destination::Supposition* supposed(const Look& look) const {
    return destination_.supposed && destination_.supposed->description == look.description ? &*destination_.supposed : nullptr;
  }
  // Where nobody can say what a loader knows it is thought to know what the writer wrote, and nothing else.
  static bool resolve(Knowledge knowledge, bool written) {
    return knowledge == Knowledge::yes || (knowledge == Knowledge::unsure && written);
  }
  bool knows(const Look& look, const std::string& name) {
    if (const auto* s = supposed(look); s != nullptr && (s->subsection == name || s->knows == Knows::none)) return s->knows == Knows::it;
    spend(look.subsections->size());
    const bool written = std::ranges::find(*look.subsections, name, &Field::name) != look.subsections->end();
    return resolve(loaders::knows_subsection(*destination_.loader, look.description, name), written);
  }
  bool has_list(const Look& look) const {
    if (const auto* s = supposed(look)) return s->knows != Knows::none;
    return resolve(loaders::knows_any_subsection(*destination_.loader, look.description), !look.subsections->empty());
  }
  bool too_new(const Found& found) {
    const auto local = loaders::newest_version(*destination_.loader, found.name);
    if (!local || !found.whole || (found.version & 0xff) <= *local) return false;
    reading_.local_version = *local;
    return true;
  }

  // Reads a subsection that the writer did not put here. Its layout is known if it occurs somewhere in this body.
  void enter(const Look& look, const Found& found) {
    if (!found.whole) return finish();
    const auto block = block_of(look, found.name);
    if (!block) return finish();
    state_.returns.push_back(state_.step);
    state_.step = *block;
    state_.at += found.header_size();
  }
  std::optional<std::size_t> block_of(const Look& look, const std::string& name) {
    const auto in = [&](const Look& some) -> std::optional<std::size_t> {
      const auto it = std::ranges::find(*some.subsections, name, &Field::name);
      if (it == some.subsections->end()) return std::nullopt;
      return some.blocks[static_cast<std::size_t>(it - some.subsections->begin())];
    };
    if (const auto own = in(look)) return own;
    for (const Look& other : program_.looks_)
      if (spend(1 + other.subsections->size()) && other.description == look.description)
        if (const auto elsewhere = in(other)) return elsewhere;
    return std::nullopt;
  }

  void misread(const Field* field) {
    reading_.outcome = Outcome::misreads;
    reading_.at = state_.at;
    reading_.field = field;
  }
  void refuse(Reading::Refusal refusal, std::string_view description, const Found& found) {
    if (!astray()) {
      reading_.outcome = Outcome::refuses;
      reading_.at = state_.at;
    }
    reading_.refusal = refusal;
    reading_.refused_at = state_.at;
    reading_.description = description;
    reading_.subsection = found.name;
    reading_.version = found.version & 0xff;
    finish();
  }
  void finish() { finished_ = true; }

  const LoadProgram& program_;
  const Place& place_;
  const Destination& destination_;
  std::size_t& budget_;
  State state_;
  Reading reading_;
  bool looked_ = false;
  bool finished_ = false;
};

Reading LoadProgram::read(const Place& place, const Destination& destination, std::size_t& budget) const {
  return Run(*this, place, destination, budget).go();
}

}  // namespace vmstate
