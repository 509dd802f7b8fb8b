// SPDX-License-Identifier: Apache-2.0
#include "tools/app/ambiguities.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

namespace vmstate::app {
namespace {

using loaders::LoaderGeneration;

constexpr std::size_t most_tables = 20;

bool worth_showing(const AmbiguousPlace& place) { return std::ranges::any_of(place.verdicts, &LoaderVerdict::stumbles); }

// Calls `show` with each run of verdicts that differ in their loader only.
template <class Show>
void each_run(std::span<const LoaderVerdict> verdicts, Show show) {
  while (!verdicts.empty()) {
    const auto end = std::ranges::find_if_not(verdicts, [&](const LoaderVerdict& v) { return v.same_as(verdicts.front()); });
    const auto size = static_cast<std::size_t>(end - verdicts.begin());
    show(verdicts.first(size));
    verdicts = verdicts.subspan(size);
  }
}

void write_verdict(JsonWriter& json, const LoaderVerdict& verdict) {
  if (verdict.knows) {
    json.member("knows", to_string(*verdict.knows));
    json.member("supposed", verdict.supposed);
  }
  json.member("outcome", to_string(verdict.outcome));
  if (!verdict.field.empty()) json.member("field", verdict.field);
  if (!verdict.message.empty()) json.member("message", verdict.message);
  if (verdict.at) json.member("at", *verdict.at);
  if (verdict.stumbles()) json.member("half_loads", verdict.half_loads);
}

void write_loaders(JsonWriter& json, const Ambiguity& ambiguity) {
  json.key("loaders");
  json.begin_array();
  for (const LoaderGeneration& loader : loaders::generations()) {
    const auto worst = ambiguity.stream_verdict(loader);
    json.begin_object();
    json.member("loader", loader.id);
    json.member("first", loader.first);
    json.member("last", loader.last);
    json.member("lookup", loaders::to_string(loader.lookup));
    json.member("takes_stream", worst.has_value());
    if (worst) write_verdict(json, *worst);
    json.end_object();
  }
  json.end_array();
}

void write_place(JsonWriter& json, const AmbiguousPlace& place, std::optional<Offset> file_offset) {
  json.begin_object();
  json.member("offset", place.range.offset);
  json.member("size", place.range.size);
  if (file_offset) json.member("file_offset", *file_offset);
  json.member("section", place.section);
  json.member("kind", place.subsection ? "subsection" : "data");
  json.member("name", place.name);
  json.member("behind", place.behind);
  json.member("description", place.description);
  json.member("field", place.field);
  json.key("verdicts");
  json.begin_array();
  each_run(place.verdicts, [&](std::span<const LoaderVerdict> run) {
    json.begin_object();
    json.key("loaders");
    json.begin_array();
    for (const LoaderVerdict& verdict : run) json.value(verdict.loader->id);
    json.end_array();
    write_verdict(json, run.front());
    json.end_object();
  });
  json.end_array();
  json.key("suppositions");
  json.begin_array();
  for (const LoaderVerdict& verdict : place.suppositions) {
    json.begin_object();
    json.member("lookup", loaders::to_string(verdict.loader->lookup));
    write_verdict(json, verdict);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::string outcome_text(const LoaderVerdict& verdict) {
  switch (verdict.outcome) {
    case Outcome::not_affected: return "do not look here";
    case Outcome::as_intended: return verdict.supposed ? "read it as meant, if they know it" : "read it as meant";
    case Outcome::refuses: return "refuse: " + verdict.message;
    case Outcome::misreads: break;
  }
  std::string text = verdict.field.empty() ? "take it for what follows the section" : "read it as " + verdict.field;
  if (verdict.half_loads) return text + fmt::format(", end at {} and start without the rest", offset_text(*verdict.at));
  if (!verdict.at) return text + ", and notice nothing";
  return text + fmt::format(", stumble at {}: {}", offset_text(*verdict.at), verdict.message);
}

}  // namespace

void write_ambiguities(JsonWriter& json, const Inspection& inspection) {
  const Ambiguity& ambiguity = inspection.ambiguity();
  json.key("ambiguities");
  json.begin_object();
  write_loaders(json, ambiguity);
  json.key("places");
  json.begin_array();
  for (const AmbiguousPlace& place : ambiguity.places())
    if (worth_showing(place)) write_place(json, place, inspection.file_offset(place.range.offset));
  json.end_array();
  json.member("places_dropped", ambiguity.places_dropped());
  json.member("sections_unseen", ambiguity.sections_unseen());
  json.end_object();
}

void write_ambiguities(Text& text, const Ambiguity& ambiguity, std::string_view prefix) {
  std::size_t places = 0;
  for (const AmbiguousPlace& place : ambiguity.places()) {
    if (!place.reported || ++places > most_tables) continue;
    const std::string what = place.subsection ? fmt::format("subsection {}", place.name) : fmt::format("data {}", place.field);
    text.line(printable(fmt::format("{}loaders at {} in {}, {} behind {}:", prefix, offset_text(place.range.offset), place.section,
                                    what, place.behind.empty() ? "the section's fields" : place.behind)));
    each_run(place.verdicts, [&](std::span<const LoaderVerdict> run) {
      text.line(printable(fmt::format("{}  {:<16} {}", prefix, ambiguity.releases_text(*run.front().loader, *run.back().loader), outcome_text(run.front()))));
    });
  }
  if (places > most_tables) text.line(fmt::format("{}{} more such places: --json lists them", prefix, places - most_tables));
}

}  // namespace vmstate::app
