// SPDX-License-Identifier: Apache-2.0
#include "tools/app/text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "formats/encode/json_writer.hpp"

namespace vmstate::app {
namespace {

constexpr std::size_t enough = 64 << 10;
constexpr std::size_t shown_bytes = 32;
constexpr std::uint32_t shown_elements = 16;
constexpr std::size_t widest_line = 120;

std::string_view escape_of(Text::Style style) {
  switch (style) {
    case Text::Style::bold: return "\033[1m";
    case Text::Style::dim: return "\033[2m";
    case Text::Style::red: return "\033[1;31m";
    case Text::Style::yellow: return "\033[33m";
    case Text::Style::green: return "\033[32m";
    case Text::Style::plain: break;
  }
  return {};
}

Text::Style style_of(Severity severity) {
  switch (severity) {
    case Severity::error: return Text::Style::red;
    case Severity::warning: return Text::Style::yellow;
    case Severity::note: break;
  }
  return Text::Style::dim;
}

// Columns that UTF-8 text takes on a terminal, each character of ours one.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string one_value(const FieldValue& value, std::string_view type) {
  struct Show {
    std::string_view type;
    std::string operator()(std::monostate) const { return "?"; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::uint64_t value) const {
      return value < 10 ? std::to_string(value) : fmt::format("{0} (0x{0:x})", value);
    }
    std::string operator()(std::int64_t value) const {
      if (type == "timer") return value == -1 ? "not armed" : fmt::format("{} ns", value);
      return std::to_string(value);
    }
    std::string operator()(Bytes bytes) const { return to_hex(bytes); }
  };
  return std::visit(Show{type}, value);
}

std::string bytes_text(Bytes bytes) {
  if (bytes.empty()) return "(empty)";
  if (const auto text = padded_text(bytes); text.size() >= 3) return fmt::format("\"{}\"", text);
  if (std::ranges::all_of(bytes, [&](std::uint8_t byte) { return byte == bytes[0]; }) && bytes.size() > 4)
    return fmt::format("{} × {:02x}", bytes.size(), bytes[0]);
  if (bytes.size() <= shown_bytes) return to_hex(bytes);
  return fmt::format("{}… ({} bytes)", to_hex(bytes.first(shown_bytes)), bytes.size());
}

std::string array_text(const Field& field, Bytes bytes) {
  std::string text;
  std::uint32_t shown = 0;
  for (std::uint32_t i = 0; i < field.count;) {
    const FieldValue value = field_value(field, bytes, i);
    std::uint32_t same = 1;
    const std::string word = one_value(value, field.type);
    while (i + same < field.count && one_value(field_value(field, bytes, i + same), field.type) == word) ++same;
    if (++shown > shown_elements) return text + fmt::format(" … ({} elements)", field.count);
    text += text.empty() ? "" : ", ";
    text += same > 2 ? fmt::format("{} × {}", same, word) : word;
    if (same == 2) text += ", " + word;
    i += same;
  }
  return text;
}

// " at 0x96b (file 0xdc7) in timer, cpu_ticks_offset"
std::string place_text(const Finding& finding) {
  if (finding.code == Code::findings_suppressed) return {};
  const auto file_offset = finding.file_offset();
  std::string where = " at " + offset_text(finding.range.offset);
  if (file_offset && *file_offset != finding.range.offset) where += fmt::format(" (file {})", offset_text(*file_offset));
  if (!file_offset) where += fmt::format(" of the {} content", finding.origin ? finding.origin->kind : "");
  if (!finding.section.empty()) where += " in " + printable(finding.section);
  if (!finding.field.empty()) where += ", " + printable(finding.field);
  return where;
}

// Diagnoses of a transfer, then layers from the outermost on. Notes on what is not listed have no place and come last.
std::size_t listing_rank(const Finding& finding) {
  if (finding.code == Code::findings_suppressed) return std::numeric_limits<std::size_t>::max();
  if (finding.code == Code::text_mode || finding.code == Code::utf8_mangled || finding.code == Code::high_bits_stripped) return 0;
  std::size_t depth = 1;
  for (const Origin* origin = finding.origin.get(); origin != nullptr; origin = origin->outer.get()) ++depth;
  return depth;
}

}  // namespace

Text::Text(const Io& io, When color)
    : io_(io), color_(color == When::always || (color == When::automatic && io.out_is_terminal && !io.no_color)) {}

Text& Text::line(std::string_view text) {
  add(text);
  buffer_ += '\n';
  if (buffer_.size() > enough) flush();
  return *this;
}

Text& Text::add(std::string_view text) {
  buffer_ += text;
  return *this;
}

std::string Text::styled(std::string_view text, Style style) const {
  if (!color_ || style == Style::plain) return std::string(text);
  return fmt::format("{}{}\033[0m", escape_of(style), text);
}

void Text::flush() {
  if (!buffer_.empty()) io_.out(buffer_);
  buffer_.clear();
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::uint64_t whole = bytes;
  std::size_t unit = 0;
  while (whole >= 1024 && whole % 1024 == 0 && unit + 1 < units.size()) {
    whole /= 1024;
    ++unit;
  }
  if (unit > 0 && whole < 10240) return fmt::format("{} {}", whole, units[unit]);
  double rounded = static_cast<double>(bytes);
  unit = 0;
  while (rounded >= 1024 && unit + 1 < units.size()) {
    rounded /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", rounded, units[unit]);
}

std::string count_text(std::uint64_t count, std::string_view one) {
  if (count == 0) return fmt::format("no {}s", one);
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string_view padded_text(Bytes bytes) {
  const auto text = as_text(bytes);
  const auto end = std::min(text.find('\0'), text.size());
  const auto visible = text.substr(0, end);
  const bool clean = std::ranges::all_of(visible, [](char c) { return c >= 0x20 && c < 0x7f; });
  return clean ? visible : std::string_view{};
}

std::string value_text(const Field& field, Bytes bytes) {
  if (field.kind == Field::Kind::scalar)
    return field.count == 1 ? one_value(field_value(field, bytes), field.type) : array_text(field, bytes);
  return bytes_text(bytes);
}

std::string wrapped(std::string_view text, std::size_t column) {
  std::string lines;
  std::size_t used = column;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, std::min(text.find(", "), text.size() - 1) + 1);
    const std::size_t width = columns_of(piece);
    if (used > column && used + 1 + width > widest_line) {
      lines += '\n' + std::string(column, ' ');
      used = column;
    } else if (used > column) {
      lines += ' ';
      ++used;
    }
    lines += piece;
    used += width;
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
  }
  return lines;
}

void write_finding(Text& text, const Finding& finding, std::string_view prefix) {
  text.line(fmt::format("{}{} {}{}: {}", prefix, text.styled(to_string(finding.severity), style_of(finding.severity)),
                        code_text(finding.code), place_text(finding), printable(finding.message)));
  if (!finding.hint.empty()) text.line(fmt::format("{}  → {}", prefix, printable(finding.hint)));
}

void write_findings(Text& text, const Findings& findings, std::string_view prefix) {
  std::vector<const Finding*> ordered;
  for (const Finding& finding : findings.all()) ordered.push_back(&finding);
  std::ranges::stable_sort(ordered, {}, [](const Finding* finding) { return listing_rank(*finding); });
  for (const Finding* finding : ordered) write_finding(text, *finding, prefix);
}

}  // namespace vmstate::app
