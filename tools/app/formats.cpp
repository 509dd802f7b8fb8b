// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

struct Entry {
  std::string_view kind;
  std::string_view name;
  std::string_view description;
  bool available;
};

std::vector<Entry> entries() {
  const Registry& registry = built_in_plugins();
  std::vector<Entry> all;
  for (const Opener* opener : registry.openers) all.push_back({"layer", opener->name(), opener->description(), opener->available()});
  for (const StreamParser* stream : registry.streams) all.push_back({"stream", stream->name(), stream->description(), true});
  for (const SectionParser* section : registry.sections)
    all.push_back({"section", section->name(), section->description(), true});
  all.push_back({"section", "described-device", "every device that the stream's own description lists", true});
  return all;
}

}  // namespace

int formats(const DumpOptions& options, const Io& io) {
  if (options.json) {
    JsonWriter json(io.out);
    json.begin_object();
    write_schema(json);
    json.key("formats");
    json.begin_array();
    for (const Entry& entry : entries()) {
      json.begin_object();
      json.member("kind", entry.kind);
      json.member("name", entry.name);
      json.member("description", entry.description);
      json.member("available", entry.available);
      json.end_object();
    }
    json.end_array();
    json.end_object();
    return exit_nothing_found;
  }
  Text text(io, options.color);
  for (const Entry& entry : entries())
    text.line(fmt::format("{:<8} {:<24} {}{}", entry.kind, entry.name, entry.description,
                          entry.available ? "" : " (recognised only: not in this build)"));
  return exit_nothing_found;
}

}  // namespace vmstate::app
