// SPDX-License-Identifier: Apache-2.0
#include "tools/app/upgrade.hpp"

#include <limits>

#include <fmt/format.h>

#include "formats/encode/json_writer.hpp"
#include "tools/app/atomic_file.hpp"
#include "tools/app/json_parts.hpp"
#include "tools/app/layouts.hpp"
#include "tools/app/text.hpp"

namespace vmstate::app {
namespace {

int status_of(const Fault& fault, const Io& io) {
  if (io.interrupted()) return exit_interrupted;
  return fault.kind == Fault::Kind::medium ? exit_io_error : exit_unreadable;
}

void write_json(const RewriteOptions& options, const Inspection& inspection, const Rewrite& result, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  write_file(json, inspection);
  write_layers(json, inspection);
  write_stream(json, inspection);
  json.key("rewrite");
  json.begin_object();
  json.member("result", result.obstacles.empty() ? "written" : "refused");
  json.member("output", options.output);
  json.member("from_version", result.from_version);
  json.member("to_version", result.to_version);
  json.member("sentinels", result.sentinels);
  json.key("obstacles");
  json.begin_array();
  for (const auto& obstacle : result.obstacles) {
    json.begin_object();
    if (!obstacle.section.empty()) json.member("section", obstacle.section);
    json.member("offset", obstacle.range.offset);
    json.member("size", obstacle.range.size);
    json.member("reason", obstacle.reason);
    json.end_object();
  }
  json.end_array();
  json.member("more_obstacles", result.more_obstacles);
  json.end_object();
  write_findings(json, inspection.findings());
  json.end_object();
}

std::string obstacle_text(const SentinelWriter::Obstacle& obstacle) {
  std::string where = obstacle.section.empty() ? std::string("the stream") : "'" + printable(obstacle.section) + "'";
  if (!obstacle.range.empty() || obstacle.range.offset > 0) where += " at " + offset_text(obstacle.range.offset);
  return where + ": " + printable(obstacle.reason);
}

void write_text(const RewriteOptions& options, const Inspection& inspection, const Rewrite& result, const Io& io) {
  const std::string path = printable(inspection.name());
  if (result.obstacles.empty()) {
    io.out(fmt::format("{}: version {} of {}, {} {} {}\n", printable(options.output), result.to_version, path,
                       count_text(result.sentinels, "sentinel"),
                       options.target == SentinelWriter::Target::sentinel ? "put in" : "left out",
                       "and read back"));
    Text text(io, options.color);
    for (const Finding& finding : inspection.findings().all())
      if (finding.severity >= Severity::warning) write_finding(text, finding, path + ": ");
    return;
  }
  Text text(io, options.color);
  write_findings(text, inspection.findings(), path + ": ");
  text.flush();
  io.err(fmt::format("vmstate-upgrade: {} cannot be rewritten exactly; nothing was written\n", path));
  for (const auto& obstacle : result.obstacles) io.err("  " + obstacle_text(obstacle) + "\n");
  if (result.more_obstacles > 0) io.err(fmt::format("  and {} more\n", result.more_obstacles));
}

// What holds no state has findings that say so.
Result<Rewrite> rewrite_if_recognised(Inspection& inspection, const RewriteOptions& options, const Io& io) {
  if (auto opened = inspection.open(); !opened) return tl::make_unexpected(opened.error());
  if (inspection.recognised()) return rewrite(inspection, options, io);
  EventSink nothing;
  if (auto done = inspection.run(nothing); !done) return tl::make_unexpected(done.error());
  Rewrite refusal;
  refusal.to_version = options.target == SentinelWriter::Target::sentinel ? 4 : 3;
  refusal.obstacles.push_back({"", {}, "no stream was found"});
  return refusal;
}

// `name`: what the user knows the file by.
int rewrite_file(const std::string& path, const std::string& name, const RewriteOptions& options, const Io& io) {
  Inspection inspection(path, options, io);
  inspection.set_name(name);
  const auto result = rewrite_if_recognised(inspection, options, io);
  if (!result) {
    io.err(fmt::format("vmstate-upgrade: {}\n", printable(result.error().message)));
    return status_of(result.error(), io);
  }
  if (options.json)
    write_json(options, inspection, *result, io);
  else
    write_text(options, inspection, *result, io);
  return result->obstacles.empty() ? exit_nothing_found : exit_unreadable;
}

// A pipe can be read only once, a rewrite reads three times: its bytes wait beside the output.
Result<std::unique_ptr<AtomicFile>> spool(const RewriteOptions& options, const Io& io) {
  auto source = open_path("-", options.io, io.standard_input);
  if (!source) return tl::make_unexpected(source.error());
  auto file = AtomicFile::create(options.output, true, io.interrupted);
  if (!file) return file;
  auto done = (*file)->copy(**source, {0, std::numeric_limits<std::uint64_t>::max()});
  if (const auto fault = (*source)->health(); done && fault) done = tl::make_unexpected(*fault);
  if (!done) return tl::make_unexpected(done.error());
  return file;
}

}  // namespace

int upgrade(const RewriteOptions& asked, const Io& io) {
  RewriteOptions options = asked;
  if (const auto failed = load_layouts(options, "vmstate-upgrade", io)) return *failed;
  const std::string& path = options.files.front();
  if (is_same_file(options.output, path, io.standard_input)) {
    io.err(fmt::format("vmstate-upgrade: {} is the input; it is never written to\n", printable(options.output)));
    return exit_unreadable;
  }
  // Reading may take long: what will be refused is refused before.
  if (const auto free = AtomicFile::check(options.output, options.force); !free) {
    io.err(fmt::format("vmstate-upgrade: {}\n", printable(free.error().message)));
    return status_of(free.error(), io);
  }
  if (path != "-") return rewrite_file(path, path, options, io);
  const auto spooled = spool(options, io);
  if (spooled) return rewrite_file((*spooled)->temporary(), path, options, io);
  io.err(fmt::format("vmstate-upgrade: {}\n", printable(spooled.error().message)));
  return status_of(spooled.error(), io);
}

}  // namespace vmstate::app
