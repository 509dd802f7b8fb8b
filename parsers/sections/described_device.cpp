// SPDX-License-Identifier: Apache-2.0
// Device state by the stream's own description: docs/formats/description.md, "Reading a body".
#include <algorithm>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/description.hpp"

namespace vmstate {
namespace {

using Node = VmDescription::Node;
using NodeId = VmDescription::NodeId;

constexpr std::string_view marker_types[] = {"nullptr", "ptr-marker"};

class Decoder {
 public:
  Decoder(const VmDescription& description, Bytes body, Offset base, const Limits& limits, DecodedBody& out)
      : description_(description), in_(body, base), body_size_(body.size()), limits_(limits), out_(out) {}

  void device(NodeId id) {
    const Node& node = description_.node(id);
    body(node, out_.tree.fields, out_.tree.subsections, 0);
    if (in_.remaining() > 0) undescribed_rest();
  }

 private:
  // Fields and subsections of one description. False: decoding cannot go on, the rest of the section is a gap.
  bool body(const Node& node, std::vector<Field>& fields, std::vector<Field>& subsections, unsigned depth) {
    return field_list(node, fields, depth) && subsection_list(node, subsections, depth);
  }

  bool field_list(const Node& node, std::vector<Field>& fields, unsigned depth) {
    std::uint32_t run_name = 0;
    std::uint32_t next_index = 0;  // of an array that stands element by element
    for (NodeId id = node.first_field; id != VmDescription::none; id = description_.node(id).next) {
      const Node& field = description_.node(id);
      const bool continues = id != node.first_field && field.name == run_name;
      const bool more = field.next != VmDescription::none && description_.node(field.next).name == field.name;
      run_name = field.name;
      const std::uint32_t first = field.index.value_or(continues ? next_index : 0);
      next_index = first + field.array_length;
      const bool indexed = field.index || continues || more || field.array_length > 1;
      if (!elements(field, fields, indexed ? std::optional(first) : std::nullopt, depth)) return false;
    }
    return true;
  }

  // All elements of one described field. `first` is the number of the first, nothing for a single value.
  bool elements(const Node& field, std::vector<Field>& out, std::optional<std::uint32_t> first, unsigned depth) {
    const auto total = checked_multiply(field.size, field.array_length);
    if (!total || *total > in_.remaining()) return beyond_body(field);
    if (field.array_length == 0) return true;
    // Elements without bytes are one element: nobody can tell how many there were.
    const std::uint32_t count = field.size == 0 ? 1 : field.array_length;
    if (decodes_as_structure(field) && depth < limits_.nesting) {
      for (std::uint32_t i = 0; i < count; ++i)
        if (!structure(field, out, first ? std::optional(*first + i) : std::nullopt, depth)) return false;
      return true;
    }
    if (!count_node(field)) return false;
    Field leaf = named(field);
    const bool known = scalar_size(leaf.type) == field.size && field.size > 0;
    leaf.kind = known ? Field::Kind::scalar : Field::Kind::opaque;
    leaf.count = count;
    leaf.index = first;
    leaf.range = {in_.position(), *total};
    const Bytes bytes = in_.take(*total, "field");
    check_value(leaf, bytes);
    out.push_back(std::move(leaf));
    return true;
  }

  // Lists and trees frame their elements with markers that only `size` covers: such a field is shown whole.
  bool decodes_as_structure(const Node& field) const {
    return field.has_body && field.has_fields && !field.repeated && description_.body_size(id_of(field)) == field.size;
  }

  bool structure(const Node& field, std::vector<Field>& out, std::optional<std::uint32_t> index, unsigned depth) {
    if (!count_node(field)) return false;
    Field made = named(field);
    made.kind = Field::Kind::structure;
    made.description = description_.text(field.description);
    made.version = field.version;
    made.index = index;
    made.range = {in_.position(), field.size};
    path_.push_back(field_label(made));
    const bool good = body(field, made.fields, made.subsections, depth + 1);
    path_.pop_back();
    made.range = ByteRange::between(made.range.offset, in_.position());
    out.push_back(std::move(made));
    return good;
  }

  NodeId id_of(const Node& node) const { return static_cast<NodeId>(&node - &description_.node(0)); }

  bool subsection_list(const Node& node, std::vector<Field>& out, unsigned depth) {
    for (NodeId id = node.first_subsection; id != VmDescription::none; id = description_.node(id).next)
      if (!subsection(description_.node(id), out, depth)) return false;
    return true;
  }

  bool subsection(const Node& described, std::vector<Field>& out, unsigned depth) {
    const Offset start = in_.position();
    const std::string& name = description_.text(described.description);
    Cursor header(in_.rest(), start);
    const auto mark = header.u8("subsection mark");
    const auto found = header.counted_text("subsection name");
    const auto version = header.be32("subsection version");
    if (!header || mark != wire::qevm::subsection || found != name || depth >= limits_.nesting) {
      problem(Code::subsection_mismatch, {start, std::min<std::uint64_t>(in_.remaining(), 6 + name.size())},
              "the description puts subsection '" + name + "' here, the bytes do not");
      return false;
    }
    if (version != described.version)
      problem(Code::version_differs, {header.position() - 4, 4},
              "subsection '" + name + "' has version " + std::to_string(version) + ", the description says " +
                  std::to_string(described.version));
    if (!count_node(described)) return false;
    in_.skip(header.consumed(), "subsection header");
    Field made;
    made.kind = Field::Kind::subsection;
    made.name = name;
    made.type = "subsection";
    made.description = name;
    made.version = version;
    made.header_size = static_cast<std::uint32_t>(header.consumed());
    path_.push_back(name);
    const bool good = body(described, made.fields, made.subsections, depth + 1);
    path_.pop_back();
    made.range = ByteRange::between(start, in_.position());
    out.push_back(std::move(made));
    return good;
  }

  Field named(const Node& field) const {
    Field made;
    made.name = description_.text(field.name);
    made.type = description_.text(field.type);
    return made;
  }

  void check_value(const Field& leaf, Bytes bytes) {
    if (leaf.type == "bool") {
      const auto odd = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte > 1; });
      if (odd != bytes.end()) {
        const auto at = leaf.range.offset + static_cast<std::size_t>(odd - bytes.begin());
        problem(Code::bool_odd, {at, 1}, "boolean '" + leaf.name + "' holds " + std::to_string(*odd), &leaf);
      }
    } else if (std::ranges::find(marker_types, leaf.type) != std::end(marker_types)) {
      const auto odd = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0x30 && byte != 0x31; });
      if (odd != bytes.end()) {
        const auto at = leaf.range.offset + static_cast<std::size_t>(odd - bytes.begin());
        problem(Code::pointer_marker_odd, {at, 1}, "pointer marker of '" + leaf.name + "' is " + std::to_string(*odd),
                &leaf);
      }
    } else if (leaf.type == "pci config") {
      check_pci_config(leaf, bytes);
    }
  }

  // Vendor 0 or 0xffff, or a header type that is none: configuration space never looks so. PCI 3.0 §6.1.
  void check_pci_config(const Field& leaf, Bytes bytes) {
    constexpr std::size_t header_type_at = 0x0e;
    if (bytes.size() < 64) return;
    const unsigned vendor = bytes[0] | static_cast<unsigned>(bytes[1]) << 8;
    const unsigned header_type = bytes[header_type_at] & 0x7f;
    if (vendor != 0 && vendor != 0xffff && header_type <= 2) return;
    problem(Code::pci_config_implausible, leaf.range,
            vendor == 0 || vendor == 0xffff ? "the vendor id is 0x" + std::string(vendor == 0 ? "0000" : "ffff")
                                            : "the header type is " + std::to_string(header_type),
            &leaf);
  }

  bool count_node(const Node& node) {
    constexpr std::size_t basic_nodes = 1024;
    constexpr std::size_t nodes_per_byte = 8;
    constexpr std::size_t most_text = 16u << 20;
    text_ += description_.text(node.name).size() + description_.text(node.type).size() + description_.text(node.description).size();
    const std::size_t most = std::min(limits_.fields_per_section, basic_nodes + nodes_per_byte * body_size_);
    if (++nodes_ <= most && text_ <= most_text) return true;
    problem(Code::limit_fields, {in_.position(), in_.remaining()},
            "more fields than " + std::to_string(body_size_) + " bytes explain; the rest is shown as bytes");
    return false;
  }

  bool beyond_body(const Node& field) {
    problem(Code::field_beyond_body, {in_.position(), in_.remaining()},
            "field '" + description_.text(field.name) + "' needs " + std::to_string(field.size) +
                (field.array_length > 1 ? " x " + std::to_string(field.array_length) : "") + " bytes, the section has " +
                std::to_string(in_.remaining()) + " left");
    return false;
  }

  void undescribed_rest() {
    Field gap;
    gap.kind = Field::Kind::gap;
    gap.name = "(not described)";
    gap.type = "bytes";
    gap.range = {in_.position(), in_.remaining()};
    in_.skip(in_.remaining(), "rest");
    // Where decoding stopped inside structures the rest belongs to the section, not to them.
    out_.tree.fields.push_back(std::move(gap));
  }

  void problem(Code code, ByteRange range, std::string message, const Field* leaf = nullptr) {
    if (out_.problems.size() >= limits_.findings_per_code) return;
    std::string path;
    for (const std::string& part : path_) path += (path.empty() ? "" : ".") + part;
    if (leaf != nullptr) path += (path.empty() ? "" : ".") + field_label(*leaf);
    out_.problems.push_back({code, range, std::move(path), std::move(message)});
  }

  const VmDescription& description_;
  Cursor in_;
  std::size_t body_size_;
  const Limits& limits_;
  DecodedBody& out_;
  std::vector<std::string> path_;
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;  ///< bytes of names that the tree holds
};

}  // namespace

DecodedBody decode_by_description(const VmDescription& description, VmDescription::NodeId device, Bytes body,
                                  Offset base, const Limits& limits) {
  DecodedBody out;
  out.tree.decoded_by = "description";
  Decoder(description, body, base, limits, out).device(device);
  return out;
}

FieldTree opaque_body(ByteRange range) {
  FieldTree tree;
  tree.decoded_by = "opaque";
  if (range.empty()) return tree;
  Field field;
  field.kind = Field::Kind::opaque;
  field.name = "data";
  field.type = "bytes";
  field.range = range;
  tree.fields.push_back(std::move(field));
  return tree;
}

}  // namespace vmstate
