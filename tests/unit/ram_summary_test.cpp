// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/inspect/ram_summary.hpp"

namespace vmstate::test {
namespace {

class RamSummaryTest : public testing::Test {
 protected:
  Limits limits;
  Findings findings{limits};
  RamSummary ram{findings, limits};
  EventSink& sink = ram;
  std::vector<RamBlock> blocks;

  void begin_ram() {
    SectionHeader header;
    header.name = "ram";
    header.range = {100, 20};
    sink.on(SectionBegin{header, {}});
  }
  void list(std::vector<RamBlock> all) {
    blocks = std::move(all);
    sink.on(RamBlocks{blocks});
  }
  static RamBlock block(std::string name, std::uint64_t size) { return {std::move(name), size, {}, {}, {}}; }
  static RamPage page(std::uint32_t block, std::uint64_t offset, RamKind kind) { return {offset, 0, block, 0, 8, kind, 0}; }
  void pages(const std::vector<RamPage>& all) { sink.on(RamPages{all, {}, {}}); }
  void end(StreamEndKind kind = StreamEndKind::eof) { sink.on(StreamEnd{kind, 0, true, true, 4096}); }
  std::vector<std::string> codes() const {
    std::vector<std::string> all;
    for (const Finding& finding : findings.all()) all.push_back(code_text(finding.code));
    return all;
  }
};

TEST_F(RamSummaryTest, CountsThePagesByTheirLastRecord) {
  begin_ram();
  list({block("pc.ram", 0x5000), block("vga", 0x1000)});
  pages({page(0, 0x0000, RamKind::data), page(0, 0x1000, RamKind::zero), page(0, 0x2000, RamKind::fill)});
  pages({page(0, 0x3000, RamKind::compressed), page(0, 0x4000, RamKind::data), page(1, 0, RamKind::zero)});
  pages({page(0, 0x0000, RamKind::xbzrle), page(0, 0x1000, RamKind::data), page(0, 0, RamKind::eos)});
  end();
  const auto first = ram.blocks()[0].pages();
  EXPECT_EQ(first.data, 2u);
  EXPECT_EQ(first.zero, 0u);
  EXPECT_EQ(first.fill, 1u);
  EXPECT_EQ(first.xbzrle, 1u);
  EXPECT_EQ(first.compressed, 1u);
  EXPECT_EQ(first.never_sent, 0u);
  EXPECT_EQ(ram.blocks()[0].records, 7u);
  EXPECT_EQ(ram.blocks()[0].resent, 2u);
  EXPECT_EQ(ram.blocks()[1].pages().zero, 1u);
  EXPECT_TRUE(codes().empty()) << findings.all().front().message;
}

TEST_F(RamSummaryTest, SaysWhichBlockLacksPages) {
  begin_ram();
  list({block("pc.ram", 0x4000), block("vga", 0x2000)});
  pages({page(0, 0x0000, RamKind::data), page(0, 0x1000, RamKind::data), page(0, 0x3000, RamKind::data)});
  pages({page(1, 0x0000, RamKind::data), page(1, 0x1000, RamKind::data)});
  end();
  ASSERT_EQ(codes(), std::vector<std::string>{"VMS0410"});
  const Finding& finding = findings.all().front();
  EXPECT_EQ(finding.message, "1 of 4 pages of block 'pc.ram' were never sent, the first at 0x2000");
  EXPECT_EQ(finding.range, (ByteRange{100, 20}));
  EXPECT_EQ(finding.hint, "");
}

TEST_F(RamSummaryTest, OneTwiceAndOneNeverMayBeADamagedAddress) {
  begin_ram();
  list({block("pc.ram", 0x3000)});
  pages({page(0, 0x0000, RamKind::data), page(0, 0x1000, RamKind::data), page(0, 0x1000, RamKind::data)});
  end();
  EXPECT_EQ(codes(), (std::vector<std::string>{"VMS0410", "VMS0418"}));
}

TEST_F(RamSummaryTest, LostBytesExplainMissingPages) {
  begin_ram();
  list({block("pc.ram", 0x2000)});
  pages({page(0, 0x0000, RamKind::data)});
  sink.on(Gap{Gap::Kind::lost, {0, 1}, ""});
  end();
  ASSERT_EQ(codes(), std::vector<std::string>{"VMS0410"});
  EXPECT_NE(findings.all().front().hint, "");
}

TEST_F(RamSummaryTest, ATruncatedStreamIsNotJudged) {
  begin_ram();
  list({block("pc.ram", 0x4000)});
  end(StreamEndKind::truncated);
  EXPECT_TRUE(codes().empty());
}

TEST_F(RamSummaryTest, AStreamWithoutRamIsNotJudged) {
  end();
  EXPECT_TRUE(codes().empty());
}

TEST_F(RamSummaryTest, MarksOfMultifdRoundsMeanThatRamIsElsewhere) {
  begin_ram();
  list({block("pc.ram", 0x3000)});
  pages({page(0, 0x1000, RamKind::zero), page(0, 0, RamKind::flush), page(0, 0, RamKind::eos)});
  end();
  EXPECT_EQ(codes(), std::vector<std::string>{"VMS0411"});
}

TEST_F(RamSummaryTest, SharedBlocksAreElsewhereOnPurpose) {
  Configuration configuration{};
  configuration.capabilities = {"x-ignore-shared"};
  sink.on(configuration);
  begin_ram();
  list({block("shared", 0x2000), block("vga", 0x2000)});
  pages({page(1, 0x0000, RamKind::data)});
  end();
  EXPECT_EQ(codes(), (std::vector<std::string>{"VMS0414", "VMS0410"}));
}

TEST_F(RamSummaryTest, BitmapsOfMappedBlocksSayWhatIsStored) {
  RamBlock mapped = block("pc.ram", 0xa000);
  mapped.mapped = RamBlock::Mapped{0x1000, {200, 8}, {4096, 0xa000}, 0, false};
  begin_ram();
  list({mapped});
  const std::uint8_t bits[] = {0x05, 0x02, 0, 0, 0, 0, 0, 0};  // pages 0, 2, 9; ten in all
  sink.on(RamMappedBitmap{0, 0, {200, 8}, bits});
  end();
  EXPECT_EQ(ram.blocks()[0].pages().mapped, 3u);
  EXPECT_EQ(ram.blocks()[0].pages().zero, 7u);
  EXPECT_TRUE(codes().empty()) << findings.all().front().message;
}

TEST_F(RamSummaryTest, EmptyBitmapsAreThoseOfACutSave) {
  Configuration configuration{};
  configuration.capabilities = {"mapped-ram"};
  sink.on(configuration);
  RamBlock mapped = block("pc.ram", 0x8000);
  mapped.mapped = RamBlock::Mapped{0x1000, {200, 8}, {4096, 0x8000}, 0, false};
  begin_ram();
  list({mapped});
  const std::uint8_t bits[8] = {};
  sink.on(RamMappedBitmap{0, 0, {200, 8}, bits});
  end();
  ASSERT_EQ(codes(), std::vector<std::string>{"VMS0417"});
  EXPECT_EQ(findings.all().front().range, (ByteRange{200, 8}));
}

TEST_F(RamSummaryTest, ThePageSizeChangesTheNumberOfPages) {
  begin_ram();
  list({block("ram", 0x4000)});
  sink.on(RamPageSize{1024});
  EXPECT_EQ(ram.blocks()[0].map.pages(), 16u);
  EXPECT_EQ(ram.page_size(), 1024u);
  pages({page(0, 0x400, RamKind::data), page(0, 0x3c00, RamKind::data)});
  EXPECT_EQ(ram.blocks()[0].pages().data, 2u);
}

TEST_F(RamSummaryTest, PagesOfUnknownBlocksAndBeyondTheEndAreIgnored) {
  begin_ram();
  list({block("ram", 0x1000)});
  pages({page(7, 0, RamKind::data), page(0, 0x1000, RamKind::data), page(0, ~std::uint64_t{0xfff}, RamKind::data)});
  EXPECT_EQ(ram.blocks()[0].pages().data, 0u);
}

TEST_F(RamSummaryTest, TheBookkeepingOfAHugeGuestIsBounded) {
  limits.page_map = 1 << 16;
  begin_ram();
  list({block("ram", std::uint64_t{1} << 50)});
  std::vector<RamPage> some;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    some = {page(0, i << 30, RamKind::data), page(0, (i << 30) + 0x2000, RamKind::zero)};
    pages(some);
  }
  EXPECT_TRUE(ram.coarse());
  EXPECT_EQ(codes(), std::vector<std::string>{"VMS0903"});
  EXPECT_LT(ram.blocks()[0].map.memory(), 1u << 19);
}

}  // namespace
}  // namespace vmstate::test
