// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/base/cursor.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

TEST(Cursor, ReadsBigEndianNumbersOneBehindTheOther) {
  const ByteVector bytes = hex("81  8283  84858687  88898a8b8c8d8e8f");
  Cursor in(bytes, 1000);
  EXPECT_EQ(in.u8("a"), 0x81u);
  EXPECT_EQ(in.be16("b"), 0x8283u);
  EXPECT_EQ(in.be32("c"), 0x84858687u);
  EXPECT_EQ(in.position(), 1007u);
  EXPECT_EQ(in.be64("d"), 0x88898a8b8c8d8e8fu);
  EXPECT_EQ(in.consumed(), 15u);
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_EQ(in.position(), 1015u);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.peek(), std::nullopt);
}

TEST(Cursor, RemembersTheFirstFieldThatWasMissingAndStaysThere) {
  const ByteVector bytes = hex("01 02 03");
  Cursor in(bytes);
  EXPECT_EQ(in.u8("first"), 1u);
  EXPECT_EQ(in.be32("second"), 0u);
  EXPECT_FALSE(in);
  EXPECT_EQ(in.u8("third"), 0u) << "two bytes are left but the cursor has failed";
  EXPECT_EQ(in.be16("fourth"), 0u);
  EXPECT_TRUE(in.take(1, "fifth").empty());
  in.skip(1, "sixth");
  EXPECT_EQ(in.failed_field(), "second");
  EXPECT_EQ(in.consumed(), 1u);
  EXPECT_EQ(in.remaining(), 2u);
}

TEST(Cursor, AFieldWithoutNameFailsToo) {
  Cursor in(Bytes{});
  EXPECT_EQ(in.u8(""), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(Cursor, CountedTextNeedsAllItsBytes) {
  const ByteVector bytes = hex("03 'abc' 00 04 'xyz'");
  Cursor in(bytes);
  EXPECT_EQ(in.counted_text("name"), "abc");
  EXPECT_EQ(in.counted_text("empty"), "");
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.counted_text("cut"), "");
  EXPECT_EQ(in.failed_field(), "cut");
}

TEST(Cursor, HugeCountsDoNotWrap) {
  const ByteVector bytes(16, 0);
  for (const std::uint64_t count : {std::uint64_t{17}, ~std::uint64_t{0}, ~std::uint64_t{0} - 15, std::uint64_t{1} << 63}) {
    Cursor in(bytes);
    in.skip(1, "one");
    EXPECT_TRUE(in.take(count, "huge").empty());
    EXPECT_FALSE(in.ok());
    EXPECT_EQ(in.consumed(), 1u);
  }
}

TEST(Cursor, TakingNothingAtTheEndIsGood) {
  const ByteVector bytes = hex("aa");
  Cursor in(bytes);
  EXPECT_EQ(in.take(1, "all").size(), 1u);
  EXPECT_TRUE(in.take(0, "nothing").empty());
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.rest().empty());
}

}  // namespace
}  // namespace vmstate::test
