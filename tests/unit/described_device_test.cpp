// SPDX-License-Identifier: Apache-2.0
// Bodies decoded by a description: byte arrays line by line, then one thing wrong at a time.
#include <gtest/gtest.h>

#include <map>

#include "parsers/api/description.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

constexpr Offset base = 0x1000;

const std::string_view serial_description = R"({"page_size": 4096, "devices": [{"name": "serial", "instance_id": 0, "vmsd_name": "serial", "version": 3,
  "fields": [
    {"name": "divider", "type": "uint16", "size": 2},
    {"name": "rbr", "type": "uint8", "size": 1},
    {"name": "thr_ipending", "type": "bool", "size": 1},
    {"name": "fifo", "type": "struct", "struct": {"vmsd_name": "Fifo8", "version": 1, "fields": [
      {"name": "data", "type": "buffer", "size": 4}, {"name": "head", "type": "int32", "size": 4}]}, "size": 8},
    {"name": "latch", "array_len": 2, "type": "int16", "size": 2}],
  "subsections": [
    {"vmsd_name": "serial/timeout_ipending", "version": 1, "fields": [{"name": "timeout_ipending", "type": "int32", "size": 4}]}]}]})";

const ByteVector serial_body =
    hex("000c"            //  0 divider
        "5a"              //  2 rbr
        "01"              //  3 thr_ipending
        "f0f1f2f3"        //  4 fifo.data
        "ffffffff"        //  8 fifo.head
        "0001 8000"       // 12 latch
        "05 17 'serial/timeout_ipending' 00000001"  // 16, 29 bytes
        "00000007");      // 45 timeout_ipending

DecodedBody decode(const ByteVector& body, std::string_view text = serial_description, const Limits& limits = {},
                   BodyEncoding encoding = {}) {
  const auto description = VmDescription::parse(as_bytes(text), Limits{});
  EXPECT_TRUE(description.complete());
  return decode_by_description(description, description.device_node(0), body, base, encoding, limits);
}

// Every byte of the body is in exactly one leaf or subsection header. A gap behind subsections is listed with the fields.
void expect_tiles(const DecodedBody& decoded, std::size_t size) {
  std::map<Offset, std::uint64_t> pieces;
  walk_fields(decoded.tree, [&](const std::string& path, const Field& field) {
    const bool subsection = field.kind == Field::Kind::subsection;
    if (field.sentinel) {
      EXPECT_TRUE(pieces.try_emplace(field.range.end() - 1, 1u).second) << path;
    }
    if (field.kind == Field::Kind::structure || field.range.empty()) return;
    const bool added = pieces.try_emplace(field.range.offset, subsection ? field.header_size : field.range.size).second;
    EXPECT_TRUE(added) << path;
  });
  Offset next = base;
  for (const auto& [at, length] : pieces) {
    EXPECT_EQ(at, next);
    next = at + length;
  }
  EXPECT_EQ(next, base + size);
}

void expect_problem(const DecodedBody& decoded, Code code, ByteRange range, const std::string& field) {
  ASSERT_EQ(decoded.problems.size(), 1u);
  EXPECT_EQ(decoded.problems[0].code, code) << decoded.problems[0].message;
  EXPECT_EQ(decoded.problems[0].range, (ByteRange{base + range.offset, range.size})) << decoded.problems[0].message;
  EXPECT_EQ(decoded.problems[0].field, field);
}

Field field_at(const DecodedBody& decoded, const std::string& wanted) {
  Field found;
  walk_fields(decoded.tree, [&](const std::string& path, const Field& field) {
    if (path == wanted) found = field;
  });
  EXPECT_FALSE(found.name.empty()) << wanted;
  return found;
}
FieldValue value_at(const DecodedBody& decoded, const ByteVector& body, const std::string& path, std::uint32_t element = 0) {
  const Field field = field_at(decoded, path);
  return field_value(field, Bytes(body).subspan(field.range.offset - base, field.range.size), element);
}

TEST(DescribedDevice, DecodesEveryField) {
  const auto decoded = decode(serial_body);
  EXPECT_EQ(decoded.tree.decoded_by, "description");
  EXPECT_TRUE(decoded.problems.empty());
  expect_tiles(decoded, serial_body.size());
  EXPECT_EQ(value_at(decoded, serial_body, "divider").index(), 1u);
  EXPECT_EQ(std::get<std::uint64_t>(value_at(decoded, serial_body, "divider")), 12u);
  EXPECT_EQ(std::get<bool>(value_at(decoded, serial_body, "thr_ipending")), true);
  EXPECT_EQ(std::get<std::int64_t>(value_at(decoded, serial_body, "fifo.head")), -1);
  EXPECT_EQ(std::get<std::int64_t>(value_at(decoded, serial_body, "latch[0]", 1)), -32768);
  EXPECT_EQ(std::get<std::int64_t>(value_at(decoded, serial_body, "serial/timeout_ipending.timeout_ipending")), 7);
  const Field part = field_at(decoded, "serial/timeout_ipending");
  EXPECT_EQ(part.kind, Field::Kind::subsection);
  EXPECT_EQ(part.header_size, 29u);
  EXPECT_EQ(part.range, (ByteRange{base + 16, 33}));
  EXPECT_EQ(part.version, 1u);
}

TEST(DescribedDevice, ABooleanThatIsNone) {
  const auto decoded = decode(with_byte(serial_body, 3, 0x02));
  expect_problem(decoded, Code::bool_odd, {3, 1}, "thr_ipending");
  expect_tiles(decoded, serial_body.size());
}

TEST(DescribedDevice, AnotherSubsectionNameIsAMismatchAndTheRestAGap) {
  const auto decoded = decode(with_byte(serial_body, 20, 'X'));
  expect_problem(decoded, Code::subsection_mismatch, {16, 29}, "");
  expect_tiles(decoded, serial_body.size());
  const Field& last = decoded.tree.fields.back();
  EXPECT_EQ(last.kind, Field::Kind::gap);
  EXPECT_EQ(last.range, (ByteRange{base + 16, 33}));
}

TEST(DescribedDevice, AMissingSubsectionMark) {
  expect_problem(decode(with_byte(serial_body, 16, 0x04)), Code::subsection_mismatch, {16, 29}, "");
}

TEST(DescribedDevice, AnotherSubsectionVersionIsReportedAndReadOn) {
  const auto decoded = decode(with_byte(serial_body, 44, 0x02));
  expect_problem(decoded, Code::version_differs, {41, 4}, "");
  EXPECT_EQ(std::get<std::int64_t>(value_at(decoded, serial_body, "serial/timeout_ipending.timeout_ipending")), 7);
}

TEST(DescribedDevice, EveryLengthOfBodyIsTiled) {
  for (std::size_t size = 0; size < serial_body.size(); ++size) {
    SCOPED_TRACE(size);
    const auto decoded = decode(ByteVector(serial_body.begin(), serial_body.begin() + static_cast<std::ptrdiff_t>(size)));
    expect_tiles(decoded, size);
    ASSERT_EQ(decoded.problems.size(), 1u);
    const Code code = decoded.problems[0].code;
    EXPECT_TRUE(code == Code::field_beyond_body || code == Code::subsection_mismatch) << decoded.problems[0].message;
  }
}

TEST(DescribedDevice, BytesBehindTheDescriptionAreAGap) {
  const auto decoded = decode(serial_body + hex("de ad"));
  EXPECT_TRUE(decoded.problems.empty());
  expect_tiles(decoded, serial_body.size() + 2);
  EXPECT_EQ(decoded.tree.fields.back().kind, Field::Kind::gap);
  EXPECT_EQ(decoded.tree.fields.back().range, (ByteRange{base + serial_body.size(), 2}));
}

TEST(DescribedDevice, TheNumberOfNodesIsLimited) {
  Limits small;
  small.fields_per_section = 4;
  const auto decoded = decode(serial_body, serial_description, small);
  ASSERT_EQ(decoded.problems.size(), 1u);
  EXPECT_EQ(decoded.problems[0].code, Code::limit_fields);
  expect_tiles(decoded, serial_body.size());
}

TEST(DescribedDevice, DeepStructuresBecomeOpaqueAtTheLimit) {
  Limits shallow;
  shallow.nesting = 0;
  const auto decoded = decode(serial_body, serial_description, shallow);
  expect_tiles(decoded, serial_body.size());
  EXPECT_EQ(field_at(decoded, "fifo").kind, Field::Kind::opaque);
}

TEST(DescribedDevice, AScalarOfAnotherSizeIsOpaque) {
  const auto decoded = decode(ByteVector(3), R"({"devices": [{"name": "d", "instance_id": 0, "fields": [
    {"name": "odd", "type": "uint16", "size": 3}]}]})");
  EXPECT_EQ(field_at(decoded, "odd").kind, Field::Kind::opaque);
}

TEST(DescribedDevice, PciConfigurationSpaceMustBeOne) {
  const std::string_view text = R"({"devices": [{"name": "d", "instance_id": 0, "fields": [
    {"name": "config", "type": "pci config", "size": 256}]}]})";
  ByteVector config(256, 0);
  config[0] = 0x86;
  config[1] = 0x80;
  EXPECT_TRUE(decode(config, text).problems.empty());
  expect_problem(decode(with_byte(config, 0x0e, 0x03), text), Code::pci_config_implausible, {0, 256}, "config");
  EXPECT_TRUE(decode(with_byte(config, 0x0e, 0x82), text).problems.empty()) << "the top bit says multi-function";
  expect_problem(decode(ByteVector(256, 0), text), Code::pci_config_implausible, {0, 256}, "config");
  expect_problem(decode(ByteVector(256, 0xff), text), Code::pci_config_implausible, {0, 256}, "config");
}

TEST(DescribedDevice, OpaqueBodies) {
  const auto tree = opaque_body({base, 10});
  ASSERT_EQ(tree.fields.size(), 1u);
  EXPECT_EQ(tree.decoded_by, "opaque");
  EXPECT_EQ(tree.fields[0].range, (ByteRange{base, 10}));
  EXPECT_TRUE(opaque_body({base, 0}).fields.empty());
}

}  // namespace
}  // namespace vmstate::test
