// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/framing/next_record.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

class NextRecordTest : public testing::Test {
 protected:
  std::vector<std::uint32_t> open{2};
  std::optional<bool> footers = true;
  Limits limits;
  std::uint64_t budget = std::uint64_t{1} << 40;

  SearchFacts facts() {
    return {footers, open, [](std::uint32_t id) { return id < 10; },
            [](std::string_view name) { return name == "ram" || name == "rtc"; }, budget};
  }
  // Both kinds of sources must agree.
  std::optional<std::size_t> next(const ByteVector& bytes) {
    std::optional<std::size_t> of_file;
    for (const bool pipe : {false, true}) {
      MemorySource source(bytes, {.step = 1, .seekable = !pipe, .size_known = !pipe});
      ForwardReader in(source, nullptr);
      const auto found = find_next_record(in, facts(), limits);
      EXPECT_EQ(in.position(), 0u);
      if (pipe)
        EXPECT_EQ(found, of_file);
      else
        of_file = found;
    }
    return of_file;
  }
  std::optional<std::size_t> footer(const ByteVector& bytes, std::uint32_t id, std::optional<std::size_t> expected = {}) {
    MemorySource source(bytes, {.step = 1});
    ForwardReader in(source, nullptr);
    return find_footer(in, id, expected, facts(), limits);
  }
  static ByteVector noise(std::size_t size) { return ByteVector(size, 0xee); }
};

TEST_F(NextRecordTest, FindsTheNextSection) {
  EXPECT_EQ(next(noise(100) + StreamBuilder().full(4, "rtc", 1).bytes() + noise(300)), 100u);
  EXPECT_EQ(next(noise(100) + StreamBuilder().start(4, "ram", 4).bytes() + noise(300)), 100u);
}

TEST_F(NextRecordTest, NeverAnswersThePlaceItStandsAt) {
  EXPECT_EQ(next(StreamBuilder().full(4, "rtc", 1).bytes() + noise(300)), std::nullopt);
}

TEST_F(NextRecordTest, FindsBehindAFooter) {
  EXPECT_EQ(next(noise(50) + StreamBuilder().footer(5).part(2).bytes() + noise(300)), 55u);
  EXPECT_EQ(next(noise(50) + StreamBuilder().footer(77).part(2).bytes() + noise(300)), std::nullopt) << "no such section";
}

TEST_F(NextRecordTest, FindsPartsOfOpenSections) {
  EXPECT_EQ(next(noise(50) + StreamBuilder().part(2).be64(0x1028).bytes() + noise(300)), 50u);
  EXPECT_EQ(next(noise(50) + StreamBuilder().part(3).be64(0x1028).bytes() + noise(300)), std::nullopt);
  EXPECT_EQ(next(noise(50) + StreamBuilder().part(2).be64(0x1000).bytes() + noise(300)), std::nullopt) << "no page flags";
}

TEST_F(NextRecordTest, FindsTheEndWithItsDescription) {
  EXPECT_EQ(next(noise(50) + StreamBuilder().eof().description().bytes()), 50u);
  EXPECT_EQ(next(noise(50) + hex("00 00 00")), std::nullopt) << "a zero byte alone proves nothing";
}

TEST_F(NextRecordTest, ShortUnknownNamesAreNotBelievedInStreamsWithFooters) {
  const auto bytes = noise(50) + StreamBuilder().full(4, "abc", 1).bytes() + noise(300);
  EXPECT_EQ(next(bytes), std::nullopt);
  footers = false;
  EXPECT_EQ(next(bytes), 50u);
}

TEST_F(NextRecordTest, FindsAcrossTheStepsOfItsSearch) {
  for (const std::size_t distance : {65536u - 300u, 65536u - 3u, 65536u, 65537u, 262144u - 1u, 262144u + 5u})
    EXPECT_EQ(next(noise(distance) + StreamBuilder().full(4, "rtc", 1).bytes() + noise(600)), distance);
}

TEST_F(NextRecordTest, SearchesNotBeyondTheLookahead) {
  limits.lookahead = 1 << 17;
  EXPECT_EQ(next(noise(1 << 18) + StreamBuilder().full(4, "rtc", 1).bytes() + noise(600)), std::nullopt);
}

TEST_F(NextRecordTest, SpendsItsBudgetAndStopsWithoutOne) {
  const auto bytes = noise(1000) + StreamBuilder().full(4, "rtc", 1).bytes() + noise(300);
  budget = 1 << 20;
  EXPECT_EQ(next(bytes), 1000u);
  EXPECT_LT(budget, 1u << 20);
  budget = 0;
  EXPECT_EQ(next(bytes), std::nullopt);
  EXPECT_EQ(footer(bytes, 4), std::nullopt);
}

TEST_F(NextRecordTest, AFooterIsFoundInFrontOfARecord) {
  const auto tail = StreamBuilder().footer(5).full(6, "rtc", 1).bytes() + noise(300);
  EXPECT_EQ(footer(noise(80) + tail, 5), 80u);
  EXPECT_EQ(footer(tail, 5), 0u);
  EXPECT_EQ(footer(noise(80) + tail, 6), std::nullopt);
}

TEST_F(NextRecordTest, OfSeveralFootersTheOneNearestToTheExpectedPlaceWins) {
  const auto mark = StreamBuilder().footer(5).full(6, "rtc", 1).bytes();
  const auto bytes = noise(100) + mark + noise(100) + mark + noise(100) + mark + noise(300);
  const std::size_t each = 100 + mark.size();
  EXPECT_EQ(footer(bytes, 5), 100u);
  EXPECT_EQ(footer(bytes, 5, 90), 100u);
  EXPECT_EQ(footer(bytes, 5, 100 + each + 10), 100u + each);
  EXPECT_EQ(footer(bytes, 5, 5000), 100u + 2 * each);
}

TEST_F(NextRecordTest, AFooterInFrontOfDamageIsBetterThanNone) {
  const auto confirmed = noise(30) + StreamBuilder().footer(5).full(6, "rtc", 1).bytes() + noise(300);
  EXPECT_EQ(footer(noise(80) + StreamBuilder().footer(5).bytes() + noise(400), 5), 80u);
  EXPECT_EQ(footer(noise(80) + StreamBuilder().footer(5).bytes() + confirmed, 5), 80u + 5 + 30);
}

}  // namespace
}  // namespace vmstate::test
