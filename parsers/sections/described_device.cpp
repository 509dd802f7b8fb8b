// SPDX-License-Identifier: Apache-2.0
// Device state by the stream's own description: docs/formats/description.md, "Reading a body".
#include <algorithm>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/description.hpp"
#include "parsers/sections/leaf_check.hpp"

namespace vmstate {
namespace {

using Node = VmDescription::Node;
using NodeId = VmDescription::NodeId;

constexpr std::size_t subsection_header_size = 1 + 1 + 4;  // without the name

class Decoder {
 public:
  Decoder(const VmDescription& description, Bytes body, Offset base, BodyEncoding encoding, const Limits& limits,
          DecodedBody& out)
      : description_(description), in_(body, base), body_size_(body.size()), encoding_(encoding), limits_(limits), out_(out) {}

  void device(NodeId id) {
    const Node& node = description_.node(id);
    if (encoding_.sentinels) plan_sentinels(id);
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
    if (description_.is_nested(field) && depth < limits_.nesting) {
      for (std::uint32_t i = 0; i < VmDescription::credible_elements(field); ++i)
        if (!structure(field, out, first ? std::optional(*first + i) : std::nullopt, depth)) return false;
      return true;
    }
    if (!count_node(field)) return false;
    Field leaf = named(field);
    const bool known = scalar_size(leaf.type) == field.size && field.size > 0;
    leaf.kind = known ? Field::Kind::scalar : Field::Kind::opaque;
    // Values without bytes are one value: nobody can tell how many there were.
    leaf.count = field.size == 0 ? 1 : field.array_length;
    leaf.index = first;
    leaf.range = {in_.position(), *total};
    const Bytes bytes = in_.take(*total, "field");
    if (auto odd = odd_value(leaf, bytes)) problem(odd->code, odd->range, std::move(odd->message), &leaf);
    out.push_back(std::move(leaf));
    return true;
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
    const bool ends = good && encoding_.sentinels && description_.is_struct_element(field);
    if (ends) made.sentinel = sentinel();
    made.range = ByteRange::between(made.range.offset, in_.position());
    out.push_back(std::move(made));
    if (ends) doubled_sentinel(out);
    path_.pop_back();
    return good;
  }

  // --- sentinels ----------------------------------------------------------------------------------------------------

  // How far the body is from the length that its description and one sentinel an element give: a lost or an added
  // sentinel explains a difference of one.
  void plan_sentinels(NodeId id) {
    const std::uint64_t expected = saturating_add(description_.body_size(id), description_.struct_elements(id));
    if (body_size_ + 1 == expected) lacks_one_ = true;
    if (body_size_ == expected + 1) find_doubled(id);
  }

  // The sentinel behind a struct element, at the cursor. False: another byte stands there, or none.
  bool sentinel() {
    const Offset at = in_.position();
    if (in_.remaining() > 0 && in_.rest()[0] == wire::qevm::sentinel) {
      in_.skip(1, "sentinel");
      return true;
    }
    const bool removed = lacks_one_ || in_.remaining() == 0;
    lacks_one_ = false;
    problem(removed ? Code::sentinel_missing : Code::sentinel_replaced, {at, removed ? 0u : 1u},
            removed ? "the sentinel of this struct is missing"
                    : "byte " + std::to_string(in_.rest()[0]) + " stands where the sentinel 6 of this struct belongs");
    if (!removed) in_.skip(1, "sentinel");
    return !removed;
  }

  void doubled_sentinel(std::vector<Field>& out) {
    if (!doubled_ || in_.position() != *doubled_) return;
    doubled_.reset();
    problem(Code::sentinel_doubled, {in_.position(), 1}, "a second sentinel follows '" + field_label(out.back()) + "'");
    out.push_back(gap(1));
  }

  // Where one byte more than expected stands in the body: behind the last sentinel with a 6 behind it up to which every
  // element ends in a sentinel in step, and behind which every one is one byte late.
  void find_doubled(NodeId id) {
    std::vector<std::uint64_t> places;
    std::uint64_t at = 0;
    sentinel_places(description_.node(id), at, places);
    const Bytes body = in_.rest();
    const auto is_sentinel = [&](std::uint64_t place) {
      return place < body.size() && body[static_cast<std::size_t>(place)] == wire::qevm::sentinel;
    };
    std::size_t late = places.size();  // from here on all stand one byte later
    while (late > 0 && is_sentinel(places[late - 1] + 1)) --late;
    std::size_t in_step = 0;  // up to here all stand where they belong
    while (in_step < places.size() && is_sentinel(places[in_step])) ++in_step;
    if (in_step == 0 || in_step < late || !is_sentinel(places[in_step - 1] + 1)) return;
    doubled_ = in_.position() + places[in_step - 1] + 1;
  }

  void sentinel_places(const Node& node, std::uint64_t& at, std::vector<std::uint64_t>& places) const {
    for (NodeId id = node.first_field; id != VmDescription::none; id = description_.node(id).next) {
      const Node& field = description_.node(id);
      if (!description_.is_nested(field) || (field.body_elements == 0 && !description_.is_struct_element(field))) {
        at = saturating_add(at, saturating_multiply(field.size, field.array_length));
        continue;
      }
      for (std::uint32_t i = 0; i < VmDescription::credible_elements(field) && at < body_size_; ++i) {
        sentinel_places(field, at, places);
        if (description_.is_struct_element(field)) places.push_back(at++);
      }
    }
    for (NodeId id = node.first_subsection; id != VmDescription::none; id = description_.node(id).next) {
      at += subsection_header_size + description_.text(description_.node(id).description).size();
      sentinel_places(description_.node(id), at, places);
    }
  }

  // ------------------------------------------------------------------------------------------------------------------

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

  // Where decoding stopped inside structures the rest belongs to the section, not to them.
  void undescribed_rest() { out_.tree.fields.push_back(gap(in_.remaining())); }

  Field gap(std::uint64_t size) {
    Field made;
    made.kind = Field::Kind::gap;
    made.name = "(not described)";
    made.type = "bytes";
    made.range = {in_.position(), size};
    in_.skip(size, "gap");
    return made;
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
  BodyEncoding encoding_;
  const Limits& limits_;
  DecodedBody& out_;
  std::vector<std::string> path_;
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;  ///< bytes of names that the tree holds
  bool lacks_one_ = false;         ///< the body is one byte shorter than expected, not explained yet
  std::optional<Offset> doubled_;  ///< of a sentinel too many
};

}  // namespace

DecodedBody decode_by_description(const VmDescription& description, VmDescription::NodeId device, Bytes body,
                                  Offset base, BodyEncoding encoding, const Limits& limits) {
  DecodedBody out;
  out.tree.decoded_by = "description";
  Decoder(description, body, base, encoding, limits, out).device(device);
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
