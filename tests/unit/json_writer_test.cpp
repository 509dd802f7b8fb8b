// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "formats/encode/json_writer.hpp"

namespace vmstate::test {
namespace {

std::string written(const std::function<void(JsonWriter&)>& write) {
  std::string text;
  {
    JsonWriter json([&](std::string_view piece) { text += piece; });
    write(json);
  }
  return text;
}

TEST(JsonWriter, NestsAndIndents) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_object();
              json.member("a", 1);
              json.key("list");
              json.begin_array();
              json.value(true);
              json.null();
              json.begin_object();
              json.end_object();
              json.end_array();
              json.end_object();
            }),
            "{\n \"a\": 1,\n \"list\": [\n  true,\n  null,\n  {}\n ]\n}\n");
}

TEST(JsonWriter, EmptyListsAndObjectsStayOnOneLine) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_array();
              json.end_array();
            }),
            "[]\n");
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_object();
              json.end_object();
            }),
            "{}\n");
}

TEST(JsonWriter, EscapesWhatIsNotPrintableAsciiByteByByte) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_object();
              json.member(std::string_view("k\"\\\n"), std::string("\x01\x1f\x7f\x80\xff\t/ \"\\") + '\0' + "z");
              json.end_object();
            }),
            "{\n \"k\\\"\\\\\\u000a\": \"\\u0001\\u001f\\u007f\\u0080\\u00ff\\u0009/ \\\"\\\\\\u0000z\"\n}\n");
}

TEST(JsonWriter, WritesNumbersOf64Bits) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_array();
              json.value(std::numeric_limits<std::uint64_t>::max());
              json.value(std::numeric_limits<std::int64_t>::min());
              json.value(std::uint8_t{7});
              json.end_array();
            }),
            "[\n 18446744073709551615,\n -9223372036854775808,\n 7\n]\n");
}

TEST(JsonWriter, TextOfEveryKindIsText) {
  EXPECT_EQ(written([](JsonWriter& json) {
              json.begin_array();
              json.value("literal");
              json.value(std::string("string"));
              json.value(std::string_view("view"));
              json.value(false);
              json.end_array();
            }),
            "[\n \"literal\",\n \"string\",\n \"view\",\n false\n]\n");
}

TEST(JsonWriter, BytesAreHexadecimal) {
  const std::uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff};
  EXPECT_EQ(to_hex(bytes), "000ff0ff");
  EXPECT_EQ(to_hex({}), "");
  EXPECT_EQ(written([&](JsonWriter& json) {
              json.begin_array();
              json.hex(bytes);
              json.end_array();
            }),
            "[\n \"000ff0ff\"\n]\n");
}

TEST(JsonWriter, LongListsLeaveInPieces) {
  std::size_t largest = 0, pieces = 0, total = 0;
  {
    JsonWriter json([&](std::string_view piece) {
      largest = std::max(largest, piece.size());
      total += piece.size();
      ++pieces;
    });
    json.begin_array();
    for (int i = 0; i < 100000; ++i) json.value(i);
    json.end_array();
  }
  EXPECT_GT(pieces, 5u);
  EXPECT_LT(largest, 100000u);
  EXPECT_GT(total, 700000u);
}

}  // namespace
}  // namespace vmstate::test
