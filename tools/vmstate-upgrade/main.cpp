// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>

#include "tools/app/dump.hpp"
#include "tools/app/upgrade.hpp"
#include "tools/app/verify.hpp"
#include "tools/world/world.hpp"

namespace {

using vmstate::SentinelWriter;
using vmstate::app::RewriteOptions;
using vmstate::app::When;

void add_layouts(CLI::App& app, vmstate::app::CommonOptions& options) {
  app.add_option("--layouts", options.layouts_folder, "more device layouts: the JSON files of this folder")->type_name("DIR");
}

void describe(CLI::App& app, RewriteOptions& options) {
  app.set_version_flag("--version", std::string("vmstate-upgrade ") + vmstate::app::version());
  app.footer(
      "Examples:\n"
      "  vmstate-upgrade saved.vm -o saved.v4                   into the sentinel-delimited format\n"
      "  vmstate-upgrade saved.v4 --to legacy -o saved.vm       and back: the identical bytes\n"
      "  vmstate-upgrade domain.save -o domain.v4.save          containers are kept\n"
      "  vmstate-upgrade verify saved.vm saved.v4               whether two files hold the same machine state\n\n"
      "The output is written beside its final name, read back, turned back and compared with the original before it gets\n"
      "its name. What cannot be rewritten exactly is refused, with the list of reasons.\n\n"
      "Exit status: 0 written, 2 refused or not readable as a state, 64 usage, 70 bug, 74 I/O error, 130 interrupted.");
  app.add_option("FILE", options.files, "the state; - reads a pipe")->required()->expected(1);
  app.add_option("-o,--output", options.output, "the file to write")->required()->type_name("OUT");
  app.add_option_function<std::string>(
         "--to",
         [&options](const std::string& word) {
           options.target = word == "legacy" ? SentinelWriter::Target::legacy : SentinelWriter::Target::sentinel;
         },
         "sentinel: version 4 (default); legacy: version 3")
      ->check(CLI::IsMember({"sentinel", "legacy"}));
  add_layouts(app, options);
  app.add_flag("--force", options.force, "replace an existing OUT");
  app.add_flag("--json", options.json, "one JSON document instead of text");
  app.add_option_function<std::string>(
         "--progress",
         [&options](const std::string& word) {
           options.progress = word == "auto" ? When::automatic : word == "always" ? When::always : When::never;
         },
         "progress on standard error: auto is on a terminal")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

// A verb of its own: the words in front of `verify` would be a FILE.
int run_verify(int argc, char** argv) {
  vmstate::app::CommonOptions options;
  CLI::App app("Whether two files hold the same machine state, and where they differ.", "vmstate-upgrade verify");
  app.footer(
      "Containers, stream versions, section ids and RAM iterations are not state. Devices are compared field by field, memory\n"
      "by the final content of each page.\n\n"
      "Example: vmstate-upgrade verify saved.vm saved.v4\n\n"
      "Exit status: 0 the same, 1 different, 2 not comparable, 64 usage, 70 bug, 74 I/O error, 130 interrupted.");
  app.add_option("FILE", options.files, "the two states; - reads a pipe")->required()->expected(2);
  add_layouts(app, options);
  app.add_flag("--json", options.json, "one JSON document instead of text");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : vmstate::app::exit_usage;
  }
  return vmstate::app::verify(options, vmstate::world::real_io());
}

int run(int argc, char** argv) {
  // Flags may stand in front of it.
  int verb = 1;
  while (verb < argc && std::string_view(argv[verb]) == "--json") ++verb;
  if (verb < argc && std::string_view(argv[verb]) == "verify") {
    std::rotate(argv + 1, argv + verb, argv + verb + 1);
    return run_verify(argc - 1, argv + 1);
  }
  RewriteOptions options;
  CLI::App app("Rewrite a saved state of a QEMU virtual machine between format versions 3 and 4.", "vmstate-upgrade");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : vmstate::app::exit_usage;
  }
  if (options.output == "-") {
    std::fputs("vmstate-upgrade: the output is read back before it counts, so it must be a file\n", stderr);
    return vmstate::app::exit_usage;
  }
  vmstate::world::remove_outputs_on_interrupt();
  return vmstate::app::upgrade(options, vmstate::world::real_io());
}

}  // namespace

int main(int argc, char** argv) { return vmstate::world::run("vmstate-upgrade", run, argc, argv); }
