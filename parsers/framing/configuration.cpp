// SPDX-License-Identifier: Apache-2.0
// The configuration section: docs/formats/qevm.md.
#include <algorithm>
#include <array>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/framing/walk_state.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

constexpr std::size_t longest_configuration = 64 << 10;

Field leaf(std::string name, std::string type, Field::Kind kind, ByteRange range) {
  Field field;
  field.name = std::move(name);
  field.type = std::move(type);
  field.kind = kind;
  field.range = range;
  return field;
}

std::string hex_digits(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

class ConfigurationReader {
 public:
  ConfigurationReader(WalkState& walk, Bytes bytes)
      : walk_(walk), start_(walk.in().position()), bytes_(bytes), in_(bytes, start_) {}

  // False: the bytes end inside the section.
  bool read() {
    in_.skip(1, "section type");
    const auto length = in_.be32("machine name length");
    if (in_ && length > walk_.context.limits.name_text) return damaged("a machine name of " + std::to_string(length) + " bytes");
    const Offset name_at = in_.position();
    const Bytes name = in_.take(length, "machine name");
    if (!in_) return false;
    made_.machine = std::string(as_text(name));
    tree_.decoded_by = "self";
    tree_.fields.push_back(leaf("len", "uint32", Field::Kind::scalar, {start_ + 1, 4}));
    tree_.fields.push_back(leaf("name", "buffer", Field::Kind::opaque, {name_at, length}));
    if (!made_.machine.empty() && !credible_name(made_.machine))
      walk_.findings().add(Code::configuration_odd_name, {name_at, length}, "the machine name is not printable");
    while (in_.peek() == subsection)
      if (!read_subsection()) return in_.ok();
    return in_.ok();
  }

  std::size_t size() const { return in_.consumed(); }

  void send() {
    made_.tree = &tree_;
    made_.range = {start_, in_.consumed()};
    made_.bytes = bytes_.first(in_.consumed());
    walk_.events().on(made_);
    for (const std::string& name : made_.capabilities) walk_.facts.capabilities.insert(name);
    if (!made_.page_bits) return;
    constexpr std::uint32_t fewest_page_bits = 8, most_page_bits = 16;
    if (*made_.page_bits >= fewest_page_bits && *made_.page_bits <= most_page_bits)
      walk_.facts.page_size = std::uint64_t{1} << *made_.page_bits;
    else
      walk_.findings().add(Code::configuration_damaged, made_.range,
                           "a target page of 2^" + std::to_string(*made_.page_bits) + " bytes");
  }

 private:
  bool damaged(const std::string& what) {
    walk_.findings().add(Code::configuration_damaged, {start_, in_.consumed()}, "the configuration section holds " + what);
    return true;
  }

  // False: what follows is no subsection of the configuration, or is cut.
  bool read_subsection() {
    Cursor ahead = in_;
    const Offset at = ahead.position();
    ahead.skip(1, "subsection mark");
    const std::string name(ahead.counted_text("subsection name"));
    const auto version = ahead.be32("subsection version");
    constexpr std::string_view prefix = "configuration/";
    if (ahead && !std::string_view(name).starts_with(prefix)) return false;
    Field part = leaf(name, "subsection", Field::Kind::subsection, {at, 0});
    part.description = name;
    part.version = version;
    part.header_size = static_cast<std::uint32_t>(ahead.position() - at);
    const bool known = ahead && read_content(ahead, std::string_view(name).substr(prefix.size()), part);
    if (!ahead) {
      in_ = ahead;
      return false;
    }
    if (!known) {
      walk_.findings().add(Code::configuration_unknown_part, {at, part.header_size},
                           "subsection '" + name + "' is not known; its end was found by searching");
      skip_unknown(ahead, part);
    }
    in_ = ahead;
    part.range.size = in_.position() - at;
    tree_.subsections.push_back(std::move(part));
    return true;
  }

  bool read_content(Cursor& in, std::string_view name, Field& part) {
    const Offset at = in.position();
    if (name == "target-page-bits") {
      made_.page_bits = in.be32("target page bits");
      part.fields.push_back(leaf("target_page_bits", "uint32", Field::Kind::scalar, {at, 4}));
    } else if (name == "capabilities") {
      const auto count = in.be32("capability count");
      part.fields.push_back(leaf("caps_count", "uint32", Field::Kind::scalar, {at, 4}));
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const Offset capability_at = in.position();
        const auto capability = in.counted_text("capability");
        if (!in) break;
        made_.capabilities.emplace_back(capability);
        Field field = leaf("capabilities", "capability", Field::Kind::opaque,
                           ByteRange::between(capability_at, in.position()));
        field.index = i;
        part.fields.push_back(std::move(field));
      }
    } else if (name == "uuid") {
      constexpr std::size_t uuid_size = 16;
      made_.uuid = hex_digits(in.take(uuid_size, "uuid"));
      part.fields.push_back(leaf("uuid", "buffer", Field::Kind::opaque, {at, uuid_size}));
    } else {
      return false;
    }
    return true;
  }

  // Nothing gives the length of an unknown part: it ends where the first record credibly begins.
  static void skip_unknown(Cursor& in, Field& part) {
    const Offset at = in.position();
    const Bytes rest = in.rest();
    std::size_t size = 0;
    while (size < rest.size() && !credible_record(rest.subspan(size), {}, false) && rest[size] != subsection) ++size;
    in.skip(size, "subsection body");
    part.fields.push_back(leaf("data", "bytes", Field::Kind::opaque, {at, size}));
  }

  WalkState& walk_;
  Offset start_;
  Bytes bytes_;
  Cursor in_;
  Configuration made_;
  FieldTree tree_;
};

}  // namespace

bool read_configuration(WalkState& walk) {
  if (walk.in().peek_byte() != configuration) return true;
  const Bytes all = walk.in().peek(longest_configuration);
  const Bytes bytes = all.first(std::min(all.size(), longest_configuration));
  ConfigurationReader reader(walk, bytes);
  if (!reader.read()) {
    const Offset start = walk.in().position();
    walk.findings().add(Code::configuration_damaged, {start, bytes.size()},
                        bytes.size() < longest_configuration ? "the stream ends inside the configuration section"
                                                             : "the configuration section has no end");
    skip_rest(walk, Gap::Kind::lost, "incomplete configuration");
    walk.finish(StreamEndKind::truncated);
    return false;
  }
  reader.send();
  walk.in().skip(reader.size());
  return true;
}

}  // namespace vmstate
