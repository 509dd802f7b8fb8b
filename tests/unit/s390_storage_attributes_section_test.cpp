// SPDX-License-Identifier: Apache-2.0
#include "tests/support/section_run.hpp"

namespace vmstate {
const SectionParser& section_s390_storage_attributes();
}

namespace vmstate::test {
namespace {

const SectionUnderTest attributes{section_s390_storage_attributes(), "s390-storage_attributes", 0};

const ByteVector end =
    hex("00 00 00 00 00 40 00 02"  // 0   attributes from 4 MiB on
        "00 00 00 00 00 00 00 05"  // 8   of five pages
        "00 01 02 03 00"           // 16
        "00 00 00 00 00 00 00 08"  // 21  done
        "00 00 00 00 00 00 00 01"  // 29  end
    );

TEST(S390StorageAttributesSection, ReadsAttributes) {
  expect_whole(attributes.bench().run(SectionType::end, end), end.size(),
               "item 100+16 storage attributes: 5 pages from 0x400000\n"
               "payload 116+5 storage attributes\n"
               "item 121+8 storage attributes done\n"
               "item 129+8 storage attributes end\n");
}

TEST(S390StorageAttributesSection, AnEndAloneIsABody) {
  const ByteVector alone = hex("00 00 00 00 00 00 00 01");
  expect_whole(attributes.bench().run(SectionType::start, alone), 8, "item 100+8 storage attributes end\n");
}

TEST(S390StorageAttributesSection, RefusesUnknownFlags) {
  expect_stop(attributes.bench().run(SectionType::end, with_byte(end, 7, 0x03)), 0, {0, 8}, "word");
  expect_stop(attributes.bench().run(SectionType::end, with_byte(end, 28, 0x00)), 21, {21, 8}, "word");
  expect_stop(attributes.bench().run(SectionType::end, with_byte(end, 35, 0x01)), 29, {29, 8}, "word");
}

TEST(S390StorageAttributesSection, RefusesImpossibleCounts) {
  expect_stop(attributes.bench().run(SectionType::end, with_byte(end, 15, 0x00)), 0, {8, 8}, "pages");
  expect_stop(attributes.bench().run(SectionType::end, with_byte(end, 8, 0x80)), 0, {8, 8}, "pages");
}

TEST(S390StorageAttributesSection, ReportsTheWritersErrorAndReadsOn) {
  const auto result = attributes.bench().run(SectionType::end, with_byte(end, 28, 0x04));
  EXPECT_EQ(result.end, BodyEnd::complete);
  expect_damage(result, {21, 8}, "word");
}

TEST(S390StorageAttributesSection, ReportsAnAddressWithoutAttributes) {
  const auto result = attributes.bench().run(SectionType::end, with_byte(end, 35, 0x10));
  EXPECT_EQ(result.end, BodyEnd::complete);
  expect_damage(result, {29, 8}, "word");
}

TEST(S390StorageAttributesSection, EveryPrefixIsCut) { expect_every_prefix_cut(attributes, {{SectionType::end, end}}); }

TEST(S390StorageAttributesSection, EventsDoNotDependOnDelivery) {
  expect_same_however_delivered(attributes, SectionType::end, end);
}

}  // namespace
}  // namespace vmstate::test
