// SPDX-License-Identifier: Apache-2.0
#include "tools/app/json_parts.hpp"

#include <algorithm>

namespace vmstate::app {

void write_schema(JsonWriter& json) { json.member("schema", "vmstate/1"); }

void write_file(JsonWriter& json, const Inspection& inspection) {
  json.key("file");
  json.begin_object();
  json.member("path", inspection.name());
  if (const auto size = inspection.file_size()) json.member("size", *size);
  json.end_object();
}

void write_layers(JsonWriter& json, const Inspection& inspection) {
  json.key("layers");
  json.begin_array();
  for (const Layer& layer : inspection.layers()) {
    json.begin_object();
    json.member("kind", layer.kind);
    json.member("offset", layer.offset);
    if (layer.size) json.member("size", *layer.size);
    json.key("details");
    json.begin_object();
    for (const LayerDetail& detail : layer.details)
      std::visit([&](const auto& value) { json.member(detail.key, value); }, detail.value);
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

void write_stream(JsonWriter& json, const Inspection& inspection) {
  json.key("stream");
  if (!inspection.has_stream()) return json.null();
  const StreamSummary& stream = inspection.stream();
  json.begin_object();
  json.member("format", stream.format);
  json.member("version", stream.version);
  json.key("machine");
  stream.machine ? json.value(*stream.machine) : json.null();
  json.key("page_size");
  stream.page_size != 0 ? json.value(stream.page_size) : json.null();
  json.member("configuration", stream.configuration);
  json.key("capabilities");
  json.begin_array();
  for (const std::string& capability : stream.capabilities) json.value(capability);
  json.end_array();
  if (stream.uuid) json.member("uuid", *stream.uuid);
  json.member("footers", stream.footers);
  json.member("description", stream.description);
  if (inspection.machine().run_state()) json.member("run_state", *inspection.machine().run_state());
  json.member("end", to_string(stream.end));
  json.member("size", stream.size);
  json.end_object();
}

void write_ram(JsonWriter& json, const RamSummary& ram) {
  json.key("ram");
  json.begin_object();
  json.member("page_size", ram.page_size());
  json.member("exact", !ram.coarse());
  json.key("blocks");
  json.begin_array();
  for (const RamSummary::Block& block : ram.blocks()) {
    const RamSummary::Pages pages = block.pages();
    json.begin_object();
    json.member("name", block.block.name);
    json.member("size", block.block.size);
    if (block.block.page_size) json.member("page_size", *block.block.page_size);
    if (block.block.guest_address) json.member("guest_address", *block.block.guest_address);
    if (block.block.mapped) {
      json.key("mapped");
      json.begin_object();
      json.member("bitmap_offset", block.block.mapped->bitmap.offset);
      json.member("bitmap_size", block.block.mapped->bitmap.size);
      json.member("pages_offset", block.block.mapped->pages.offset);
      json.member("ignored", block.block.mapped->ignored);
      json.end_object();
    }
    json.key("pages");
    json.begin_object();
    json.member("data", pages.data);
    json.member("zero", pages.zero);
    json.member("fill", pages.fill);
    json.member("xbzrle", pages.xbzrle);
    json.member("compressed", pages.compressed);
    json.member("mapped", pages.mapped);
    json.member("never_sent", pages.never_sent);
    json.end_object();
    json.member("records", block.records);
    json.member("resent", block.resent);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_findings(JsonWriter& json, const Findings& findings) {
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : findings.all()) {
    json.begin_object();
    json.member("code", code_text(finding.code));
    json.member("severity", to_string(finding.severity));
    json.member("title", info(finding.code).title);
    json.member("offset", finding.range.offset);
    json.member("size", finding.range.size);
    if (const auto at = finding.file_offset()) json.member("file_offset", *at);
    if (!finding.section.empty()) json.member("section", finding.section);
    if (!finding.field.empty()) json.member("field", finding.field);
    json.member("message", finding.message);
    if (!finding.hint.empty()) json.member("hint", finding.hint);
    if (!finding.evidence.empty()) {
      json.key("evidence");
      json.hex(finding.evidence);
    }
    json.end_object();
  }
  json.end_array();
}

void write_value(JsonWriter& json, const FieldValue& value) {
  struct Write {
    JsonWriter& json;
    void operator()(std::monostate) const { json.null(); }
    void operator()(Bytes bytes) const { json.hex(bytes); }
    void operator()(bool value) const { json.value(value); }
    void operator()(std::uint64_t value) const { json.value(value); }
    void operator()(std::int64_t value) const { json.value(value); }
  };
  std::visit(Write{json}, value);
}

void write_section(JsonWriter& json, const SectionRecord& record, std::optional<Offset> file_offset) {
  json.begin_object();
  json.member("type", record.type);
  if (record.id) json.member("id", *record.id);
  json.member("name", record.name);
  if (record.instance) json.member("instance", *record.instance);
  if (record.version) json.member("version", *record.version);
  json.member("offset", record.range.offset);
  json.member("size", record.range.size);
  if (file_offset) json.member("file_offset", *file_offset);
  if (record.body) {
    json.member("body_offset", record.body->offset);
    json.member("body_size", record.body->size);
  }
  if (!record.boundary.empty()) json.member("boundary", record.boundary);
  if (record.count) json.member("records", *record.count);
  json.end_object();
}

}  // namespace vmstate::app
