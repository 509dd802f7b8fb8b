// SPDX-License-Identifier: Apache-2.0
#include "formats/base/field.hpp"

#include <algorithm>
#include <array>

namespace vmstate {
namespace {

enum class Reading : std::uint8_t { unsigned_integer, signed_integer, boolean };
struct ScalarType {
  std::string_view name;
  std::uint32_t size;
  Reading reading;
};
// Source: docs/formats/vmstate_encoding.md, "Scalar types".
constexpr std::array scalar_types{
    ScalarType{"bool", 1, Reading::boolean},
    ScalarType{"int8", 1, Reading::signed_integer},
    ScalarType{"int16", 2, Reading::signed_integer},
    ScalarType{"int32", 4, Reading::signed_integer},
    ScalarType{"int64", 8, Reading::signed_integer},
    ScalarType{"uint8", 1, Reading::unsigned_integer},
    ScalarType{"uint16", 2, Reading::unsigned_integer},
    ScalarType{"uint32", 4, Reading::unsigned_integer},
    ScalarType{"uint64", 8, Reading::unsigned_integer},
    ScalarType{"uint8 equal", 1, Reading::unsigned_integer},
    ScalarType{"uint16 equal", 2, Reading::unsigned_integer},
    ScalarType{"int32 equal", 4, Reading::signed_integer},
    ScalarType{"uint32 equal", 4, Reading::unsigned_integer},
    ScalarType{"int64 equal", 8, Reading::unsigned_integer},  // QEMU's name of the unsigned type
    ScalarType{"uint64 equal", 8, Reading::unsigned_integer},
    ScalarType{"int32 le", 4, Reading::signed_integer},  // "less or equal", big-endian like the rest
    ScalarType{"timer", 8, Reading::signed_integer},
    ScalarType{"CPU_Double_U", 8, Reading::unsigned_integer},
    ScalarType{"float64", 8, Reading::unsigned_integer},
};

const ScalarType* find_scalar(std::string_view type) {
  const auto it = std::ranges::find(scalar_types, type, &ScalarType::name);
  return it == scalar_types.end() ? nullptr : &*it;
}

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (const auto byte : bytes) value = value << 8 | byte;
  return value;
}

std::int64_t sign_extended(std::uint64_t value, std::uint32_t size) {
  const unsigned shift = 64 - 8 * size;
  return static_cast<std::int64_t>(value << shift) >> shift;
}

void walk(const Field& field, const std::string& path,
          const std::function<void(const std::string&, const Field&)>& visit) {
  visit(path, field);
  for (const Field& inner : field.fields) walk(inner, path + "." + field_label(inner), visit);
  for (const Field& inner : field.subsections) walk(inner, path + "/" + inner.name, visit);
}

void add_struct_ends(const std::vector<Field>& fields, std::vector<Offset>& ends) {
  for (const Field& field : fields) {
    add_struct_ends(field.fields, ends);
    add_struct_ends(field.subsections, ends);
    if (is_struct_element(field)) ends.push_back(field.range.end() - (field.sentinel ? 1 : 0));
  }
}

}  // namespace

std::uint32_t scalar_size(std::string_view type) {
  const ScalarType* scalar = find_scalar(type);
  return scalar == nullptr ? 0 : scalar->size;
}

FieldValue field_value(const Field& field, Bytes bytes, std::uint32_t element) {
  if (field.kind != Field::Kind::scalar && field.kind != Field::Kind::opaque && field.kind != Field::Kind::gap) return {};
  const ScalarType* scalar = field.kind == Field::Kind::scalar ? find_scalar(field.type) : nullptr;
  if (scalar == nullptr) {
    const std::size_t each = field.count > 1 ? bytes.size() / field.count : bytes.size();
    const std::size_t from = std::min(bytes.size(), each * element);
    return bytes.subspan(from, std::min(each, bytes.size() - from));
  }
  const std::size_t from = std::size_t{scalar->size} * element;
  if (from + scalar->size > bytes.size()) return {};
  const std::uint64_t value = big_endian(bytes.subspan(from, scalar->size));
  switch (scalar->reading) {
    case Reading::boolean:
      if (value > 1) return value;
      return value == 1;
    case Reading::signed_integer: return sign_extended(value, scalar->size);
    case Reading::unsigned_integer: return value;
  }
  return {};
}

std::string field_label(const Field& field, std::optional<std::uint32_t> element) {
  const auto index = element ? element : field.index;
  return index ? field.name + "[" + std::to_string(*index) + "]" : field.name;
}

bool is_struct_element(const Field& field) {
  return field.kind == Field::Kind::structure && (field.type == "struct" || field.type == "vstruct");
}

std::vector<Offset> struct_ends(const FieldTree& tree) {
  std::vector<Offset> ends;
  add_struct_ends(tree.fields, ends);
  add_struct_ends(tree.subsections, ends);
  return ends;
}

void walk_fields(const FieldTree& tree, const std::function<void(const std::string&, const Field&)>& visit) {
  for (const Field& field : tree.fields) walk(field, field_label(field), visit);
  for (const Field& field : tree.subsections) walk(field, field.name, visit);
}

}  // namespace vmstate
