// SPDX-License-Identifier: Apache-2.0
#include "parsers/api/record_probe.hpp"

#include <algorithm>
#include <array>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

// No device of any QEMU comes near these; garbage nearly always does.
constexpr std::uint32_t largest_version = 0xffff;
constexpr std::uint32_t largest_instance = 0x1000000;
constexpr std::uint32_t largest_section_id = 0x1000000;

bool is_short_header(Bytes bytes, std::span<const std::uint32_t> open_ids) {
  return bytes.size() >= short_header_size && (bytes[0] == section_part || bytes[0] == section_end) &&
         std::ranges::find(open_ids, load_be32(&bytes[1])) != open_ids.end();
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(" _-./:,@+()#[]").find(c) != std::string_view::npos;
}
// The only version that is a date.
bool has_odd_version(const LongHeader& header) {
  constexpr std::uint32_t first_eeprom = 20061112, last_eeprom = 20061113;
  return header.name.ends_with("eeprom") && header.version >= first_eeprom && header.version <= last_eeprom;
}
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Keys that a description may begin with.
constexpr std::array<std::string_view, 4> first_keys{"\"page_size\"", "\"devices\"", "\"configuration\"", "\"vmsd_name\""};

// `text` behind its opening brace. QEMU up to 5.2 indents its JSON.
std::string_view inside_object(std::string_view text) {
  text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

bool is_command(Bytes bytes) {
  if (bytes.size() < command_header_size || bytes[0] != command) return false;
  const auto number = load_be16(&bytes[1]);
  const auto length = load_be16(&bytes[3]);
  const auto it = std::ranges::find(commands, number, &CommandKind::number);
  return it != commands.end() && number != 0 && it->length.value_or(length) == length;
}

}  // namespace

bool credible_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.front() == ' ' || name.back() == ' ') return false;
  return std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<LongHeader> credible_long_header(Bytes bytes) {
  if (bytes.empty() || (bytes[0] != section_start && bytes[0] != section_full)) return std::nullopt;
  Cursor in(bytes);
  LongHeader header;
  header.type = in.u8("type");
  header.id = in.be32("section id");
  header.name = in.counted_text("name");
  header.instance = in.be32("instance");
  header.version = in.be32("version");
  header.size = in.consumed();
  const bool in_proportion = (header.version <= largest_version || has_odd_version(header)) &&
                             header.instance <= largest_instance && header.id <= largest_section_id;
  if (!in || !credible_name(header.name) || !in_proportion) return std::nullopt;
  return header;
}

bool credible_short_header(Bytes bytes) {
  return bytes.size() >= short_header_size && (bytes[0] == section_part || bytes[0] == section_end) &&
         load_be32(&bytes[1]) <= largest_section_id;
}

bool is_footer_of(Bytes bytes, std::uint32_t id) {
  return bytes.size() >= footer_size && bytes[0] == section_footer && load_be32(&bytes[1]) == id;
}

bool is_description_text(Bytes bytes) {
  const auto text = as_text(bytes);
  if (!text.starts_with('{')) return false;
  const auto inside = inside_object(text);
  return std::ranges::any_of(first_keys, [&](std::string_view key) { return inside.starts_with(key); });
}

bool is_described_end_cut(Bytes bytes) {
  if (bytes.size() < 2 || bytes[0] != eof || bytes[1] != vmdescription) return false;
  if (bytes.size() <= 1 + description_header_size) return true;
  const auto text = as_text(bytes.subspan(1 + description_header_size));
  if (!text.starts_with('{')) return false;
  const auto inside = inside_object(text);
  return std::ranges::any_of(first_keys, [&](std::string_view key) { return key.starts_with(inside); });
}

bool is_described_end(Bytes bytes) {
  return bytes.size() > 1 + description_header_size && bytes[0] == eof && bytes[1] == vmdescription &&
         is_description_text(bytes.subspan(1 + description_header_size));
}

std::optional<LongHeader> likely_long_header(Bytes bytes) {
  constexpr std::uint32_t usual_version = 4095;  // some devices use the size of their state (i6300esb_wdt: 720)
  constexpr std::uint32_t usual_section_id = 0xffff;
  constexpr std::size_t shortest_name = 2;
  auto header = credible_long_header(bytes);
  if (!header || (header->version > usual_version && !has_odd_version(*header)) || header->id > usual_section_id ||
      header->name.size() < shortest_name || !std::ranges::all_of(header->name, is_name_character) ||
      !std::ranges::any_of(header->name, is_letter))
    return std::nullopt;
  return header;
}

bool credible_record(Bytes bytes, std::span<const std::uint32_t> open_ids, bool at_end) {
  if (bytes.empty()) return at_end;
  if (bytes[0] == eof) {
    if (bytes.size() == 1) return at_end;
    return is_described_end(bytes) || (at_end && std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; }));
  }
  return credible_long_header(bytes).has_value() || is_short_header(bytes, open_ids) || is_command(bytes);
}

}  // namespace vmstate
