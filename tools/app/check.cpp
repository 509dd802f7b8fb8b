// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "tools/app/ambiguities.hpp"
#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {

Result<void> check(Inspection& inspection, const DumpOptions& options, const Io& io) {
  EventSink nothing;
  if (auto done = inspection.run(nothing); !done) return done;
  if (options.json) {
    JsonWriter json(io.out);
    json.begin_object();
    write_schema(json);
    write_file(json, inspection);
    write_stream(json, inspection);
    write_findings(json, inspection.findings());
    write_ambiguities(json, inspection);
    json.end_object();
    return {};
  }
  if (options.quiet) return {};
  Text text(io, options.color);
  const std::string prefix = printable(inspection.path()) + ": ";
  write_findings(text, inspection.findings(), prefix);
  write_ambiguities(text, inspection.ambiguity(), prefix);
  if (inspection.findings().all().empty()) text.line(prefix + "nothing found");
  return {};
}

int explain(const DumpOptions& options, const Io& io) {
  for (const CodeInfo& code : all_codes()) {
    std::string asked = *options.explain;
    std::ranges::transform(asked, asked.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const std::string text = code_text(code.code);
    const bool meant = text == asked || text == "VMS" + asked || text == "VMS0" + asked || code.identifier == *options.explain;
    if (!meant) continue;
    io.out(fmt::format("{} {} ({})\n{}\n", code_text(code.code), code.title, to_string(code.severity), code.explanation));
    return exit_nothing_found;
  }
  io.err(fmt::format("vmstate-dump: no finding is called {}\n", printable(*options.explain)));
  return exit_usage;
}

}  // namespace vmstate::app
