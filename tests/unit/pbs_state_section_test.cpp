// SPDX-License-Identifier: Apache-2.0
#include "tests/support/section_run.hpp"

namespace vmstate {
const SectionParser& section_pbs_state();
}

namespace vmstate::test {
namespace {

const SectionUnderTest pbs{section_pbs_state(), "pbs-state", 1};

const ByteVector start =
    hex("00 00 00 00 00 00 00 06"  // 0   six bytes
        "'{}    '");               // 8

TEST(PbsStateSection, ReadsTheState) {
  expect_whole(pbs.bench().run(SectionType::start, start), start.size(),
               "item 100+8 pbs-state size: 6 bytes\n"
               "payload 108+6 backup state\n");
}

TEST(PbsStateSection, MayBeEmpty) {
  const ByteVector empty(8, 0);
  expect_whole(pbs.bench().run(SectionType::start, empty), 8, "item 100+8 pbs-state size: 0 bytes\n");
}

TEST(PbsStateSection, LargeStatesComeInPieces) {
  const ByteVector large = hex("00 00 00 00 00 01 00 01") + ByteVector(65537, 0x20);
  expect_whole(pbs.bench().run(SectionType::start, large), large.size(),
               "item 100+8 pbs-state size: 65537 bytes\n"
               "payload 108+65536 backup state\n"
               "payload 65644+1 backup state\n");
  expect_every_prefix_cut(pbs, {{SectionType::start, large}});
  expect_same_however_delivered(pbs, SectionType::start, large);
}

TEST(PbsStateSection, IsOnlyKnownAsAStart) {
  EXPECT_FALSE(section_pbs_state().accepts("pbs-state", 1, SectionType::part));
  EXPECT_FALSE(section_pbs_state().accepts("pbs", 1, SectionType::start));
}

TEST(PbsStateSection, RefusesImpossibleSizes) {
  expect_stop(pbs.bench().run(SectionType::start, with_byte(start, 0, 0x01)), 0, {0, 8}, "size");
  expect_stop(pbs.bench().run(SectionType::start, with_byte(start, 4, 0x41)), 0, {0, 8}, "size");
}

TEST(PbsStateSection, EveryPrefixIsCut) { expect_every_prefix_cut(pbs, {{SectionType::start, start}}); }

TEST(PbsStateSection, EventsDoNotDependOnDelivery) { expect_same_however_delivered(pbs, SectionType::start, start); }

}  // namespace
}  // namespace vmstate::test
