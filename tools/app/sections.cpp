// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "tools/app/section_records.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

Result<void> sections_json(Inspection& inspection, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  json.key("sections");
  json.begin_array();
  SectionRecords records(
      [&](const SectionRecord& record) { write_section(json, record, inspection.file_offset(record.range.offset)); });
  auto done = inspection.run(records);
  json.end_array();
  write_file(json, inspection);
  write_stream(json, inspection);
  write_findings(json, inspection.findings());
  json.end_object();
  return done;
}

// Lines are written as records pass; 0x offsets and decimal sizes.
std::string line_of(const SectionRecord& record) {
  std::string id = record.id ? std::to_string(*record.id) : "-";
  std::string name = printable(record.name);
  if (record.instance.value_or(0) != 0) name += "#" + std::to_string(*record.instance);
  return fmt::format("{:>12} {:>10}  {:<13} {:>4}  {:<44} {:>3} {:>12} {:>10}  {}", offset_text(record.range.offset), record.range.size,
                     record.type, id, name, record.version ? std::to_string(*record.version) : "-",
                     record.body ? offset_text(record.body->offset) : "-", record.body ? record.body->size : 0, record.boundary);
}

}  // namespace

Result<void> sections(Inspection& inspection, const DumpOptions& options, const Io& io) {
  if (options.json) return sections_json(inspection, io);
  Text text(io, options.color);
  if (inspection.recognised())
    text.line(text.styled(fmt::format("{:>12} {:>10}  {:<13} {:>4}  {:<44} {:>3} {:>12} {:>10}  {}", "offset", "size", "type", "id",
                                      "name", "ver", "body", "body size", "boundary"),
                          Text::Style::bold));
  SectionRecords records([&](const SectionRecord& record) { text.line(line_of(record)); });
  if (auto done = inspection.run(records); !done) return done;
  if (!inspection.findings().all().empty()) write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
