// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "formats/base/field.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

Field scalar(std::string type, std::uint32_t count = 1) {
  Field field;
  field.kind = Field::Kind::scalar;
  field.name = "f";
  field.type = std::move(type);
  field.count = count;
  return field;
}
FieldValue value_of(const std::string& type, const ByteVector& bytes, std::uint32_t element = 0) {
  return field_value(scalar(type, element + 1), bytes, element);
}
FieldValue number(std::uint64_t value) { return value; }
FieldValue negative(std::int64_t value) { return value; }

// Spans do not compare.
bool same(const FieldValue& left, const FieldValue& right) {
  if (left.index() != right.index()) return false;
  if (const auto* bytes = std::get_if<Bytes>(&left)) return std::ranges::equal(*bytes, std::get<Bytes>(right));
  if (const auto* value = std::get_if<std::uint64_t>(&left)) return *value == std::get<std::uint64_t>(right);
  if (const auto* value = std::get_if<std::int64_t>(&left)) return *value == std::get<std::int64_t>(right);
  if (const auto* value = std::get_if<bool>(&left)) return *value == std::get<bool>(right);
  return true;
}

struct Case {
  std::string type;
  std::string bytes;
  FieldValue value;
};

TEST(FieldValue, ScalarsAreBigEndianWithTheirSign) {
  const std::vector<Case> cases{
      {"uint8", "fe", number(0xfe)},
      {"uint16", "fe01", number(0xfe01)},
      {"uint32", "fe010203", number(0xfe010203)},
      {"uint64", "fe01020304050607", number(0xfe01020304050607)},
      {"int8", "fe", negative(-2)},
      {"int8", "7f", negative(127)},
      {"int16", "fffe", negative(-2)},
      {"int16", "0102", negative(0x0102)},
      {"int32", "80000000", negative(-2147483648)},
      {"int32", "7fffffff", negative(2147483647)},
      {"int64", "8000000000000000", negative(std::numeric_limits<std::int64_t>::min())},
      {"int64", "ffffffffffffff85", negative(-123)},
      {"uint8 equal", "ff", number(0xff)},
      {"uint16 equal", "fffe", number(0xfffe)},
      {"uint32 equal", "ffffffff", number(0xffffffff)},
      {"uint64 equal", "ffffffffffffffff", number(~std::uint64_t{0})},
      {"int32 equal", "ffffffff", negative(-1)},
      {"int64 equal", "ffffffffffffffff", number(~std::uint64_t{0})},
      {"int32 le", "00000102", negative(0x0102)},
      {"timer", "ffffffffffffffff", negative(-1)},
      {"CPU_Double_U", "3ff0000000000000", number(0x3ff0000000000000)},
      {"float64", "3ff0000000000000", number(0x3ff0000000000000)},
      {"bool", "00", FieldValue(false)},
      {"bool", "01", FieldValue(true)},
      {"bool", "02", number(2)},
  };
  for (const Case& one : cases) {
    const ByteVector bytes = hex(one.bytes);
    EXPECT_EQ(scalar_size(one.type), bytes.size()) << one.type;
    EXPECT_TRUE(same(field_value(scalar(one.type), bytes), one.value)) << one.type << " " << one.bytes;
  }
}

TEST(FieldValue, UnknownTypesHaveNoSize) {
  for (const char* type : {"", "buffer", "struct", "uint128", "pci config", "UINT8", "uint8 "}) EXPECT_EQ(scalar_size(type), 0u) << type;
}

TEST(FieldValue, ElementsOfAnArrayAreTakenByNumber) {
  const ByteVector bytes = hex("0001 0002 ffff");
  EXPECT_TRUE(same(value_of("uint16", bytes, 0), number(1)));
  EXPECT_TRUE(same(value_of("uint16", bytes, 2), number(0xffff)));
  EXPECT_TRUE(same(value_of("int16", bytes, 2), negative(-1)));
}

TEST(FieldValue, ElementsBeyondTheBytesHaveNoValue) {
  const ByteVector bytes = hex("0001 00");
  EXPECT_TRUE(same(value_of("uint16", bytes, 1), FieldValue{}));
  EXPECT_TRUE(same(value_of("uint64", bytes), FieldValue{}));
  EXPECT_TRUE(same(value_of("uint8", {}), FieldValue{}));
  EXPECT_TRUE(same(value_of("uint64", bytes, 0xffffffff - 1), FieldValue{}));
}

TEST(FieldValue, BytesAreShownAsTheyAre) {
  const ByteVector bytes = hex("a0 a1 a2 a3 a4 a5");
  Field field;
  field.kind = Field::Kind::opaque;
  field.type = "buffer";
  EXPECT_TRUE(same(field_value(field, bytes), FieldValue(Bytes(bytes))));
  field.count = 3;
  EXPECT_TRUE(same(field_value(field, bytes, 1), FieldValue(Bytes(bytes).subspan(2, 2))));
  EXPECT_TRUE(same(field_value(field, bytes, 3), FieldValue(Bytes{})));
  field.kind = Field::Kind::structure;
  EXPECT_TRUE(same(field_value(field, bytes), FieldValue{}));
}

TEST(FieldWalk, VisitsParentsFirstAndJoinsPaths) {
  Field leaf = scalar("uint8");
  leaf.name = "x";
  Field element;
  element.kind = Field::Kind::structure;
  element.name = "regs";
  element.index = 3;
  element.fields = {leaf};
  Field part;
  part.kind = Field::Kind::subsection;
  part.name = "dev/extra";
  part.fields = {leaf};
  element.subsections = {part};
  FieldTree tree;
  tree.fields = {element};
  tree.subsections = {part};
  std::vector<std::string> paths;
  walk_fields(tree, [&](const std::string& path, const Field&) { paths.push_back(path); });
  EXPECT_EQ(paths, (std::vector<std::string>{"regs[3]", "regs[3].x", "regs[3]/dev/extra", "regs[3]/dev/extra.x", "dev/extra",
                                             "dev/extra.x"}));
  EXPECT_EQ(field_label(leaf), "x");
  EXPECT_EQ(field_label(leaf, 7), "x[7]");
}

}  // namespace
}  // namespace vmstate::test
