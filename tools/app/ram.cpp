// SPDX-License-Identifier: Apache-2.0
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
  text.line(fmt::format("page size {} bytes{}", ram.page_size(), ram.coarse() ? "; kinds by a page's first record" : ""));
  text.line(text.styled(fmt::format("{:<34} {:>12} {:>10} {:>10} {:>7} {:>8} {:>10} {:>10} {:>10} {:>10}", "block", "bytes", "data",
                                    "zero", "fill", "xbzrle", "compressed", "mapped", "never sent", "sent again"),
                        Text::Style::bold));
  for (const RamSummary::Block& block : ram.blocks()) {
    const RamSummary::Pages pages = block.pages();
    text.line(fmt::format("{:<34} {:>12} {:>10} {:>10} {:>7} {:>8} {:>10} {:>10} {:>10} {:>10}", printable(block.block.name),
                          block.block.size, pages.data, pages.zero, pages.fill, pages.xbzrle, pages.compressed, pages.mapped,
                          pages.never_sent, block.resent));
  }
  if (!inspection.findings().all().empty()) write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
