// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/page_content.hpp"

#include <gtest/gtest.h>

#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

TEST(PageContent, DeltasKeepAndChangeRuns) {
  ByteVector page(8, 0x10);
  EXPECT_TRUE(apply_delta(hex("01 0005  01 02 a1a2  02 01 b1"), page));
  EXPECT_EQ(page, hex("10 a1a2 1010 b1 1010"));
  EXPECT_TRUE(apply_delta(hex("01 0003  00 01 c1"), page));
  EXPECT_EQ(page[0], 0xc1);
}

TEST(PageContent, DamagedDeltasNeverLeaveThePage) {
  for (const char* delta : {"01 0002 01", "01 0003 00 04 a1", "01 0003 07 02 a1a2", "01 0003 ff7f 01 a1", "01 0002 80", "01"}) {
    ByteVector page(8, 0x10);
    EXPECT_FALSE(apply_delta(hex(delta), page)) << delta;
  }
}

TEST(PageContent, RecordsOfWholePages) {
  PageContent content;
  RamPage record{};
  record.kind = RamKind::fill;
  record.fill = 0x42;
  const Bytes filled = content.whole(record, {}, 256);
  EXPECT_EQ(ByteVector(filled.begin(), filled.end()), ByteVector(256, 0x42));
  record.kind = RamKind::compressed;
  EXPECT_TRUE(content.whole(record, hex("00000003 010203"), 256).empty()) << "not zlib";
  EXPECT_TRUE(content.whole(record, hex("0000"), 256).empty());
  record.kind = RamKind::xbzrle;
  EXPECT_TRUE(content.whole(record, hex("010000"), 256).empty()) << "a delta is no page";
}

}  // namespace
}  // namespace vmstate::test
