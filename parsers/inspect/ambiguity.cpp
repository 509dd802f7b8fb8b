// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/ambiguity.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

using loaders::Knowledge;
using loaders::LoaderFraming;
using loaders::LoaderGeneration;

std::size_t number_of(const LoaderGeneration& loader) {
  return static_cast<std::size_t>(&loader - loaders::generations().data());
}

bool has_gap(const std::vector<Field>& fields) {
  return std::ranges::any_of(fields, [](const Field& field) {
    return field.kind == Field::Kind::gap || has_gap(field.fields) || has_gap(field.subsections);
  });
}
bool inside_is_known(const FieldTree& tree) {
  return tree.decoded_by != "opaque" && !has_gap(tree.fields) && !has_gap(tree.subsections);
}

std::string_view bare(std::string_view section) { return section.substr(section.rfind('/') + 1); }

// Register files of other targets stand under these names too: their versions say nothing about an x86 loader.
bool version_tells(std::string_view description) { return description != "cpu" && description != "cpu_common"; }

std::string text_of(const SectionHeader& header, std::string_view pattern, const Reading& reading, std::string_view number) {
  const std::string instance = offset_text(header.instance), version = std::to_string(reading.version),
                    local = std::to_string(reading.local_version);
  const std::array<loaders::TextValue, 7> values{{{"section", header.name},
                                                  {"instance", instance},
                                                  {"description", reading.description},
                                                  {"subsection", reading.subsection},
                                                  {"version", version},
                                                  {"local", local},
                                                  {"number", number}}};
  return fill_text(pattern, values);
}

std::string_view refusal_pattern(const loaders::LoaderTexts& texts, Reading::Refusal refusal) {
  switch (refusal) {
    case Reading::Refusal::unknown_subsection: return texts.unknown_subsection;
    case Reading::Refusal::subsection_too_new: return texts.subsection_too_new;
    case Reading::Refusal::sentinel_missing: return texts.sentinel_missing;
    case Reading::Refusal::none: break;
  }
  return {};
}

}  // namespace

bool LoaderVerdict::same_as(const LoaderVerdict& other) const {
  const auto all = [](const LoaderVerdict& v) { return std::tie(v.knows, v.supposed, v.outcome, v.message, v.at, v.field, v.half_loads); };
  return all(*this) == all(other);
}

unsigned LoaderVerdict::severity() const {
  if (half_loads) return 5;
  switch (outcome) {
    case Outcome::not_affected: return 0;
    case Outcome::as_intended: return 1;
    case Outcome::refuses: return 2;
    case Outcome::misreads: return at ? 3 : 4;  // to read on without notice is worse than to stumble
  }
  return 0;
}

Ambiguity::Ambiguity(Findings& findings, const Limits& limits)
    : findings_(findings), limits_(limits), budget_(limits.loader_steps), excluded_(loaders::generations().size()) {}

bool Ambiguity::can_take(const LoaderGeneration& loader) const { return active_ && !excluded_[number_of(loader)]; }

std::optional<LoaderVerdict> Ambiguity::stream_verdict(const LoaderGeneration& loader) const {
  if (!can_take(loader)) return std::nullopt;
  LoaderVerdict worst;
  worst.loader = &loader;
  for (const AmbiguousPlace& place : places_)
    for (const LoaderVerdict& verdict : place.verdicts)
      if (verdict.loader == &loader && verdict.severity() > worst.severity()) worst = verdict;
  return worst;
}

std::string Ambiguity::releases_text(const LoaderGeneration& from, const LoaderGeneration& to) const {
  const bool named = !machine_release_.empty() && loaders::compare_releases(from.first, machine_release_) < 0;
  const std::string first = named ? machine_release_ : std::string(from.first);
  return first == to.last ? first : first + " to " + std::string(to.last);
}

// "QEMU 0.14.0 to 0.15.1, 1.0": generations next to each other joined.
std::string Ambiguity::releases_text(const std::vector<const LoaderGeneration*>& some) const {
  std::string text;
  for (std::size_t i = 0; i < some.size();) {
    std::size_t last = i;
    while (last + 1 < some.size() && number_of(*some[last + 1]) == number_of(*some[last]) + 1) ++last;
    text += (text.empty() ? "QEMU " : ", ") + releases_text(*some[i], *some[last]);
    i = last + 1;
  }
  return text;
}

template <class Predicate>
void Ambiguity::exclude(Predicate predicate) {
  for (const LoaderGeneration& loader : loaders::generations())
    if (predicate(loader)) excluded_[number_of(loader)] = true;
}

void Ambiguity::on(const StreamBegin& e) {
  active_ = e.version >= 3;  // older streams have record lengths and no subsections
  exclude([&](const LoaderGeneration& loader) { return loader.newest_format < e.version; });
}

void Ambiguity::on(const Configuration& e) {
  configuration_ = true;
  machine_release_ = loaders::machine_release(e.machine);
  exclude([&](const LoaderGeneration& loader) {
    return loader.framing == LoaderFraming::bare ||
           (!machine_release_.empty() && loaders::compare_releases(loader.last, machine_release_) < 0);
  });
}

// Who writes a description is younger than the loaders before 1.0, and so are its machine types but for a few aliases.
void Ambiguity::on(const DescriptionKnown& e) {
  if (e.complete) exclude([](const LoaderGeneration& loader) { return !loader.current_rules(); });
}

void Ambiguity::on(const SectionBegin& e) {
  const SectionHeader& header = e.header;
  if (header.type == SectionType::start && header.name == "ram")
    exclude([&](const LoaderGeneration& loader) { return header.version < loader.ram_min || header.version > loader.ram_max; });
  if (header.type != SectionType::full) return;
  if (sections_.size() < limits_.remembered_sections) sections_.push_back(section_label(header));
  const std::string_view name = bare(header.name);
  const auto introduced = loaders::section_introduced(name);
  exclude([&](const LoaderGeneration& loader) {
    if (introduced && loader.at_most < *introduced) return true;
    const auto newest = loaders::newest_version(loader, name);
    return newest && version_tells(name) && header.version > *newest;
  });
}

void Ambiguity::on(const DeviceState& e) {
  if (!active_) return;
  if (!inside_is_known(e.tree)) {
    if (unseen_++ == 0) {
      first_unseen_ = section_label(e.header);
      first_unseen_at_ = e.range;
    }
    return;
  }
  const LoadProgram program(e, limits_.ambiguous_places - std::min(places_.size(), limits_.ambiguous_places));
  dropped_ += program.places_dropped();
  if (program.places().empty()) return;
  constexpr std::size_t longest_path = 1024;
  for (const LoadProgram::Place& at : program.places())
    for (const Field* field : {at.behind, at.following, at.subsection}) paths_[field];
  walk_fields(e.tree, [&](const std::string& path, const Field& field) {
    if (const auto wanted = paths_.find(&field); wanted != paths_.end()) wanted->second = path.substr(0, longest_path);
  });
  for (const LoadProgram::Place& at : program.places()) judge(program, at, e);
  paths_.clear();
}

std::string Ambiguity::path_of(const Field* field) const {
  const auto found = paths_.find(field);
  return found == paths_.end() ? std::string{} : found->second;
}

void Ambiguity::judge(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e) {
  AmbiguousPlace& place = places_.emplace_back();
  place.subsection = at.subsection != nullptr;
  place.range = place.subsection ? at.subsection->range : ByteRange{at.at, 1};
  place.name = place.subsection ? at.subsection->name : program.name_at(at.at);
  place.section = section_label(e.header);
  place.behind = path_of(at.behind);
  place.description = at.description;
  place.field = path_of(place.subsection ? at.subsection : at.following);
  place.section_number = sections_.size();
  for (const LoaderGeneration& loader : loaders::generations())
    if (!excluded_[number_of(loader)]) add_verdict(program, at, e, loader, std::nullopt);
  if (place.subsection) suppose(program, at, e);
  if (budget_ == 0) {  // not all loaders have got to their end
    std::erase_if(early_ends_, [&](const EarlyEnd& end) { return end.place == places_.size() - 1; });
    places_.pop_back();
    ++dropped_;
  } else if (place.subsection) {
    judge_record(at, place);
  }
}

// Destinations that know a subsection, others, or none, under each rule.
void Ambiguity::suppose(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e) {
  // The youngest generation of each rule stands for it.
  std::map<loaders::SubsectionLookup, const LoaderGeneration*> youngest;
  for (const LoaderGeneration& loader : loaders::generations())
    if (!excluded_[number_of(loader)]) youngest[loader.lookup] = &loader;
  for (const auto& [lookup, loader] : youngest)
    for (const Knows knows : {Knows::it, Knows::others, Knows::none}) add_verdict(program, at, e, *loader, knows);
}

// What is odd about a record whoever reads it.
void Ambiguity::judge_record(const LoadProgram::Place& at, const AmbiguousPlace& place) {
  const std::string quoted = "subsection '" + place.name + "'";
  if (at.duplicate) add(Code::subsection_twice, place, quoted + " stands here once more");
  if (at.out_of_order) add(Code::subsection_out_of_order, place, quoted + " belongs in front of the one before it");
  if (at.subsection->version > 0xff)
    add(Code::subsection_version_wraps, place,
        quoted + " has version " + std::to_string(at.subsection->version) + ", loaders take it for version " +
            std::to_string(at.subsection->version & 0xff));
}

void Ambiguity::add_verdict(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e,
                            const LoaderGeneration& loader, std::optional<Knows> supposed) {
  Destination destination{&loader, std::nullopt};
  LoaderVerdict verdict;
  verdict.loader = &loader;
  verdict.knows = supposed;
  verdict.supposed = supposed.has_value();
  if (supposed) {
    destination.supposed = {at.owner, at.subsection->name, *supposed};
  } else if (at.subsection != nullptr) {
    const Knowledge knowledge = loaders::knows_subsection(loader, at.owner, at.subsection->name);
    const bool others = loaders::knows_any_subsection(loader, at.owner) == Knowledge::yes;
    verdict.knows = knowledge != Knowledge::no ? Knows::it : others ? Knows::others : Knows::none;
    verdict.supposed = knowledge == Knowledge::unsure;
  }
  const Reading reading = program.read(at, destination, budget_);
  verdict.outcome = reading.outcome;
  verdict.refusal = reading.refusal;
  verdict.field = path_of(reading.field);
  AmbiguousPlace& place = places_.back();
  std::vector<LoaderVerdict>& list = supposed ? place.suppositions : place.verdicts;
  if (reading.refusal != Reading::Refusal::none) {
    verdict.message = text_of(e.header, refusal_pattern(*loader.texts, reading.refusal), reading, {});
    verdict.at = reading.refused_at;
  } else if (reading.body_end && *reading.body_end < e.range.end()) {
    verdict.at = *reading.body_end;
    const Bytes rest = e.bytes.subspan(static_cast<std::size_t>(*reading.body_end - e.range.offset));
    const Bytes met = rest.first(std::min(rest.size(), wire::qevm::footer_size));
    early_ends_.push_back({places_.size() - 1, supposed.has_value(), list.size(), {met.begin(), met.end()}});
  }
  list.push_back(std::move(verdict));
}

void Ambiguity::on(const SectionEnd& e) {
  if (e.footer) exclude([](const LoaderGeneration& loader) { return loader.framing == LoaderFraming::bare; });
  for (const EarlyEnd& end : early_ends_) {
    AmbiguousPlace& place = places_[end.place];
    end_early(e.header, (end.supposition ? place.suppositions : place.verdicts)[end.number], end.bytes, e.footer.has_value());
  }
  early_ends_.clear();
}

// What a loader takes the bytes for that stand where the body ends for it.
void Ambiguity::end_early(const SectionHeader& header, LoaderVerdict& verdict, const std::vector<std::uint8_t>& bytes,
                          bool footers) {
  const loaders::LoaderTexts& texts = *verdict.loader->texts;
  const std::string number = std::to_string(bytes.front());
  const auto say = [&](std::string_view pattern) { verdict.message = text_of(header, pattern, {}, number); };
  if (footers) return say(bytes.front() == wire::qevm::section_footer ? texts.footer_mismatch : texts.footer_missing);
  switch (bytes.front()) {
    case wire::qevm::eof: verdict.half_loads = true; return;
    case wire::qevm::section_start:
    case wire::qevm::section_part:
    case wire::qevm::section_end:
    case wire::qevm::section_full: return say(texts.unknown_section);
    default: return say(texts.unknown_type);
  }
}

void Ambiguity::on(const StreamEnd&) {
  if (!active_) return;
  for (AmbiguousPlace& place : places_) {
    std::erase_if(place.verdicts, [&](const LoaderVerdict& v) { return excluded_[number_of(*v.loader)]; });
    std::erase_if(place.suppositions, [&](const LoaderVerdict& v) { return excluded_[number_of(*v.loader)]; });
    report(place);
  }
  if (dropped_ > 0)
    findings_.add(Code::ambiguity_limit, {}, std::to_string(dropped_) + (dropped_ == 1 ? " place" : " places") +
                                                 " where loaders could differ " + (dropped_ == 1 ? "was" : "were") + " not judged");
  // Of a damaged stream more important things are said.
  if (unseen_ == 0 || findings_.any_at_least(Severity::error)) return;
  Finding& finding = findings_.add(Code::subsections_unseen, first_unseen_at_,
                                   std::to_string(unseen_) + (unseen_ == 1 ? " section is" : " sections are") +
                                       " not decoded, so subsections and what looks like them are not seen inside");
  finding.section = first_unseen_;
}

Finding& Ambiguity::add(Code code, const AmbiguousPlace& place, std::string message) {
  Finding& finding = findings_.add(code, place.range, std::move(message));
  finding.section = place.section;
  finding.field = place.field;
  return finding;
}

std::string Ambiguity::left_at_reset(const AmbiguousPlace& place) const {
  const std::size_t left = sections_.size() - std::min(place.section_number, sections_.size());
  if (left == 0) return "nothing that follows";
  const std::string first = "'" + sections_[place.section_number] + "'";
  return left == 1 ? first : first + " and " + std::to_string(left - 1) + (left == 2 ? " section" : " sections") + " behind it";
}

// Generations that a place troubles, by how much it matters.
struct Ambiguity::Troubled {
  std::vector<const LoaderGeneration*> current;   ///< those the stream is made for, by the rules of 1.0
  std::vector<const LoaderGeneration*> half;      ///< that load by halves
  std::vector<const LoaderGeneration*> ignorant;  ///< since 1.0, that do not know the subsection
  std::vector<const LoaderGeneration*> old;       ///< before 1.0
  const LoaderVerdict* current_example = nullptr;
  const LoaderVerdict* half_example = nullptr;

  explicit Troubled(const AmbiguousPlace& place) {
    for (const LoaderVerdict& verdict : place.verdicts) {
      if (!verdict.stumbles()) continue;
      const bool too_old = verdict.knows != Knows::it || verdict.refusal == Reading::Refusal::subsection_too_new;
      if (verdict.half_loads) {
        half.push_back(verdict.loader);
        half_example = &verdict;
      } else if (!verdict.loader->current_rules()) {
        old.push_back(verdict.loader);
      } else if (place.subsection && too_old) {
        ignorant.push_back(verdict.loader);
      } else {
        current.push_back(verdict.loader);
        current_example = &verdict;
      }
    }
  }
};

void Ambiguity::report(AmbiguousPlace& place) {
  const Troubled troubled(place);
  // Machine types without a release in their name promise nothing to other releases.
  const bool promised = !configuration_ || !machine_release_.empty();
  const bool ignorant = !troubled.ignorant.empty() && promised;
  place.reported = !troubled.current.empty() || !troubled.half.empty() || !troubled.old.empty() || ignorant;
  const std::string quoted = "subsection '" + place.name + "'";
  if (!troubled.current.empty()) report_broken(place, quoted, troubled);
  if (!troubled.half.empty()) {
    const LoaderVerdict& half = *troubled.half_example;
    add(Code::loader_half_loads, place,
        quoted + " is " + (half.field.empty() ? "the next section" : half.field) + " to " + releases_text(troubled.half) +
            ": the zero byte at " + offset_text(*half.at) + " ends the stream, and the machine starts without " + left_at_reset(place));
  }
  if (ignorant)
    add(Code::subsection_unknown_to_some, place, quoted + " is not known to " + releases_text(troubled.ignorant));
  if (!troubled.old.empty())
    add(Code::older_loader_stumbles, place,
        (place.subsection ? quoted + " is not read as meant by " : "the byte 05 is a subsection of '" + place.description + "' to ") +
            releases_text(troubled.old));
}

// What the loaders of this stream cannot load although they know all there is to know.
void Ambiguity::report_broken(const AmbiguousPlace& place, const std::string& quoted, const Troubled& troubled) {
  const LoaderVerdict& example = *troubled.current_example;
  const std::string releases = releases_text(troubled.current);
  const std::string_view removal = "remove the record from a copy of the file; what it holds then keeps its default";
  if (!place.subsection) {
    add(Code::subsection_forged, place,
        "these data look like " + quoted + " of '" + place.description + "', so that " + releases +
            (example.message.empty() ? " take them for it and notice nothing" : " refuse the stream: " + example.message))
        .hint = "nothing is damaged: in a copy, give the byte at " + offset_text(place.range.offset) +
                " another value, load that, and put 5 back from inside the guest";
  } else if (example.outcome == Outcome::misreads) {
    add(Code::subsection_unprefixed, place,
        "the name of " + quoted + " does not continue that of the description, so that it is data to " + releases + ": " +
            (example.message.empty() ? "they notice nothing" : example.message))
        .hint = removal;
  } else {
    add(Code::subsection_captured, place,
        quoted + " is offered to '" + place.description + "' first, which ends here too; " + releases + " refuse the stream: " + example.message)
        .hint = removal;
  }
}

}  // namespace vmstate
