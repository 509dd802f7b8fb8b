// SPDX-License-Identifier: Apache-2.0
#include "tools/app/dump.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tools/app/layouts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

Result<void> run_verb(Inspection& inspection, const DumpOptions& options, const Io& io) {
  using Verb = DumpOptions::Verb;
  switch (options.verb) {
    case Verb::sections: return sections(inspection, options, io);
    case Verb::state: return state(inspection, options, io);
    case Verb::ram: return ram(inspection, options, io);
    case Verb::bytes: return bytes(inspection, options, io);
    case Verb::check: return check(inspection, options, io);
    case Verb::extract: return extract(inspection, options, io);
    default: return overview(inspection, options, io);
  }
}

int one_file(const std::string& path, const DumpOptions& options, const Io& io) {
  Inspection inspection(path, options, io);
  auto done = inspection.open();
  if (done) done = run_verb(inspection, options, io);
  if (!done) {
    io.err(fmt::format("vmstate-dump: {}\n", printable(done.error().message)));
    return done.error().kind == Fault::Kind::medium ? exit_io_error : exit_unreadable;
  }
  return inspection.status();
}

// Between the outputs for several files. An overview begins with the path itself, each line of a check as well.
void write_file_heading(const std::string& path, bool first, const DumpOptions& options, const Io& io) {
  using Verb = DumpOptions::Verb;
  if (options.json || options.verb == Verb::check) return;
  if (!first) io.out("\n");
  if (options.verb != Verb::overview) io.out(fmt::format("== {} ==\n", printable(path)));
}

}  // namespace

const char* version() { return VMSTATE_VERSION; }

int dump(const DumpOptions& asked, const Io& io) {
  DumpOptions options = asked;
  if (const auto failed = load_layouts(options, "vmstate-dump", io)) return *failed;
  if (options.verb == DumpOptions::Verb::formats) return formats(options, io);
  if (options.verb == DumpOptions::Verb::layouts) return layouts(options, io);
  if (options.explain) return explain(options, io);
  int status = exit_nothing_found;
  for (const std::string& path : options.files) {
    if (io.interrupted()) return exit_interrupted;
    if (options.files.size() > 1) write_file_heading(path, &path == &options.files.front(), options, io);
    status = std::max(status, one_file(path, options, io));
    if (io.output_failed()) {
      io.err("vmstate-dump: standard output cannot be written\n");
      return exit_io_error;
    }
  }
  return io.interrupted() ? exit_interrupted : status;
}

}  // namespace vmstate::app
