// SPDX-License-Identifier: Apache-2.0
// Every way in which some QEMU writes its description, and every way in which one can be broken: docs/formats/description.md.
#include <gtest/gtest.h>

#include "parsers/api/description.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

const Limits limits;

VmDescription parse(std::string_view text, const Limits& with = limits) { return VmDescription::parse(as_bytes(text), with); }
std::string in_device(const std::string& members) {
  return R"({"page_size": 4096, "devices": [{"name": "d", "instance_id": 3, "vmsd_name": "d", "version": 2, )" + members + "}]}";
}
std::string with_fields(const std::string& fields) { return in_device("\"fields\": [" + fields + "]"); }
std::uint64_t size_of(const VmDescription& description) { return description.body_size(description.device_node(0)); }

// "name[index] type offset+size" of each leaf, structures with their own lines around.
std::vector<std::string> shape(const VmDescription& description, const ByteVector& body, const Limits& with = limits) {
  const auto decoded = decode_by_description(description, description.device_node(0), body, 0, {}, with);
  std::vector<std::string> all;
  walk_fields(decoded.tree, [&](const std::string& path, const Field& field) {
    all.push_back(path + " " + field.type + (field.count > 1 ? " x" + std::to_string(field.count) : "") + " " +
                  std::to_string(field.range.offset) + "+" + std::to_string(field.range.size));
  });
  for (const auto& problem : decoded.problems) all.push_back(code_text(problem.code) + " " + problem.field);
  return all;
}
using Lines = std::vector<std::string>;

TEST(Description, ReadsDevicesInTheirOrder) {
  const auto description = parse(R"({"configuration": {"vmsd_name": "configuration", "version": 1, "fields": [{"name": "len",
    "type": "uint32", "size": 4}]}, "page_size": 1024, "devices": [
    {"name": "timer", "instance_id": 0, "vmsd_name": "timer", "version": 2, "fields": [{"name": "t", "type": "int64", "size": 8}]},
    {"name": "cpu", "instance_id": 1, "vmsd_name": "cpu", "version": 12, "fields": []}]})");
  EXPECT_TRUE(description.complete());
  EXPECT_TRUE(description.plausible());
  EXPECT_EQ(description.page_size(), 1024u);
  ASSERT_EQ(description.devices().size(), 2u);
  EXPECT_EQ(description.devices()[0].name, "timer");
  EXPECT_EQ(description.devices()[0].version, 2u);
  EXPECT_EQ(description.devices()[0].size, 8u);
  EXPECT_EQ(description.devices()[1].instance, 1u);
  EXPECT_EQ(description.devices()[1].size, 0u);
  EXPECT_EQ(description.find("cpu", 1), 1u);
  EXPECT_EQ(description.find("cpu", 0), std::nullopt);
}

TEST(Description, AnOldStyleDeviceHasASizeAndNoVersion) {
  const auto description = parse(R"({"devices": [{"name": "slirp", "instance_id": 0, "size": 9,
    "fields": [{"name": "data", "size": 9, "type": "buffer"}]}]})");
  ASSERT_EQ(description.devices().size(), 1u);
  EXPECT_EQ(description.devices()[0].version, std::nullopt);
  EXPECT_EQ(description.devices()[0].size, 9u);
}

TEST(Description, SizeIsThatOfOneElement) {
  const auto description = parse(with_fields(R"({"name": "a", "array_len": 3, "type": "uint16", "size": 2})"));
  EXPECT_EQ(size_of(description), 6u);
  EXPECT_EQ(shape(description, ByteVector(6)), Lines{"a[0] uint16 x3 0+6"});
}

TEST(Description, AStructuredArrayRepeatsItsElement) {
  const auto description = parse(with_fields(R"({"name": "a", "array_len": 2, "type": "struct", "struct":
    {"vmsd_name": "e", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}, {"name": "y", "type": "uint8", "size": 1}]},
    "size": 2})"));
  EXPECT_EQ(size_of(description), 4u);
  EXPECT_EQ(shape(description, ByteVector(4)),
            (Lines{"a[0] struct 0+2", "a[0].x uint8 0+1", "a[0].y uint8 1+1", "a[1] struct 2+2", "a[1].x uint8 2+1",
                   "a[1].y uint8 3+1"}));
}

TEST(Description, ArraysStandElementByElementWithIndex) {
  const auto description = parse(with_fields(R"({"name": "port", "index": 0, "type": "uint8", "size": 1},
    {"name": "port", "index": 1, "type": "uint8", "size": 1}, {"name": "port", "index": 2, "type": "uint16", "size": 2})"));
  EXPECT_EQ(shape(description, ByteVector(4)), (Lines{"port[0] uint8 0+1", "port[1] uint8 1+1", "port[2] uint16 2+2"}));
}

TEST(Description, ArraysOfPointersAreSplitAtTheirNullSlots) {
  // As QEMU 10.0 writes them: the same name again and again, counting goes on.
  const auto description = parse(with_fields(R"({"name": "css", "array_len": 2, "type": "nullptr", "size": 1},
    {"name": "css", "type": "struct", "struct": {"vmsd_name": "css", "version": 1, "fields": [{"name": "v", "type": "uint8", "size": 1}]},
     "size": 1}, {"name": "css", "array_len": 3, "type": "nullptr", "size": 1})"));
  EXPECT_EQ(size_of(description), 6u);
  EXPECT_EQ(shape(description, hex("30 30 07 30 30 30")),
            (Lines{"css[0] nullptr x2 0+2", "css[2] struct 2+1", "css[2].v uint8 2+1", "css[3] nullptr x3 3+3"}));
  EXPECT_EQ(shape(description, hex("30 30 07 30 30 99")).back(), "VMS0606 css[3]");
}

TEST(Description, MarkersOfPointersStandBetweenTheElements) {
  // As QEMU 11.1 writes them: a marker in front of each element.
  const auto description = parse(with_fields(R"({"name": "p", "index": 0, "type": "ptr-marker", "size": 1},
    {"name": "p", "index": 0, "type": "uint16", "size": 2}, {"name": "p", "index": 1, "type": "ptr-marker", "size": 1})"));
  const auto lines = shape(description, hex("31 0102 30"));
  EXPECT_EQ(lines, (Lines{"p[0] ptr-marker 0+1", "p[0] uint16 1+2", "p[1] ptr-marker 3+1"}));
  EXPECT_EQ(shape(description, hex("32 0102 30")).back(), "VMS0606 p[0]");
}

TEST(Description, AnEmptyStructOfAnArrayIsTheWriterDefect) {
  const auto description = parse(with_fields(R"({"name": "css", "array_len": 256, "type": "struct", "struct": {}, "size": 1})"));
  EXPECT_TRUE(description.complete());
  EXPECT_EQ(size_of(description), 256u);
  EXPECT_TRUE(description.has_writer_defect(description.device_node(0)));
}

TEST(Description, TheDefectIsFoundInsideStructsAndSubsections) {
  const std::string defect = R"({"name": "css", "array_len": 4, "type": "struct", "struct": {}, "size": 1})";
  const auto nested = parse(with_fields(R"({"name": "s", "type": "struct", "struct": {"vmsd_name": "s", "version": 1, "fields": [)" +
                                        defect + R"(]}, "size": 4})"));
  EXPECT_TRUE(nested.has_writer_defect(nested.device_node(0)));
  const auto subsection = parse(in_device(R"("fields": [], "subsections": [{"vmsd_name": "d/x", "version": 1, "fields": [)" + defect + "]}]"));
  EXPECT_TRUE(subsection.has_writer_defect(subsection.device_node(0)));
  const auto sound = parse(with_fields(R"({"name": "s", "type": "struct", "struct": {"vmsd_name": "s", "version": 1, "fields": []}, "size": 0})"));
  EXPECT_FALSE(sound.has_writer_defect(sound.device_node(0)));
}

TEST(Description, NestedFieldsMayStandInTheFieldItself) {
  // tmp and vstruct put them there, without "struct".
  for (const char* type : {"tmp", "vstruct"}) {
    const auto description = parse(with_fields(std::string(R"({"name": "fpreg", "type": ")") + type +
      R"(", "vmsd_name": "fpreg_tmp", "version": 1, "fields": [{"name": "mant", "type": "uint64", "size": 8},
        {"name": "exp", "type": "uint16", "size": 2}], "size": 10})"));
    EXPECT_EQ(size_of(description), 10u);
    EXPECT_EQ(shape(description, ByteVector(10)),
              (Lines{std::string("fpreg ") + type + " 0+10", "fpreg.mant uint64 0+8", "fpreg.exp uint16 8+2"}));
  }
}

TEST(Description, ListsRepeatTheirKeysAndStayWhole) {
  const auto description = parse(with_fields(R"({"name": "list", "type": "qtailq",
    "vmsd_name": "e", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}],
    "vmsd_name": "e", "version": 1, "fields": [{"name": "x", "type": "uint8", "size": 1}], "size": 5},
    {"name": "after", "type": "uint8", "size": 1})"));
  EXPECT_EQ(size_of(description), 6u);
  EXPECT_EQ(shape(description, ByteVector(6)), (Lines{"list qtailq 0+5", "after uint8 5+1"}));
}

TEST(Description, AListOfOneElementHasMarkersThatOnlyItsSizeCovers) {
  const auto description = parse(with_fields(R"({"name": "list", "type": "qtailq", "vmsd_name": "e", "version": 1,
    "fields": [{"name": "x", "type": "uint8", "size": 1}], "size": 3})"));
  EXPECT_EQ(shape(description, ByteVector(3)), Lines{"list qtailq 0+3"});
}

TEST(Description, FieldsOfSizeZeroTakeNothing) {
  const auto description = parse(with_fields(R"({"name": "mcast_list", "type": "buffer", "size": 0}, {"name": "b", "type": "uint8", "size": 1})"));
  EXPECT_EQ(size_of(description), 1u);
  EXPECT_EQ(shape(description, ByteVector(1)), (Lines{"mcast_list buffer 0+0", "b uint8 0+1"}));
}

TEST(Description, NamesMadeUniqueAreJustNames) {
  const auto description = parse(with_fields(R"({"name": "env.xmm_regs[0]", "array_len": 2, "type": "uint8", "size": 1},
    {"name": "env.xmm_regs[1]", "array_len": 2, "type": "uint8", "size": 1}, {"name": "cur_offset[1]", "type": "uint8", "size": 1})"));
  EXPECT_EQ(shape(description, ByteVector(5)),
            (Lines{"env.xmm_regs[0][0] uint8 x2 0+2", "env.xmm_regs[1][0] uint8 x2 2+2", "cur_offset[1] uint8 4+1"}));
}

TEST(Description, KeysMayComeInAnyOrder) {
  const auto description = parse(R"({"devices": [{"subsections": [{"fields": [{"size": 2, "type": "uint16", "name": "x"}], "version": 3,
    "vmsd_name": "d/sub"}], "fields": [{"size": 1, "name": "a", "array_len": 2, "type": "uint8"}], "version": 2, "vmsd_name": "d",
    "instance_id": 5, "name": "d"}], "page_size": 4096})");
  ASSERT_EQ(description.devices().size(), 1u);
  EXPECT_EQ(description.devices()[0].name, "d");
  EXPECT_EQ(description.devices()[0].instance, 5u);
  EXPECT_EQ(description.page_size(), 4096u);
  EXPECT_EQ(size_of(description), 2u + (1 + 1 + 5 + 4) + 2);
}

TEST(Description, UnknownKeysOfAnyShapeArePassedOver) {
  const auto description = parse(R"({"future": [[{"name": "x", "fields": [{"name": "no", "size": 9}]}]], "page_size": 4096, "devices": [{"name": "d",
    "new": {"fields": [{"name": "no", "size": 9}], "size": 77}, "instance_id": 1, "vmsd_name": "d", "version": 1,
    "fields": [{"name": "a", "type": "uint8", "note": ["size", {"size": 5}], "size": 1}]}]})");
  EXPECT_TRUE(description.complete());
  EXPECT_EQ(description.devices()[0].instance, 1u);
  EXPECT_EQ(size_of(description), 1u);
  EXPECT_EQ(shape(description, ByteVector(1)), Lines{"a uint8 0+1"});
}

TEST(Description, ValuesOfOddTypesChangeNothing) {
  const auto description = parse(R"({"page_size": "big", "devices": [{"name": 5, "instance_id": "3", "vmsd_name": null, "version": 2.5,
    "fields": [{"name": true, "type": 7, "array_len": -1, "size": "8"}, {"name": ["x"], "type": {"y": 1}, "size": 1e3}, 17, "text", null, [1]],
    "subsections": {"vmsd_name": "x"}}, 5, "device"]})");
  EXPECT_TRUE(description.complete());
  ASSERT_EQ(description.devices().size(), 1u);
  EXPECT_EQ(description.page_size(), std::nullopt);
  EXPECT_EQ(description.devices()[0].name, "");
  EXPECT_EQ(description.devices()[0].instance, 0u);
  EXPECT_EQ(description.devices()[0].version, std::nullopt);
  EXPECT_EQ(size_of(description), 0u);
}

TEST(Description, HugeNumbersSaturate) {
  const auto description = parse(with_fields(R"({"name": "a", "array_len": 4294967295, "type": "uint64", "size": 18446744073709551615},
    {"name": "b", "array_len": 99999999999, "type": "uint8", "size": 1})"));
  EXPECT_EQ(size_of(description), ~std::uint64_t{0});
  const auto lines = shape(description, ByteVector(16));
  ASSERT_EQ(lines.size(), 2u) << "no element is made that has no bytes";
  EXPECT_EQ(lines[0], "(not described) bytes 0+16");
  EXPECT_EQ(lines[1], "VMS0602 ");
}

TEST(Description, AHugeArrayOfNothingCostsNothing) {
  const auto description = parse(with_fields(R"({"name": "a", "array_len": 4294967295, "type": "struct", "struct":
    {"vmsd_name": "e", "version": 1, "fields": [{"name": "x", "type": "buffer", "size": 0}]}, "size": 0})"));
  Limits small;
  small.fields_per_section = 100;
  const auto lines = shape(description, ByteVector(3), small);
  EXPECT_LE(lines.size(), 4u);
}

TEST(Description, DevicesOfOneNameAreFoundByOccurrence) {
  const auto description = parse(R"({"devices": [{"name": "slirp", "instance_id": 0, "size": 1, "fields": []},
    {"name": "x", "instance_id": 0, "fields": []}, {"name": "slirp", "instance_id": 0, "size": 2, "fields": []}]})");
  EXPECT_EQ(description.find("slirp", 0, 0), 0u);
  EXPECT_EQ(description.find("slirp", 0, 1), 2u);
  EXPECT_EQ(description.find("slirp", 0, 9), 2u) << "the last one stands for all further ones";
}

TEST(Description, InstanceAndNameAreNotMixedUp) {
  const auto description = parse(R"({"devices": [{"name": "1/a", "instance_id": 0, "fields": []}, {"name": "a", "instance_id": 1, "fields": []}]})");
  EXPECT_EQ(description.find("1/a", 0), 0u);
  EXPECT_EQ(description.find("a", 1), 1u);
  EXPECT_EQ(description.find("a", 0), std::nullopt);
}

TEST(Description, SubsectionsCountWithTheirHeaders) {
  const auto description = parse(in_device(R"("fields": [{"name": "a", "type": "uint8", "size": 1}], "subsections": [
    {"vmsd_name": "d/one", "version": 1, "fields": [{"name": "x", "type": "uint16", "size": 2}], "subsections": [
      {"vmsd_name": "d/one/two", "version": 4, "fields": []}]}])"));
  EXPECT_EQ(size_of(description), 1u + (6 + 5 + 2) + (6 + 9));
  const ByteVector body = hex("aa  05 05 'd/one' 00000001  0102  05 09 'd/one/two' 00000004");
  EXPECT_EQ(shape(description, body), (Lines{"a uint8 0+1", "d/one subsection 1+28", "d/one.x uint16 12+2", "d/one/d/one/two subsection 14+15"}));
}

TEST(Description, CutAtEveryByteItKeepsTheDevicesInFront) {
  const std::string text = R"({"page_size": 4096, "devices": [{"name": "a", "instance_id": 0, "vmsd_name": "a", "version": 1, "fields": [)"
    R"({"name": "x\u0041", "type": "uint8", "size": 1}]}, {"name": "b", "instance_id": 0, "vmsd_name": "b", "version": 1, "fields": []}]})";
  const auto end_of = [&](const char* what) { return text.find(what); };
  const std::size_t first_end = end_of("]}, {\"name\": \"b\"") + 2;
  const std::size_t second_end = text.size() - 2;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto description = parse(text.substr(0, size));
    EXPECT_FALSE(description.complete()) << size;
    EXPECT_EQ(description.error_offset(), size) << size;
    EXPECT_EQ(description.devices().size(), (size >= first_end ? 1u : 0u) + (size >= second_end ? 1u : 0u)) << size;
  }
  EXPECT_TRUE(parse(text).complete());
}

TEST(Description, ATextThatStopsBeingJsonIsKnownToThatByte) {
  const std::string good = R"({"page_size": 4096, "devices": [{"name": "a", "instance_id": 0, "fields": []}, )";
  const auto description = parse(good + "}broken");
  EXPECT_FALSE(description.complete());
  EXPECT_EQ(description.error_offset(), good.size());
  EXPECT_EQ(description.devices().size(), 1u);
}

TEST(Description, WhatFollowsTheJsonIsNotRead) {
  const std::string good = with_fields("");
  const auto description = parse(good + std::string("\0\0garbage", 9));
  EXPECT_TRUE(description.complete());
  EXPECT_EQ(description.text_size(), good.size());
}

TEST(Description, BytesThatAreNoTextAreErrorsNotCrashes) {
  for (const char* text : {"", "\xff\xfe", "[]", "5", "null", "\"x\"", "{\"devices\": 5}", "{\"devices\": {}}", "{\"a\": \"\xff\x80\"}"}) {
    const auto description = parse(text);
    EXPECT_TRUE(description.devices().empty()) << text;
    EXPECT_FALSE(description.plausible()) << text;
  }
}

TEST(Description, NestingIsLimited) {
  std::string text = R"({"devices": [{"name": "d", "instance_id": 0, "fields": )";
  for (int i = 0; i < 100000; ++i) text += R"([{"name": "s", "struct": {"fields": )";
  const auto description = parse(text);
  EXPECT_FALSE(description.complete());
  EXPECT_TRUE(description.devices().empty());
}

TEST(Description, NestingUpToTheLimitIsDecoded) {
  std::string fields = R"({"name": "leaf", "type": "uint8", "size": 1})";
  for (unsigned i = 0; i < limits.nesting - 1; ++i)
    fields = R"({"name": "s", "type": "struct", "struct": {"vmsd_name": "s", "version": 1, "fields": [)" + fields + R"(]}, "size": 1})";
  const auto description = parse(with_fields(fields));
  EXPECT_TRUE(description.complete());
  EXPECT_EQ(size_of(description), 1u);
  const auto lines = shape(description, ByteVector(1));
  EXPECT_EQ(lines.size(), limits.nesting);
  EXPECT_NE(lines.back().find(".leaf uint8 0+1"), std::string::npos);
}

TEST(Description, TheNumberOfFieldsIsLimited) {
  Limits small;
  small.description_fields = 10;
  std::string fields;
  for (int i = 0; i < 20; ++i) fields += std::string(i == 0 ? "" : ",") + R"({"name": "f", "type": "uint8", "size": 1})";
  const auto description = parse(with_fields(fields), small);
  EXPECT_TRUE(description.too_large());
  EXPECT_FALSE(description.complete());
}

TEST(Description, LongNamesAreRead) {
  const std::string name(200, 'n');
  const auto description = parse(R"({"devices": [{"name": ")" + name + R"(", "instance_id": 0, "fields": []}]})");
  ASSERT_EQ(description.devices().size(), 1u);
  EXPECT_EQ(description.devices()[0].name, name);
}

TEST(Description, EscapesInNamesAreResolved) {
  const auto description = parse(R"({"devices": [{"name": "a\"\\\u0062", "instance_id": 0, "fields": []}]})");
  ASSERT_EQ(description.devices().size(), 1u);
  EXPECT_EQ(description.devices()[0].name, "a\"\\b");
}

TEST(Description, IndentedTextOfOldVersionsIsTheSame) {
  const auto description = parse("{\n    \"page_size\": 4096,\n    \"devices\": [\n        {\n            \"name\": \"d\",\n"
                                 "            \"instance_id\": 0,\n            \"fields\": [\n            ]\n        }\n    ]\n}");
  EXPECT_TRUE(description.complete());
  EXPECT_EQ(description.devices().size(), 1u);
}

}  // namespace
}  // namespace vmstate::test
