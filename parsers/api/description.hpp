// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/base/bytes.hpp"
#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

/// The stream's own description ("vmdesc"): what the writer says it wrote for each FULL section.
/// Grammar and traps: docs/formats/description.md.
class VmDescription {
 public:
  /// Index of a node; `none` ends a sibling list.
  using NodeId = std::uint32_t;
  static constexpr NodeId none = ~NodeId{0};

  /// A device, a field, a nested body or a subsection: the JSON uses one vocabulary for all of them.
  struct Node {
    std::uint32_t name = 0;         ///< text ids, see text()
    std::uint32_t type = 0;
    std::uint32_t description = 0;  ///< "vmsd_name"
    std::uint32_t instance = 0;
    std::uint32_t version = 0;
    bool has_version = false;
    std::uint32_t array_length = 1;
    std::optional<std::uint32_t> index;
    std::uint64_t size = 0;         ///< bytes of one element; devices: only old-style ones say it
    std::uint64_t body_bytes = 0;   ///< of the nested fields and subsections
    std::uint64_t body_elements = 0;  ///< struct elements in the nested fields and subsections, at every depth
    bool has_size = false;
    bool has_body = false;          ///< describes nested fields, below "struct" or in place
    bool has_fields = false;        ///< a "fields" key was there: false marks the array-of-pointers defect
    bool repeated = false;          ///< "fields" stood more than once in the object (lists): not decodable by fields
    NodeId first_field = none, last_field = none;
    NodeId first_subsection = none, last_subsection = none;
    NodeId next = none;
  };

  /// Reads JSON text. Never fails: what stands before an error is kept and complete() says so.
  static VmDescription parse(Bytes text, const Limits& limits);

  bool complete() const { return !error_offset_.has_value() && !too_large_; }
  bool too_large() const { return too_large_; }
  /// Offset in the text where it stops being JSON.
  std::optional<std::size_t> error_offset() const { return error_offset_; }
  /// Bytes of the text up to the end of the JSON value.
  std::size_t text_size() const { return text_size_; }
  std::optional<std::uint64_t> page_size() const { return page_size_; }
  /// Whether the top-level keys are those of a description.
  bool plausible() const { return has_devices_; }

  /// Devices in the order of the stream. A device cut off by an error is not listed.
  const std::vector<DescribedDevice>& devices() const { return devices_; }
  NodeId device_node(std::size_t index) const { return device_nodes_[index]; }
  /// Position in devices() of the `occurrence`-th device so called, counting from 0.
  std::optional<std::size_t> find(std::string_view name, std::uint32_t instance, std::size_t occurrence = 0) const;

  /// Whether any instance of a device is called so.
  bool lists(std::string_view name) const { return device_names_.contains(name); }

  const Node& node(NodeId id) const { return nodes_[id]; }
  const std::string& text(std::uint32_t id) const { return texts_[id]; }
  /// Bytes on the wire: fields (or the stated size) and subsections with their headers. Saturates.
  std::uint64_t body_size(NodeId id) const { return nodes_[id].body_bytes; }
  /// Struct elements in the node's body at every depth: each is followed by a sentinel in version-4 streams. Saturates.
  std::uint64_t struct_elements(NodeId id) const { return nodes_[id].body_elements; }
  /// Whether a field is decoded as a nested body. Lists and trees frame their elements with markers that only `size`
  /// covers: such a field is one value.
  static bool is_nested(const Node& field) {
    return field.has_body && field.has_fields && !field.repeated && field.body_bytes == field.size;
  }
  /// Elements of a field that the bytes can bear out: a large array of nothing counts as one.
  static std::uint32_t credible_elements(const Node& field) {
    constexpr std::uint32_t most_empty = 1024;
    return field.size == 0 && field.array_length > most_empty ? 1 : field.array_length;
  }
  /// Whether a field is an embedded struct, whose elements version 4 ends with a sentinel each. Not so `tmp`, whose fields
  /// are the parent's, nor what a device's own code frames.
  bool is_struct_element(const Node& field) const;
  /// Whether any array in the node's body was described by its empty first element (QEMU before 10.0).
  bool has_writer_defect(NodeId id) const;

 private:
  friend class DescriptionBuilder;
  std::uint64_t sum_of_parts(const Node& node) const;
  std::uint64_t count_struct_elements(const Node& node) const;

  std::vector<Node> nodes_;
  std::vector<std::string> texts_{std::string()};
  std::unordered_map<std::string, std::uint32_t> text_ids_{{std::string(), 0}};
  std::vector<DescribedDevice> devices_;
  std::vector<NodeId> device_nodes_;
  std::set<std::string, std::less<>> device_names_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_name_;  // key: instance '/' name
  std::optional<std::uint64_t> page_size_;
  std::optional<std::size_t> error_offset_;
  std::size_t text_size_ = 0;
  bool has_devices_ = false;
  bool too_large_ = false;
};

/// What decoding a body by a description came to.
struct DecodeProblem {
  Code code;
  ByteRange range;      ///< in the stream
  std::string field;    ///< path
  std::string message;
};
struct DecodedBody {
  FieldTree tree;
  std::vector<DecodeProblem> problems;
};
/// How bodies are written in the stream at hand.
struct BodyEncoding {
  bool sentinels = false;  ///< a byte 0x06 behind each struct element (version 4)
};
/// Decodes a whole section body by its description. `base` is the stream offset of its first byte. Every byte of `body`
/// is in exactly one leaf or subsection header of the tree: what the description does not cover becomes a gap field.
DecodedBody decode_by_description(const VmDescription& description, VmDescription::NodeId device, Bytes body,
                                  Offset base, BodyEncoding encoding, const Limits& limits);
/// A body without description: one opaque field.
FieldTree opaque_body(ByteRange range);

}  // namespace vmstate
