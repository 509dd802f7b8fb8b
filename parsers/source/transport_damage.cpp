// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/transport_damage.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace vmstate {
namespace {

using MaybeDamage = std::optional<TransportDamage>;

constexpr std::uint8_t cr = 0x0d;
constexpr std::uint8_t lf = 0x0a;

// Evidence below which nothing is said. A healthy file passes the first two by chance with 1 : 256^16 or less.
constexpr std::size_t fewest_line_feeds = 16;
constexpr std::size_t fewest_sequences = 16;
constexpr std::size_t fewest_bytes_of_7_bits = 16u << 10;
constexpr std::size_t fewest_values_of_7_bits = 120;
constexpr std::size_t fewest_base64_bytes = 64;
constexpr std::size_t longest_chunk_line = 64;

bool is_text(std::uint8_t byte) { return (byte >= 0x20 && byte < 0x7f) || byte == '\t' || byte == cr || byte == lf; }

MaybeDamage find_text_mode(Bytes sample) {
  std::size_t line_feeds = 0;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (sample[i] != lf) continue;
    if (i == 0 || sample[i - 1] != cr) return std::nullopt;
    if (!first) first = i - 1;
    ++line_feeds;
  }
  if (line_feeds < fewest_line_feeds) return std::nullopt;
  return TransportDamage{Code::text_mode,
                         {*first, 2},
                         fmt::format("each of {} line feeds stands behind a carriage return", line_feeds),
                         "fetch the original again in binary mode; taking the carriage returns out damages the file "
                         "where it had such pairs of its own"};
}

// Length of the UTF-8 sequence of a character from U+0080 on at the start of `bytes`; 0: there is none.
std::size_t utf8_sequence(Bytes bytes) {
  const std::uint8_t first = bytes[0];
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : (first & 0xf0) == 0xe0        ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || bytes.size() < length) return 0;
  const auto is_continuation = [](std::uint8_t byte) { return (byte & 0xc0) == 0x80; };
  return std::ranges::all_of(bytes.subspan(1, length - 1), is_continuation) ? length : 0;
}

struct Utf8Census {
  std::size_t sequences = 0;
  std::size_t latin1 = 0;        // U+0080 to U+00FF
  std::size_t replacements = 0;  // U+FFFD
  std::size_t first = 0;
};

// Nothing where a byte above 0x7f is no part of a sequence. One that the end of the sample cuts is let pass.
std::optional<Utf8Census> count_utf8(Bytes sample) {
  constexpr std::size_t longest_sequence = 4;
  Utf8Census census;
  for (std::size_t i = 0; i < sample.size();) {
    if (sample[i] < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = utf8_sequence(sample.subspan(i));
    if (length == 0 && i + longest_sequence <= sample.size()) return std::nullopt;
    if (length == 0) break;
    if (census.sequences++ == 0) census.first = i;
    census.latin1 += sample[i] == 0xc2 || sample[i] == 0xc3;
    census.replacements += length == 3 && sample[i] == 0xef && sample[i + 1] == 0xbf && sample[i + 2] == 0xbd;
    i += length;
  }
  return census;
}

MaybeDamage find_utf8(Bytes sample) {
  const auto census = count_utf8(sample);
  if (!census || census->sequences < fewest_sequences) return std::nullopt;
  TransportDamage damage{Code::utf8_mangled, {census->first, 2}, {}, {}};
  if (census->latin1 == census->sequences) {
    damage.message = fmt::format("each of {} bytes above 0x7f was turned into two bytes of UTF-8", census->sequences);
    damage.hint = "iconv -f UTF-8 -t ISO-8859-1 FILE > STATE turns this back";
  } else if (census->replacements > 0) {
    damage.message =
        fmt::format("{} bytes above 0x7f were replaced by U+FFFD; what they were is lost", census->replacements);
    damage.hint = "fetch the original again";
  } else {
    damage.message = fmt::format("all bytes above 0x7f belong to {} sequences of UTF-8", census->sequences);
    damage.hint = "fetch the original again, or find out from which character set it was converted and turn that back";
  }
  return damage;
}

MaybeDamage find_stripped_bits(Bytes sample) {
  std::array<std::size_t, 256> count{};
  for (const std::uint8_t byte : sample) ++count[byte];
  const std::size_t zeros = count[0];
  std::size_t values = 0;
  std::size_t text = 0;
  for (std::size_t value = 0; value < count.size(); ++value) {
    if (value >= 0x80 && count[value] != 0) return std::nullopt;
    values += count[value] != 0;
    if (is_text(static_cast<std::uint8_t>(value))) text += count[value];
  }
  const std::size_t others = sample.size() - zeros - text;
  if (sample.size() - zeros < fewest_bytes_of_7_bits || values < fewest_values_of_7_bits || others < text / 16)
    return std::nullopt;
  return TransportDamage{Code::high_bits_stripped,
                         {0, sample.size()},
                         fmt::format("none of {} bytes other than zero is above 0x7f, though they have {} values",
                                     sample.size() - zeros, values),
                         "fetch the original again by a way that keeps all eight bits"};
}

int base64_value(std::uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::string decode_base64(Bytes text, std::size_t most) {
  std::string decoded;
  unsigned bits = 0;
  unsigned count = 0;
  for (const std::uint8_t c : text) {
    if (decoded.size() == most || base64_value(c) < 0) break;
    bits = bits << 6 | static_cast<unsigned>(base64_value(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return decoded;
}

std::string_view name_of_content(std::string_view decoded) {
  if (decoded.starts_with("QEVM")) return ", of a QEMU migration stream";
  if (decoded.starts_with("LibvirtQemud")) return ", of a libvirt save image";
  if (decoded.starts_with("\x1f\x8b")) return ", of gzip data";
  if (decoded.starts_with("\xfd"
                          "7zXZ"))
    return ", of xz data";
  if (decoded.starts_with("\x28\xb5\x2f\xfd")) return ", of zstd data";
  return "";
}

// Base64 mixes cases and digits; a long word or a hexadecimal dump does not.
bool is_mixed(Bytes text) {
  const auto any = [&](char low, char high) {
    return std::ranges::any_of(text, [=](std::uint8_t c) { return c >= low && c <= high; });
  };
  return any('A', 'Z') && (any('g', 'z') || any('0', '9'));
}

MaybeDamage find_base64(Bytes sample) {
  const auto allowed = [](std::uint8_t c) { return base64_value(c) >= 0 || c == '=' || c == cr || c == lf; };
  if (sample.size() < fewest_base64_bytes || !std::ranges::all_of(sample, allowed) || !is_mixed(sample))
    return std::nullopt;
  return TransportDamage{Code::base64_text,
                         {0, sample.size()},
                         fmt::format("the file is Base64 text{}", name_of_content(decode_base64(sample, 16))),
                         "base64 -d FILE > STATE"};
}

struct ChunkLine {
  std::uint64_t length;  // of the chunk
  std::size_t size;      // of the line with its CRLF
};

// The line in front of an HTTP chunk: hexadecimal length, perhaps extensions, CRLF.
std::optional<ChunkLine> parse_chunk_line(Bytes bytes) {
  const std::string_view text = as_text(bytes.first(std::min(bytes.size(), longest_chunk_line)));
  const std::size_t end = text.find("\r\n");
  const std::size_t digits = std::min(text.find_first_not_of("0123456789abcdefABCDEF"), text.size());
  if (end == text.npos || digits == 0 || digits > 8 || (digits != end && text[digits] != ';' && text[digits] != ' '))
    return std::nullopt;
  return ChunkLine{std::stoull(std::string(text.substr(0, digits)), nullptr, 16), end + 2};
}

// Follows the lines from chunk to chunk; at least two must be where they belong, or the file must be a single chunk.
MaybeDamage find_chunks(Bytes sample) {
  std::size_t lines = 0;
  std::size_t at = 0;
  while (const auto line = parse_chunk_line(sample.subspan(at))) {
    ++lines;
    const std::uint64_t border = at + line->size + line->length;
    if (border + 2 > sample.size()) break;
    if (sample[border] != cr || sample[border + 1] != lf) return std::nullopt;
    at = static_cast<std::size_t>(border) + 2;
    if (line->length == 0) break;
  }
  if (lines < 2) return std::nullopt;
  const auto first = parse_chunk_line(sample);
  return TransportDamage{
      Code::http_chunks,
      {0, first->size},
      fmt::format("the file is cut into HTTP chunks: {} of their length lines stand where they belong, "
                  "the first chunk has {} bytes",
                  lines, first->length),
      "download it again with a program that decodes the transfer, or take the length lines and the "
      "CRLF behind each chunk out"};
}

}  // namespace

std::optional<TransportDamage> diagnose_transport(Bytes sample) {
  sample = sample.first(std::min(sample.size(), transport_sample));
  if (auto base64 = find_base64(sample)) return base64;
  if (std::ranges::all_of(sample, [](std::uint8_t byte) { return is_text(byte) || byte >= 0x80; })) return std::nullopt;
  for (const auto find : {find_chunks, find_text_mode, find_utf8, find_stripped_bits})
    if (auto damage = find(sample)) return damage;
  return std::nullopt;
}

}  // namespace vmstate
