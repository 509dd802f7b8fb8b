// SPDX-License-Identifier: Apache-2.0
#include "tests/support/section_run.hpp"

namespace vmstate {
const SectionParser& section_spapr_htab();
}

namespace vmstate::test {
namespace {

const SectionUnderTest htab{section_spapr_htab(), "spapr/htab", 1};

const ByteVector start = hex("00 00 00 15");  // 2^21 bytes, 131072 entries
const ByteVector part = hex("00 00 00 00"     // 0   entries follow
                            "00 00 10 00"     // 4   from entry 4096
                            "00 02"           // 8   two valid ones
                            "00 01") +        // 10  and an invalid one
                        ByteVector(32, 0xaa) +
                        hex("00 01 ff ff"  // 44  the last entry of the table
                            "00 00 00 01"  // 48  is invalid
                            "00 00 00 00"  // 52  end
                            "00 00 00 00");

SectionResult run_part(const ByteVector& body) {
  SectionBench bench = htab.bench();
  (void)bench.run(SectionType::start, start);
  return bench.run(SectionType::part, body);
}

TEST(SpaprHtabSection, ReadsTheSize) {
  expect_whole(htab.bench().run(SectionType::start, start), 4, "item 100+4 hash table size: 2^21 bytes\n");
}

TEST(SpaprHtabSection, ReadsEntries) {
  expect_whole(run_part(part), part.size(),
               "item 100+4 hash table content\n"
               "item 104+8 hash table entries: 2 valid and 1 invalid from 4096\n"
               "payload 112+32 hash table entries\n"
               "item 144+8 hash table entries: 0 valid and 1 invalid from 131071\n"
               "item 152+8 hash table end\n");
}

TEST(SpaprHtabSection, RadixGuestsHaveNoTable) {
  SectionBench bench = htab.bench();
  const ByteVector none = hex("ff ff ff ff");
  for (const auto type : {SectionType::start, SectionType::part, SectionType::end})
    expect_whole(bench.run(type, none), 4, "item 100+4 no hash table: radix guest\n");
}

TEST(SpaprHtabSection, ReportsAnImpossibleSizeAndReadsOn) {
  SectionBench bench = htab.bench();
  const auto result = bench.run(SectionType::start, with_byte(start, 0, 0x15));
  EXPECT_EQ(result.end, BodyEnd::complete);
  expect_damage(result, {0, 4}, "shift");
  // Without a known size, no entry is beyond the table.
  EXPECT_EQ(bench.run(SectionType::part, with_byte(part, 4, 0x10)).end, BodyEnd::complete);
}

TEST(SpaprHtabSection, RefusesAnUnknownFirstWord) {
  expect_stop(run_part(with_byte(part, 3, 0x15)), 0, {0, 4}, "word");
}

TEST(SpaprHtabSection, RefusesEntriesBeyondTheTable) {
  expect_stop(run_part(with_byte(part, 4, 0x01)), 4, {4, 8}, "run");
  expect_stop(run_part(with_byte(part, 51, 0x02)), 44, {44, 8}, "run");
}

TEST(SpaprHtabSection, RefusesAnEmptyRun) { expect_stop(run_part(with_byte(part, 51, 0x00)), 44, {44, 8}, "run"); }

TEST(SpaprHtabSection, EveryPrefixIsCut) {
  expect_every_prefix_cut(htab, {{SectionType::start, start}});
  expect_every_prefix_cut(htab, {{SectionType::start, start}, {SectionType::part, part}});
}

TEST(SpaprHtabSection, EventsDoNotDependOnDelivery) {
  expect_same_however_delivered(htab, SectionType::start, start);
  expect_same_however_delivered(htab, SectionType::part, part);
}

}  // namespace
}  // namespace vmstate::test
