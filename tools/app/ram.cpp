// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

void write_json(const Inspection& inspection, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  write_file(json, inspection);
  write_stream(json, inspection);
  write_ram(json, inspection.ram());
  write_findings(json, inspection.findings());
  json.end_object();
}

struct Column {
  std::string_view title;
  std::uint64_t (*count)(const RamSummary::Block& block, const RamSummary::Pages& pages);
  bool always;  // others are shown where a block has such pages
};

using Block = RamSummary::Block;
using Pages = RamSummary::Pages;
constexpr std::array columns{
    Column{"data", [](const Block&, const Pages& pages) { return pages.data; }, true},
    Column{"zero", [](const Block&, const Pages& pages) { return pages.zero; }, true},
    Column{"fill", [](const Block&, const Pages& pages) { return pages.fill; }, false},
    Column{"xbzrle", [](const Block&, const Pages& pages) { return pages.xbzrle; }, false},
    Column{"compressed", [](const Block&, const Pages& pages) { return pages.compressed; }, false},
    Column{"mapped", [](const Block&, const Pages& pages) { return pages.mapped; }, false},
    Column{"never sent", [](const Block&, const Pages& pages) { return pages.never_sent; }, true},
    Column{"sent again", [](const Block& block, const Pages&) { return block.resent; }, false},
};

bool used(const Column& column, const RamSummary& ram) {
  return column.always ||
         std::ranges::any_of(ram.blocks(), [&](const Block& block) { return column.count(block, block.pages()) > 0; });
}

void write_table(Text& text, const RamSummary& ram) {
  std::string heading = fmt::format("{:<34} {:>12}", "block", "bytes");
  for (const Column& column : columns)
    if (used(column, ram)) heading += fmt::format(" {:>10}", column.title);
  text.line(text.styled(heading, Text::Style::bold));
  for (const Block& block : ram.blocks()) {
    const Pages pages = block.pages();
    std::string line = fmt::format("{:<34} {:>12}", printable(block.block.name), block.block.size);
    for (const Column& column : columns)
      if (used(column, ram)) line += fmt::format(" {:>10}", column.count(block, pages));
    text.line(line);
  }
}

}  // namespace

Result<void> ram(Inspection& inspection, const DumpOptions& options, const Io& io) {
  EventSink nothing;
  if (auto done = inspection.run(nothing); !done) return done;
  if (options.json) {
    write_json(inspection, io);
    return {};
  }
  Text text(io, options.color);
  const RamSummary& ram = inspection.ram();
  if (inspection.has_stream() && ram.blocks().empty()) text.line("the stream has no RAM blocks");
  if (!ram.blocks().empty()) {
    text.line(fmt::format("pages of {} bytes{}", ram.page_size(), ram.coarse() ? "; kinds by a page's first record" : ""));
    write_table(text, ram);
  }
  if (!inspection.findings().all().empty()) write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
