// SPDX-License-Identifier: Apache-2.0
#include "tests/support/section_run.hpp"

namespace vmstate {
const SectionParser& section_block();
}

namespace vmstate::test {
namespace {

const SectionUnderTest block{section_block(), "block", 1};
constexpr std::size_t block_size = 1u << 20;

// As QEMU 7.2 with zero-blocks writes a PART whose blocks all are zero.
const ByteVector zero_blocks =
    hex("00 00 00 00 00 00 18 04"  // 0   progress, 12 per cent
        "00 00 00 00 00 10 00 09"  // 8   zero block at sector 2048
        "02 'bk'"                  // 16  of bk
        "00 00 00 00 00 00 c8 04"  // 19  progress, 100 per cent
        "00 00 00 00 00 00 00 02"  // 27  end
    );
const ByteVector data_block = hex("00 00 00 00 00 30 00 01"  // 0   block at sector 6144
                                  "02 'bk'")                 // 8   of bk
                              + ByteVector(block_size, 0xcd) + hex("00 00 00 00 00 00 00 02");

TEST(BlockSection, ReadsProgressAndZeroBlocks) {
  expect_whole(block.bench().run(SectionType::part, zero_blocks), zero_blocks.size(),
               "item 100+8 block progress: 12 %\n"
               "item 108+11 block device zeroes: bk, sector 2048\n"
               "item 119+8 block progress: 100 %\n"
               "item 127+8 block end\n");
}

TEST(BlockSection, SendsDataInPieces) {
  std::string expected = "item 100+11 block device: bk, sector 6144\n";
  for (std::size_t at = 0; at < block_size; at += 65536)
    expected += "payload " + std::to_string(111 + at) + "+65536 block device data\n";
  expected += "item 1048687+8 block end\n";
  expect_whole(block.bench().run(SectionType::part, data_block), data_block.size(), expected);
}

TEST(BlockSection, StopsBehindItsEnd) {
  const auto result = block.bench().run(SectionType::start, hex("00 00 00 00 00 00 00 02 7e 00 00 00 01"));
  EXPECT_EQ(result.end, BodyEnd::complete);
  EXPECT_EQ(result.stopped_at, 8u);
}

TEST(BlockSection, RefusesUnknownFlags) {
  // The loader's text: Unknown block migration flags.
  expect_stop(block.bench().run(SectionType::part, with_byte(zero_blocks, 15, 0x08)), 8, {8, 8}, "word");
  expect_stop(block.bench().run(SectionType::part, with_byte(zero_blocks, 26, 0x24)), 19, {19, 8}, "word");
  expect_stop(block.bench().run(SectionType::part, with_byte(zero_blocks, 34, 0x00)), 27, {27, 8}, "word");
}

TEST(BlockSection, RefusesImpossibleNames) {
  expect_stop(block.bench().run(SectionType::part, with_byte(zero_blocks, 16, 0x00)), 8, {16, 1}, "device");
  expect_stop(block.bench().run(SectionType::part, with_byte(zero_blocks, 17, 0x07)), 8, {16, 3}, "device");
}

TEST(BlockSection, ReportsOddNumbersAndReadsOn) {
  const auto progress = block.bench().run(SectionType::part, with_byte(zero_blocks, 5, 0x01));
  EXPECT_EQ(progress.end, BodyEnd::complete);
  expect_damage(progress, {0, 8}, "word");
  const auto sector = block.bench().run(SectionType::part, with_byte(zero_blocks, 14, 0x02));
  EXPECT_EQ(sector.end, BodyEnd::complete);
  expect_damage(sector, {8, 8}, "word");
  const auto end = block.bench().run(SectionType::part, with_byte(zero_blocks, 28, 0x01));
  EXPECT_EQ(end.end, BodyEnd::complete);
  expect_damage(end, {27, 8}, "word");
}

TEST(BlockSection, ReportsAnUnknownVersion) {
  SectionBench bench(section_block(), "block", 2);
  const auto result = bench.run(SectionType::start, hex("00 00 00 00 00 00 00 02"));
  EXPECT_EQ(result.end, BodyEnd::complete);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].range, (ByteRange{body_offset - 4, 4}));
}

TEST(BlockSection, EveryPrefixIsCut) {
  expect_every_prefix_cut(block, {{SectionType::part, zero_blocks}});
  expect_every_prefix_cut(block, {{SectionType::part, data_block}});
}

TEST(BlockSection, EventsDoNotDependOnDelivery) {
  expect_same_however_delivered(block, SectionType::part, zero_blocks);
  expect_same_however_delivered(block, SectionType::part, data_block);
}

}  // namespace
}  // namespace vmstate::test
