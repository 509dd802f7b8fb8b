// SPDX-License-Identifier: Apache-2.0
#include "tools/app/verify.hpp"

#include <fmt/format.h>

#include "tools/app/json_parts.hpp"
#include "tools/app/layouts.hpp"
#include "tools/app/text.hpp"

namespace vmstate::app {
namespace {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::same: return "same";
    case Verdict::different: return "different";
    case Verdict::not_comparable: break;
  }
  return "not comparable";
}

int status_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::same: return exit_nothing_found;
    case Verdict::different: return exit_findings;
    case Verdict::not_comparable: break;
  }
  return exit_unreadable;
}

// --- text ------------------------------------------------------------------------------------------------------------

std::string side_text(const DifferenceSide& side) {
  return side.field ? value_text(*side.field, side.bytes) : printable(side.text);
}

std::string place_text(const StateDifference& difference) {
  if (!difference.block.empty()) {
    std::string place = fmt::format("RAM block '{}'", printable(difference.block));
    if (!difference.page) return place;
    const std::uint64_t last = *difference.page + difference.pages - 1;
    place += difference.pages == 1 ? fmt::format(", page {}", *difference.page) : fmt::format(", pages {}-{}", *difference.page, last);
    return place + fmt::format(" at {}", offset_text(difference.offset.value_or(0)));
  }
  std::string place = printable(difference.section);
  if (difference.instance != 0) place += fmt::format("#{}", difference.instance);
  if (!difference.field.empty()) place += " " + printable(difference.field);
  if (difference.offset) place += fmt::format(" at byte {}", *difference.offset);
  return place;
}

std::string difference_text(const StateDifference& difference) {
  if (difference.page && difference.left.text == difference.right.text)
    return fmt::format("{}: contents differ", place_text(difference));
  return fmt::format("{}: left {}, right {}", place_text(difference), side_text(difference.left), side_text(difference.right));
}

std::string headline(const Comparison& comparison) {
  const std::string compared = fmt::format("{}, {}, {}", count_text(comparison.devices, "device"),
                                           count_text(comparison.blocks, "RAM block"), count_text(comparison.pages, "page"));
  switch (comparison.verdict()) {
    case Verdict::same: return "same machine state: " + compared;
    case Verdict::different: return "different machine states: " + count_text(comparison.differences_in_all(), "difference");
    case Verdict::not_comparable: break;
  }
  return "not comparable as a whole; no difference in what was compared: " + compared;
}

void write_text(const Comparison& comparison, const CommonOptions& options, const Io& io) {
  Text text(io, options.color);
  const Verdict verdict = comparison.verdict();
  const auto style = verdict == Verdict::same ? Text::Style::green : verdict == Verdict::different ? Text::Style::red : Text::Style::yellow;
  text.line(text.styled(headline(comparison), style));
  if (verdict != Verdict::same || !comparison.notes().empty())
    for (const std::size_t side : {0u, 1u}) text.line(fmt::format("  {:<6} {}", side == 0 ? "left" : "right", printable(options.files[side])));
  for (const StateDifference& difference : comparison.differences()) text.line("  " + difference_text(difference));
  const std::uint64_t more = comparison.differences_in_all() - comparison.differences().size();
  if (more > 0) text.line(fmt::format("  and {} more", more));
  for (const std::string& doubt : comparison.doubts()) text.line("  not compared: " + printable(doubt));
  for (const std::string& note : comparison.notes()) text.line("  note: " + printable(note));
}

// --- JSON ------------------------------------------------------------------------------------------------------------

void write_side(JsonWriter& json, const char* key, const DifferenceSide& side) {
  json.key(key);
  if (side.field) write_value(json, field_value(*side.field, side.bytes));
  else if (side.text == "absent") json.null();
  else json.value(side.text);
}

void write_difference(JsonWriter& json, const StateDifference& difference) {
  json.begin_object();
  json.member("section", difference.section);
  json.member("instance", difference.instance);
  if (!difference.field.empty()) json.member("field", difference.field);
  if (!difference.block.empty()) json.member("block", difference.block);
  if (difference.page) {
    json.member("page", *difference.page);
    json.member("pages", difference.pages);
  }
  if (difference.offset) json.member("offset", *difference.offset);
  write_side(json, "left", difference.left);
  write_side(json, "right", difference.right);
  json.end_object();
}

void write_texts(JsonWriter& json, const char* key, const std::vector<std::string>& texts) {
  json.key(key);
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write_json(const Comparison& comparison, const CommonOptions& options, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  json.member("left", options.files[0]);
  json.member("right", options.files[1]);
  json.key("same");
  comparison.verdict() == Verdict::not_comparable ? json.null() : json.value(comparison.verdict() == Verdict::same);
  json.member("verdict", to_string(comparison.verdict()));
  json.key("compared");
  json.begin_object();
  json.member("devices", comparison.devices);
  json.member("ram_blocks", comparison.blocks);
  json.member("pages", comparison.pages);
  json.end_object();
  json.key("differences");
  json.begin_array();
  for (const StateDifference& difference : comparison.differences()) write_difference(json, difference);
  json.end_array();
  json.member("differences_in_all", comparison.differences_in_all());
  write_texts(json, "not_compared", comparison.doubts());
  write_texts(json, "notes", comparison.notes());
  json.end_object();
}

int complain(const Io& io, int status, const std::string& message) {
  io.err(fmt::format("vmstate-upgrade: {}\n", printable(message)));
  return status;
}

}  // namespace

int verify(const CommonOptions& asked, const Io& io) {
  CommonOptions options = asked;
  if (const auto failed = load_layouts(options, "vmstate-upgrade", io)) return *failed;
  if (options.files.size() != 2) return complain(io, exit_usage, "verify needs two files");
  if (options.files[0] == "-" && options.files[1] == "-") return complain(io, exit_usage, "only one of the two files can be standard input");
  const auto comparison = compare_files(options.files[0], options.files[1], options, io);
  if (io.interrupted()) return exit_interrupted;
  if (!comparison)
    return complain(io, comparison.error().kind == Fault::Kind::medium ? exit_io_error : exit_unreadable, comparison.error().message);
  options.json ? write_json(*comparison, options, io) : write_text(*comparison, options, io);
  if (io.output_failed()) return complain(io, exit_io_error, "standard output cannot be written");
  return status_of(comparison->verdict());
}

}  // namespace vmstate::app
