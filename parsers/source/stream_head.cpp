// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/stream_head.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

using Header = std::array<std::uint8_t, header_size>;

constexpr std::uint32_t longest_machine_name = 255;
constexpr std::size_t total_length_size = 8;  // version 2

constexpr Header header_of(std::uint32_t version) {
  return {'Q', 'E', 'V', 'M', 0, 0, 0, static_cast<std::uint8_t>(version)};
}
constexpr auto magic_text = std::string_view("QEVM");

bool credible_configuration(Bytes bytes) {
  Cursor in(bytes);
  const bool is_one = in.u8("type") == configuration;
  const auto length = in.be32("length");
  return is_one && length <= longest_machine_name && credible_name(as_text(in.take(length, "machine")));
}

// Versions 1 and 2: name, instance, version, length.
bool credible_flat_record(Bytes bytes) {
  Cursor in(bytes);
  const bool named = credible_name(in.counted_text("name"));
  in.skip(12, "instance, version, length");
  return named && in.ok();
}

// Too short to tell more: the data end inside the first record.
bool could_be_cut_record(Bytes bytes) {
  constexpr std::array first_bytes{section_start, section_full, configuration, command};
  return bytes.size() < longest_header_size && std::ranges::find(first_bytes, bytes.front()) != first_bytes.end();
}

bool credible_first_record(std::uint32_t version, Bytes bytes, bool at_end) {
  if (bytes.empty()) return at_end;
  switch (version) {
    case 1: return credible_flat_record(bytes);
    case 2: return bytes.size() > total_length_size && credible_flat_record(bytes.subspan(total_length_size));
    case 3:
    case 4:
      return credible_configuration(bytes) || credible_record(bytes, {}, at_end) ||
             (at_end && could_be_cut_record(bytes));
    default: return false;
  }
}

bool begins_with(Bytes bytes, Bytes start) { return as_text(bytes).starts_with(as_text(start)); }

MagicRepair put_back(std::string_view lost) {
  const bool one = lost.size() == 1;
  return {
      {lost.begin(), lost.end()},
      0,
      fmt::format("{} of the magic QEVM {} missing: \"{}\" belongs before the first byte",
                  one ? "the first byte" : fmt::format("the first {} bytes", lost.size()), one ? "is" : "are", lost),
      fmt::format("printf {} | cat - FILE > STATE puts {} back", lost, one ? "it" : "them")};
}

MagicRepair replace_magic(Bytes head) {
  return {{magic_text.begin(), magic_text.end()},
          magic_text.size(),
          fmt::format("the magic is {:02x} {:02x} {:02x} {:02x} instead of 51 45 56 4d (QEVM)", head[0], head[1],
                      head[2], head[3]),
          "cp FILE STATE; printf QEVM | dd of=STATE conv=notrunc puts it right"};
}

// Whether `head` is a stream of `version` from byte `from` of its header on, with at least one record.
bool continues_header(Bytes head, std::uint32_t version, std::size_t from, bool at_end) {
  const Header header = header_of(version);
  const Bytes rest = Bytes(header).subspan(from);
  return head.size() > rest.size() && begins_with(head, rest) &&
         credible_first_record(version, head.subspan(rest.size()), at_end);
}

}  // namespace

bool credible_stream(Bytes bytes, bool at_end) {
  if (bytes.size() < header_size || load_be32(bytes.data()) != magic) return false;
  return credible_first_record(load_be32(&bytes[4]), bytes.subspan(header_size), at_end);
}

std::optional<std::size_t> find_stream(Bytes bytes, std::size_t limit, bool at_end) {
  const std::string_view text = as_text(bytes);
  for (std::size_t at = text.find(magic_text); at < limit; at = text.find(magic_text, at + 1))
    if (credible_stream(bytes.subspan(at), at_end)) return at;
  return std::nullopt;
}

std::optional<MagicRepair> repair_magic(Bytes head, bool at_end) {
  for (const std::uint32_t version : {3u, 4u}) {
    for (std::size_t lost = 1; lost <= magic_text.size(); ++lost)
      if (continues_header(head, version, lost, at_end)) return put_back(magic_text.substr(0, lost));
    if (head.size() > magic_text.size() &&
        continues_header(head.subspan(magic_text.size()), version, magic_text.size(), at_end))
      return replace_magic(head);
  }
  return std::nullopt;
}

}  // namespace vmstate
