// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/base/field.hpp"
#include "formats/encode/json_writer.hpp"
#include "tools/app/inspection.hpp"

// The pieces that the JSON documents share; docs/json.md and docs/json.schema.json.
namespace vmstate::app {

void write_schema(JsonWriter& json);
void write_file(JsonWriter& json, const Inspection& inspection);
void write_layers(JsonWriter& json, const Inspection& inspection);
/// null where no stream was recognised.
void write_stream(JsonWriter& json, const Inspection& inspection);
void write_ram(JsonWriter& json, const RamSummary& ram);
void write_findings(JsonWriter& json, const Findings& findings);

/// An integer, true or false, hexadecimal digits, or null.
void write_value(JsonWriter& json, const FieldValue& value);

/// One record of the stream as `sections` lists it.
struct SectionRecord {
  std::string_view type;
  std::optional<std::uint32_t> id;
  std::string_view name;
  std::optional<std::uint32_t> instance;
  std::optional<std::uint32_t> version;
  ByteRange range;                   ///< header to footer
  std::optional<ByteRange> body;
  std::string_view boundary;
  std::optional<std::uint64_t> count;  ///< records summed up in this one
};
void write_section(JsonWriter& json, const SectionRecord& record, std::optional<Offset> file_offset);

}  // namespace vmstate::app
