// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/api/record_probe.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

ByteVector full(std::string_view name, std::uint32_t version = 1, std::uint32_t instance = 0, std::uint32_t id = 3) {
  return StreamBuilder().full(id, name, version, instance).bytes();
}

TEST(CredibleName, IsPrintableAndNotEmpty) {
  EXPECT_TRUE(credible_name("ram"));
  EXPECT_TRUE(credible_name("0000:00:02.0/vga (rev 2)"));
  EXPECT_TRUE(credible_name(std::string(255, 'x')));
  EXPECT_FALSE(credible_name(""));
  EXPECT_FALSE(credible_name(std::string(256, 'x')));
  EXPECT_FALSE(credible_name(" ram"));
  EXPECT_FALSE(credible_name("ram "));
  EXPECT_FALSE(credible_name("r\x7fm"));
  EXPECT_FALSE(credible_name("r\nm"));
  EXPECT_FALSE(credible_name("r\x80m"));
}

TEST(CredibleLongHeader, ReadsWhatIsThere) {
  const auto bytes = StreamBuilder().start(7, "ram", 4, 2).u8(0xff).bytes();
  const auto header = credible_long_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, 1u);
  EXPECT_EQ(header->id, 7u);
  EXPECT_EQ(header->name, "ram");
  EXPECT_EQ(header->instance, 2u);
  EXPECT_EQ(header->version, 4u);
  EXPECT_EQ(header->size, bytes.size() - 1);
}

TEST(CredibleLongHeader, RefusesEveryCut) {
  const auto bytes = full("timer");
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(credible_long_header(Bytes(bytes).first(size))) << size;
  EXPECT_TRUE(credible_long_header(bytes));
}

TEST(CredibleLongHeader, RefusesNumbersOutOfProportion) {
  EXPECT_TRUE(credible_long_header(full("x", 0xffff, 0x1000000, 0x1000000)));
  EXPECT_FALSE(credible_long_header(full("x", 0x10000)));
  EXPECT_FALSE(credible_long_header(full("x", 1, 0x1000001)));
  EXPECT_FALSE(credible_long_header(full("x", 1, 0, 0x1000001)));
  EXPECT_FALSE(credible_long_header(full("")));
  EXPECT_FALSE(credible_long_header(with_byte(full("timer"), 0, 2)));
  EXPECT_FALSE(credible_long_header(with_byte(full("timer"), 0, 5)));
}

TEST(LikelyLongHeader, IsStricter) {
  EXPECT_TRUE(likely_long_header(full("0000:00:01.3/piix4_pm", 3)));
  EXPECT_FALSE(likely_long_header(full("x")));
  EXPECT_FALSE(likely_long_header(full("1234")));
  EXPECT_FALSE(likely_long_header(full("ab*c")));
  EXPECT_FALSE(likely_long_header(full("abc", 4096)));
  EXPECT_FALSE(likely_long_header(full("abc", 1, 0, 0x10000)));
}

TEST(CredibleRecord, KnowsEachKind) {
  const std::vector<std::uint32_t> open{2, 9};
  EXPECT_TRUE(credible_record(full("timer"), {}, false));
  EXPECT_TRUE(credible_record(StreamBuilder().part(9).bytes(), open, false));
  EXPECT_TRUE(credible_record(StreamBuilder().end(2).bytes(), open, false));
  EXPECT_FALSE(credible_record(StreamBuilder().part(3).bytes(), open, false));
  EXPECT_FALSE(credible_record(hex("02 00 00 00"), open, false));
  EXPECT_TRUE(credible_record(StreamBuilder().command(2, hex("00000001")).bytes(), {}, false));
  EXPECT_FALSE(credible_record(StreamBuilder().command(2, hex("0001")).bytes(), {}, false)) << "a ping has four bytes";
  EXPECT_FALSE(credible_record(StreamBuilder().command(0).bytes(), {}, false));
  EXPECT_FALSE(credible_record(StreamBuilder().command(99).bytes(), {}, false));
  EXPECT_FALSE(credible_record(StreamBuilder().footer(3).bytes(), {}, false));
  EXPECT_FALSE(credible_record(hex("05 00"), {}, false));
}

TEST(CredibleRecord, AnEndOfStreamNeedsWhatFollowsIt) {
  EXPECT_TRUE(credible_record({}, {}, true));
  EXPECT_FALSE(credible_record({}, {}, false));
  EXPECT_TRUE(credible_record(hex("00"), {}, true));
  EXPECT_FALSE(credible_record(hex("00"), {}, false));
  EXPECT_TRUE(credible_record(hex("00 00 00"), {}, true));
  EXPECT_FALSE(credible_record(hex("00 00 00"), {}, false));
  EXPECT_FALSE(credible_record(hex("00 00 01"), {}, true));
  EXPECT_TRUE(credible_record(StreamBuilder().eof().description().bytes(), {}, false));
}

TEST(IsFooterOf, NeedsTheId) {
  EXPECT_TRUE(is_footer_of(hex("7e 00000003"), 3));
  EXPECT_FALSE(is_footer_of(hex("7e 00000003"), 4));
  EXPECT_FALSE(is_footer_of(hex("7e 000000"), 0));
  EXPECT_FALSE(is_footer_of(hex("7f 00000003"), 3));
}

TEST(IsDescriptionText, KnowsTheFirstKeysOfAllVersions) {
  for (const char* text : {"{\"page_size\": 4096", "{\"devices\": [", "{\"configuration\": {", "{\n    \"page_size\"", "{\"vmsd_name\""})
    EXPECT_TRUE(is_description_text(as_bytes(text))) << text;
  for (const char* text : {"", "{", "[\"page_size\"", "{page_size", "{\"pages\"", "{}"}) EXPECT_FALSE(is_description_text(as_bytes(text))) << text;
}

TEST(IsDescribedEnd, NeedsEndByteLengthAndText) {
  const auto good = StreamBuilder().eof().description().bytes();
  EXPECT_TRUE(is_described_end(good));
  EXPECT_FALSE(is_described_end(with_byte(good, 0, 1)));
  EXPECT_FALSE(is_described_end(with_byte(good, 1, 7)));
  EXPECT_FALSE(is_described_end(with_byte(good, 6, '[')));
  EXPECT_FALSE(is_described_end(Bytes(good).first(6)));
}

}  // namespace
}  // namespace vmstate::test
