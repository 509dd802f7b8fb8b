// SPDX-License-Identifier: Apache-2.0
#include "tests/support/section_run.hpp"

namespace vmstate {
const SectionParser& section_dirty_bitmap();
}

namespace vmstate::test {
namespace {

const SectionUnderTest bitmaps{section_dirty_bitmap(), "dirty-bitmap", 1};

const ByteVector start =
    hex("1c"           // 0   start, with both names
        "02 'nd'"      // 1
        "03 'bm1'"     // 4
        "00 01 00 00"  // 8   granularity 64 KiB
        "03"           // 12  enabled, persistent
        "14"           // 13  start, bitmap name only
        "03 'bm0'"     // 14
        "00 00 02 00"  // 18  granularity 512 bytes
        "02"           // 22  disabled, persistent
        "01"           // 23  end
    );
const ByteVector end = hex("44"                       // 0   bits, bitmap name
                           "03 'bm1'"                 // 1
                           "00 00 00 00 00 00 00 00"  // 5   from sector 0
                           "00 00 40 00"              // 13  16384 sectors, 128 bits
                           "00 00 00 00 00 00 00 20"  // 17  32 bytes
                           "ff 00 00 00 00 00 00 00"  // 25
                           "00 00 00 00 00 00 00 00") +
                       ByteVector(16, 0) +
                       hex("46"                       // 57  bits, all zero
                           "03 'bm0'"                 // 58
                           "00 00 00 00 00 00 20 00"  // 62  from sector 8192
                           "00 00 20 00"              // 70
                           "24 03 'bm1'"              // 74  complete
                           "24 03 'bm0'"              // 79  complete
                           "01"                       // 84  end
                       );

SectionResult run_end(const ByteVector& body) {
  SectionBench bench = bitmaps.bench();
  (void)bench.run(SectionType::start, start);
  return bench.run(SectionType::end, body);
}

TEST(DirtyBitmapSection, ReadsTheStart) {
  expect_whole(bitmaps.bench().run(SectionType::start, start), start.size(),
               "item 100+13 dirty-bitmap start: nd/bm1, granularity 65536, enabled, persistent\n"
               "item 113+10 dirty-bitmap start: nd/bm0, granularity 512, disabled, persistent\n"
               "item 123+1 dirty-bitmap end\n");
}

TEST(DirtyBitmapSection, NamesGoOnInLaterSections) {
  expect_whole(run_end(end), end.size(),
               "item 100+57 dirty-bitmap bits: nd/bm1, 16384 sectors from 0\n"
               "item 157+17 dirty-bitmap zeroes: nd/bm0, 8192 sectors from 8192\n"
               "item 174+5 dirty-bitmap complete: nd/bm1\n"
               "item 179+5 dirty-bitmap complete: nd/bm0\n"
               "item 184+1 dirty-bitmap end\n");
}

TEST(DirtyBitmapSection, EndMayComeWithTheLastElement) {
  expect_whole(run_end(hex("21")), 1, "item 100+1 dirty-bitmap complete: nd/bm0\n");
}

TEST(DirtyBitmapSection, AnEndAloneNeedsNoNames) {
  expect_whole(bitmaps.bench().run(SectionType::part, hex("01")), 1, "item 100+1 dirty-bitmap end\n");
}

TEST(DirtyBitmapSection, RefusesImpossibleFlags) {
  for (const std::uint8_t flags : hex("00 04 0c 03 12 30 50 7c 81 9c ff"))
    expect_stop(bitmaps.bench().run(SectionType::start, with_byte(start, 0, flags)), 0, {0, 1}, "flags");
  expect_stop(bitmaps.bench().run(SectionType::start, with_byte(start, 23, 0x00)), 23, {23, 1}, "flags");
}

TEST(DirtyBitmapSection, RefusesElementsWithoutNames) {
  expect_stop(bitmaps.bench().run(SectionType::end, hex("20 01")), 0, {0, 1}, "flags");
  expect_stop(bitmaps.bench().run(SectionType::end, end), 0, {0, 1}, "flags");
}

TEST(DirtyBitmapSection, RefusesImpossibleNames) {
  expect_stop(bitmaps.bench().run(SectionType::start, with_byte(start, 1, 0x00)), 0, {1, 1}, "node name");
  expect_stop(bitmaps.bench().run(SectionType::start, with_byte(start, 2, 0x1b)), 0, {1, 3}, "node name");
  expect_stop(bitmaps.bench().run(SectionType::start, with_byte(start, 15, 0x7f)), 13, {14, 4}, "bitmap name");
}

TEST(DirtyBitmapSection, RefusesSizesThatFitNoGranularity) {
  expect_stop(run_end(with_byte(end, 24, 0x21)), 0, {17, 8}, "size");
  expect_stop(run_end(with_byte(end, 23, 0xff)), 0, {17, 8}, "size");
  expect_stop(run_end(with_byte(end, 17, 0x80)), 0, {17, 8}, "size");
  expect_stop(run_end(with_byte(end, 24, 0x00)), 0, {17, 8}, "size");
}

TEST(DirtyBitmapSection, ReportsOddStartsAndReadsOn) {
  const auto granularity = bitmaps.bench().run(SectionType::start, with_byte(start, 11, 0x01));
  EXPECT_EQ(granularity.end, BodyEnd::complete);
  expect_damage(granularity, {8, 4}, "granularity");
  const auto flags = bitmaps.bench().run(SectionType::start, with_byte(start, 12, 0x13));
  EXPECT_EQ(flags.end, BodyEnd::complete);
  expect_damage(flags, {12, 1}, "start flags");
}

TEST(DirtyBitmapSection, EveryPrefixIsCut) {
  expect_every_prefix_cut(bitmaps, {{SectionType::start, start}});
  expect_every_prefix_cut(bitmaps, {{SectionType::start, start}, {SectionType::end, end}});
}

TEST(DirtyBitmapSection, EventsDoNotDependOnDelivery) {
  expect_same_however_delivered(bitmaps, SectionType::start, start);
  ByteVector whole = start;
  whole.pop_back();
  expect_same_however_delivered(bitmaps, SectionType::start, whole + end);
}

}  // namespace
}  // namespace vmstate::test
