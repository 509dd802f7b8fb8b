// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>

#include "tools/app/dump.hpp"
#include "tools/app/mistyped_verb.hpp"
#include "tools/world/world.hpp"

namespace {

using vmstate::app::DumpOptions;
using vmstate::app::When;

// An option whose words stand for values.
template <class Value>
void add_words(CLI::App& app, const char* name, Value& target, std::map<std::string, Value> words, const char* text) {
  std::vector<std::string> names;
  for (const auto& [word, value] : words) names.push_back(word);
  app.add_option_function<std::string>(
         name, [&target, words = std::move(words)](const std::string& word) { target = words.at(word); }, text)
      ->check(CLI::IsMember(names));
}

void add_common(CLI::App& app, DumpOptions& options) {
  const std::map<std::string, When> when{{"auto", When::automatic}, {"always", When::always}, {"never", When::never}};
  app.add_flag("--json", options.json, "one JSON document instead of text");
  add_words<When>(app, "--color", options.color, when, "colours: auto is on a terminal; NO_COLOR is honoured");
  add_words<When>(app, "--progress", options.progress, when, "progress on standard error: auto is on a terminal");
  add_words<vmstate::IoMode>(app, "--io", options.io,
                             {{"auto", vmstate::IoMode::automatic}, {"mmap", vmstate::IoMode::mmap}, {"pread", vmstate::IoMode::pread}},
                             "how files are read");
  app.add_option("--layouts", options.layouts_folder, "more device layouts: the JSON files of this folder")->type_name("DIR");
  add_words<vmstate::Severity>(
      app, "--fail-on", options.fail_on,
      {{"note", vmstate::Severity::note}, {"warning", vmstate::Severity::warning}, {"error", vmstate::Severity::error}},
      "exit with 1 from this severity on (default: warning)");
}

void add_files(CLI::App& app, DumpOptions& options) {
  app.add_option("FILE", options.files, "state files; - reads a pipe")->required();
}

CLI::App* add_verb(CLI::App& app, DumpOptions& options, DumpOptions::Verb verb, const char* name, const char* text,
                   const char* examples) {
  CLI::App* sub = app.add_subcommand(name, text);
  sub->footer(examples);
  sub->parse_complete_callback([&options, verb] { options.verb = verb; });
  add_common(*sub, options);
  return sub;
}

void describe(CLI::App& app, DumpOptions& options) {
  using Verb = DumpOptions::Verb;
  app.set_version_flag("--version", std::string("vmstate-dump ") + vmstate::app::version());
  app.footer(
      "Examples:\n"
      "  vmstate-dump saved.vm                                what it is, what it holds, what is wrong with it\n"
      "  vmstate-dump state saved.vm --device 'cpu*'          registers of every CPU\n"
      "  vmstate-dump check *.save || echo look at these      for scripts\n"
      "  zstdcat saved.zst | vmstate-dump sections -          a pipe; compressed files are opened directly, too\n\n"
      "Exit status: 0 nothing found, 1 findings, 2 not readable as a state, 64 usage, 70 bug, 74 I/O error, 130 interrupted.");
  add_common(app, options);
  app.add_option("FILE", options.files, "state files; - reads a pipe");
  app.require_subcommand(0, 1);

  add_files(*add_verb(app, options, Verb::sections, "sections", "every record of the stream, with offsets",
                      "Example: vmstate-dump sections saved.vm"), options);
  auto* state = add_verb(app, options, Verb::state, "state", "device state, field by field",
                         "Examples:\n  vmstate-dump state saved.vm --device '*/ide'\n"
                         "  vmstate-dump state saved.vm --device cpu --field 'env.cr*'");
  state->add_option("--device", options.devices, "only devices whose name matches; cpu#1 is instance 1 of cpu")->type_name("GLOB");
  state->add_option("--field", options.fields, "only fields whose path matches")->type_name("GLOB");
  add_files(*state, options);
  add_files(*add_verb(app, options, Verb::ram, "ram", "RAM blocks and what each of their pages is",
                      "Example: vmstate-dump ram saved.vm"), options);
  auto* bytes = add_verb(app, options, Verb::bytes, "bytes", "whose every byte of the file is",
                         "Examples:\n  vmstate-dump bytes saved.vm\n  vmstate-dump bytes saved.vm --at 0x119a20");
  auto* at = bytes->add_option("--at", options.at, "answer for the byte at this offset of the stream")->type_name("OFFSET");
  bytes->add_option("--file-offset", options.file_offset, "answer for the byte at this offset of the file, whatever it is part of")
      ->type_name("OFFSET")->excludes(at);
  add_files(*bytes, options);
  auto* check = add_verb(app, options, Verb::check, "check", "findings only; made for scripts",
                         "Examples:\n  vmstate-dump check saved.vm\n  vmstate-dump check --explain VMS0307");
  check->add_option("--explain", options.explain, "what a finding means and what to do")->type_name("CODE");
  check->add_flag("-q,--quiet", options.quiet, "exit status only");
  check->add_option("FILE", options.files, "state files; - reads a pipe");
  auto* extract = add_verb(app, options, Verb::extract, "extract", "take one part out, unwrapped",
                           "Examples:\n  vmstate-dump extract stream domain.save -o stream.migr\n"
                           "  vmstate-dump extract section cpu#1 saved.vm -o cpu1.bin\n"
                           "  vmstate-dump extract xml domain.save -o -");
  extract->add_option("PART", options.part, "stream, section, description, xml or cookie")
      ->required()->check(CLI::IsMember({"stream", "section", "description", "xml", "cookie"}));
  extract->add_option("ARGS", options.files, "[NAME or NAME#INSTANCE of the section] FILE")->required();
  extract->add_option("-o,--output", options.output, "file to write; - writes to standard output")->required();
  extract->add_flag("--force", options.force, "replace an existing file");
  auto* layouts = add_verb(app, options, Verb::layouts, "layouts", "device layouts, for streams that do not describe themselves",
                           "Examples:\n  vmstate-dump layouts list\n  vmstate-dump layouts show ide");
  layouts->add_option("WHAT", options.part, "list or show")->required()->check(CLI::IsMember({"list", "show"}));
  layouts->add_option("NAME", options.section, "show: of a section, or of a part of one");
  add_verb(app, options, Verb::formats, "formats", "what this build can read", "Example: vmstate-dump formats");
}

// What CLI11 cannot know: which verbs want how many files. Null: all is well.
const char* complaint(DumpOptions& options) {
  using Verb = DumpOptions::Verb;
  if (options.verb == Verb::layouts) {
    if (options.json) return "layouts prints text only";
    return options.part == "show" && options.section.empty() ? "layouts show wants a NAME" : nullptr;
  }
  if (options.verb == Verb::formats || options.explain) return nullptr;
  if (options.verb == Verb::extract) {
    if (options.part == "section" && options.files.size() == 2) {
      options.section = options.files.front();
      options.files.erase(options.files.begin());
    }
    if (options.part == "section" && options.section.empty()) return "extract section wants a section NAME and a FILE";
    if (options.files.size() != 1) return "extract takes one FILE";
    if (options.json) return "extract writes the part itself; --json makes no sense for it";
    return nullptr;
  }
  if (options.files.empty()) return "no FILE given; --help shows examples";
  if (std::count(options.files.begin(), options.files.end(), "-") > 1) return "- can be read only once";
  if (options.json && options.files.size() > 1) return "--json prints one document, so it takes one FILE";
  return nullptr;
}

// A verb with a slip of the pen would be taken for a file, and its options for unknown ones.
std::optional<std::string> meant_verb(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) return std::nullopt;
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) verbs.push_back(verb->get_name());
  return vmstate::app::mistyped_verb(argv[1], verbs);
}

int run(int argc, char** argv) {
  DumpOptions options;
  CLI::App app("Look inside a saved state of a QEMU virtual machine, without running it.", "vmstate-dump");
  describe(app, options);
  if (const auto verb = meant_verb(app, argc, argv)) {
    std::fprintf(stderr, "vmstate-dump: %s: no such file; did you mean the command '%s'?\n", argv[1], verb->c_str());
    return vmstate::app::exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : vmstate::app::exit_usage;
  }
  if (const char* text = complaint(options)) {
    std::fprintf(stderr, "vmstate-dump: %s\n", text);
    return vmstate::app::exit_usage;
  }
  if (options.verb == DumpOptions::Verb::extract) vmstate::world::remove_outputs_on_interrupt();
  return vmstate::app::dump(options, vmstate::world::real_io());
}

}  // namespace

int main(int argc, char** argv) { return vmstate::world::run("vmstate-dump", run, argc, argv); }
