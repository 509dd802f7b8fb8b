// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ctime>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "tools/app/section_records.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

// Sections in brief: all PART records of one section are one line, at the place of the first.
class Brief {
 public:
  struct Line {
    std::string type;
    std::optional<std::uint32_t> id;
    std::string name;
    std::optional<std::uint32_t> instance;
    std::optional<std::uint32_t> version;
    ByteRange range;
    std::optional<ByteRange> body;
    std::string boundary;
    std::uint64_t count = 1;

    void add(const SectionRecord& record) {
      range.size += record.range.size;
      if (record.body && body) body->size += record.body->size;
      ++count;
    }
  };

  void add(const SectionRecord& record) {
    if (record.type == "part" && record.id) {
      const auto [it, first] = part_lines_.try_emplace(*record.id, lines_.size());
      if (!first) {
        if (it->second < lines_.size()) lines_[it->second].add(record);
        return;
      }
    }
    if (lines_.size() >= most_lines) {
      ++dropped_;
      return;
    }
    lines_.push_back({std::string(record.type), record.id, std::string(record.name), record.instance, record.version,
                      record.range, record.body, std::string(record.boundary), 1});
  }
  const std::vector<Line>& lines() const { return lines_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  static constexpr std::size_t most_lines = 10000;
  std::vector<Line> lines_;
  std::map<std::uint32_t, std::size_t> part_lines_;  ///< section id to its line
  std::uint64_t dropped_ = 0;
};

// "original name: none"
std::string detail_text(const LayerDetail& detail) {
  struct Show {
    bool is_time;
    std::string operator()(const std::string& value) const { return printable(value); }
    std::string operator()(std::uint64_t value) const {
      constexpr std::uint64_t last_second = 253402300799;  // of the year 9999
      if (!is_time || value > last_second) return std::to_string(value);
      return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(value)));
    }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
  };
  std::string key = detail.key;
  std::ranges::replace(key, '_', ' ');
  return fmt::format("{}: {}", key, std::visit(Show{detail.key == "modified"}, detail.value));
}

// One layer with its details, in lines of moderate width.
void write_layer(Text& text, const Layer& layer) {
  constexpr std::size_t widest = 112;
  std::string line = fmt::format("  {:<14} at {}", layer.kind, offset_text(layer.offset));
  const std::size_t begin = std::max<std::size_t>(line.size(), 27);
  line.resize(layer.details.empty() ? line.size() : begin, ' ');
  bool fresh = true;
  for (const LayerDetail& detail : layer.details) {
    const std::string piece = detail_text(detail);
    if (!fresh && line.size() + piece.size() + 2 > widest) {
      text.line(line + ",");
      line = std::string(begin, ' ');
      fresh = true;
    }
    line += (fresh ? " " : ", ") + piece;
    fresh = false;
  }
  text.line(line);
}

std::string end_text(StreamEndKind end) {
  switch (end) {
    case StreamEndKind::eof: return "whole";
    case StreamEndKind::truncated: return "cut off";
    case StreamEndKind::premature_eof: return "ended early by a zero byte";
    case StreamEndKind::unreadable: return "not readable to its end";
  }
  return {};
}

std::string brief_name(const Brief::Line& line) {
  std::string name = line.name == line.type ? "" : printable(line.name);
  if (line.instance.value_or(0) != 0) name += fmt::format("#{}", *line.instance);
  if (line.count > 1) name += fmt::format(" ({} records)", line.count);
  return name;
}

void write_sections(Text& text, const Brief& brief) {
  static constexpr std::string_view layout = "  {:>12}  {:<13} {:<44} {:<4} {:>10}  {}";
  text.line(text.styled("Sections", Text::Style::bold));
  text.line(text.styled(fmt::format(layout, "offset", "record", "name", "ver", "body bytes", "boundary"), Text::Style::dim));
  for (const Brief::Line& line : brief.lines()) {
    const std::string version = line.version ? fmt::format("v{}", *line.version) : "";
    text.line(fmt::format(layout, offset_text(line.range.offset), line.type,
                          brief_name(line), version, line.body ? line.body->size : line.range.size,
                          text.styled(line.boundary, Text::Style::dim)));
  }
  if (brief.dropped() > 0) text.line(fmt::format("  … and {} more", brief.dropped()));
}

void write_ram_brief(Text& text, const RamSummary& ram) {
  if (ram.blocks().empty()) return;
  text.line(text.styled("RAM", Text::Style::bold));
  for (const RamSummary::Block& block : ram.blocks()) {
    const RamSummary::Pages pages = block.pages();
    std::string kinds;
    const auto kind = [&](std::uint64_t count, std::string_view what) {
      if (count > 0) kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, what);
    };
    kind(pages.data, "data");
    kind(pages.zero, "zero");
    kind(pages.fill, "filled");
    kind(pages.xbzrle, "xbzrle");
    kind(pages.compressed, "compressed");
    kind(pages.mapped, "mapped");
    kind(pages.never_sent, "never sent");
    kind(block.resent, "sent again");
    text.line(fmt::format("  {:<34} {:>10}  {}", printable(block.block.name), size_text(block.block.size), kinds));
  }
}

void write_json(const Inspection& inspection, const Brief& brief, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  write_file(json, inspection);
  write_layers(json, inspection);
  write_stream(json, inspection);
  json.key("sections");
  json.begin_array();
  for (const Brief::Line& line : brief.lines()) {
    const SectionRecord record{line.type, line.id, line.name, line.instance, line.version, line.range, line.body, line.boundary,
                               line.count > 1 ? std::optional(line.count) : std::nullopt};
    write_section(json, record, inspection.file_offset(line.range.offset));
  }
  json.end_array();
  write_ram(json, inspection.ram());
  write_findings(json, inspection.findings());
  json.end_object();
}

}  // namespace

void write_stream_lines(Text& text, const Inspection& inspection) {
  const auto size = inspection.file_size();
  text.line(fmt::format("{}  {}", text.styled(printable(inspection.path()), Text::Style::bold),
                        size ? count_text(*size, "byte") : "size unknown"));
  if (!inspection.layers().empty()) text.line(text.styled("Layers", Text::Style::bold));
  for (const Layer& layer : inspection.layers()) write_layer(text, layer);
  if (!inspection.has_stream()) return;
  const StreamSummary& stream = inspection.stream();
  text.line(text.styled("Stream", Text::Style::bold));
  text.line(fmt::format("  {} version {}, {}, {}", stream.format, stream.version, count_text(stream.size, "byte"),
                        end_text(stream.end)));
  text.line(fmt::format("  machine      {}", stream.machine ? printable(*stream.machine) : "not named"));
  if (inspection.machine().run_state()) text.line(fmt::format("  run state    {}", printable(*inspection.machine().run_state())));
  text.line(fmt::format("  page size    {}", stream.page_size == 0 ? "not known" : std::to_string(stream.page_size)));
  std::string capabilities;
  for (const std::string& capability : stream.capabilities) capabilities += " " + printable(capability);
  if (!capabilities.empty()) text.line(fmt::format("  capabilities{}", capabilities));
  if (stream.uuid) text.line(fmt::format("  uuid         {}", *stream.uuid));
  text.line(fmt::format("  carries      {}, {}, {}", stream.configuration ? "configuration" : "no configuration",
                        stream.footers ? "footers" : "no footers", stream.description ? "description" : "no description"));
  const MachineSummary& machine = inspection.machine();
  text.line(fmt::format("  holds        {} ({}), {}", count_text(machine.devices(), "device section"),
                        size_text(machine.device_bytes()), count_text(machine.cpus(), "CPU")));
}

void write_findings_block(Text& text, const Inspection& inspection) {
  text.line(text.styled("Findings", Text::Style::bold));
  if (inspection.findings().all().empty()) text.line("  none");
  write_findings(text, inspection.findings(), "  ");
}

Result<void> overview(Inspection& inspection, const DumpOptions& options, const Io& io) {
  Brief brief;
  SectionRecords records([&](const SectionRecord& record) { brief.add(record); });
  if (auto done = inspection.run(records); !done) return done;
  if (options.json) {
    write_json(inspection, brief, io);
    return {};
  }
  Text text(io, options.color);
  write_stream_lines(text, inspection);
  if (inspection.has_stream()) {
    write_sections(text, brief);
    write_ram_brief(text, inspection.ram());
  }
  write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
