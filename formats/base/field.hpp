// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// One node of decoded device state. Leaves keep no value: it is read from the bytes by field_value().
struct Field {
  enum class Kind : std::uint8_t {
    scalar,      ///< integer or boolean; `count` equal elements of size/count bytes each
    opaque,      ///< bytes whose inside is not described (buffers, custom encoders)
    structure,   ///< nested body: fields, then subsections
    subsection,  ///< 0x05 record: header of `header_size` bytes, then fields and subsections
    gap          ///< bytes nobody described
  };
  Kind kind = Kind::opaque;
  std::string name;                         ///< as the description names it; subsections: their full name
  std::string type;                         ///< wire type ("uint32", "struct", "pci config", …)
  std::string description;                  ///< structures: name of the nested description
  std::uint32_t version = 0;                ///< structures and subsections
  std::optional<std::uint32_t> index;       ///< element number where an array stands element by element
  std::uint32_t count = 1;                  ///< elements of a scalar array kept as one node
  std::uint32_t header_size = 0;            ///< subsections: bytes of the record before its first field
  bool sentinel = false;                    ///< structures of version-4 streams: the last byte of range is the 0x06 behind the body
  ByteRange range;                          ///< in the stream, header and sentinel included
  std::vector<Field> fields;
  std::vector<Field> subsections;
};

/// Bytes behind the fields of a body that look like the record of a subsection and were not read as one. Some loaders do,
/// and refuse the section: docs/formats/vmstate_encoding.md.
struct SubsectionLookalike {
  ByteRange range;     ///< of the would-be header
  std::string parent;  ///< description of the body that it stands behind
  std::string field;   ///< path of that body, empty for the section's own
  std::string name;    ///< what it would be called
};

/// Decoded body of one section.
struct FieldTree {
  std::string decoded_by;  ///< "description", "layout:NAME", "opaque"
  std::vector<Field> fields;
  std::vector<Field> subsections;
  std::vector<SubsectionLookalike> lookalikes;  ///< in stream order
  bool certain = true;     ///< false: the bytes bear other structs just as well
};

/// Whether `field` is an embedded struct as a description knows them: version 4 ends each with a sentinel. Elements of
/// lists and trees and what a device's own code writes are none.
bool is_struct_element(const Field& field);
/// Where the struct elements of a body end, at every depth, in the order of the stream; a sentinel is not counted in.
std::vector<Offset> struct_ends(const FieldTree& tree);

/// An integer (signed or not), a boolean, a word, or bytes.
using FieldValue = std::variant<std::monostate, std::uint64_t, std::int64_t, bool, Bytes>;

/// Wire size in bytes of one element of a scalar type; 0 for types whose inside is not known.
std::uint32_t scalar_size(std::string_view type);
/// Value of element `element` of a leaf. `bytes` are the leaf's own bytes (range.size of them).
FieldValue field_value(const Field& field, Bytes bytes, std::uint32_t element = 0);

/// "name", "name[3]", as shown in paths.
std::string field_label(const Field& field, std::optional<std::uint32_t> element = std::nullopt);

/// Calls `visit(path, field)` for every node, parents first. Paths join labels with '.', subsections with '/'.
void walk_fields(const FieldTree& tree, const std::function<void(const std::string& path, const Field&)>& visit);

}  // namespace vmstate
