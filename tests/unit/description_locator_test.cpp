// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/framing/description_locator.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

struct Located {
  bool found = false;
  Offset at = 0;
  std::uint64_t announced = 0, available = 0;
  std::size_t devices = 0;
  bool complete = false;
};
Located of(const std::optional<LocatedDescription>& found) {
  if (!found) return {};
  return {true, found->at, found->announced, found->available, found->model.devices().size(), found->model.complete()};
}

class DescriptionLocatorTest : public testing::Test {
 protected:
  Limits limits;
  StreamBuilder stream = small_stream();

  Located from_end(const ByteVector& bytes, Offset start = 8) {
    MemorySource source(bytes, {.step = 1});
    ForwardReader in(source, nullptr, start);
    const auto found = of(locate_from_end(in, limits));
    EXPECT_EQ(in.position(), start);
    EXPECT_FALSE(in.fault());
    return found;
  }
  Located ahead(const ByteVector& bytes, std::optional<Offset> before = {}, bool pipe = true, Offset start = 8) {
    MemorySource source(bytes, {.step = 1, .seekable = !pipe, .size_known = !pipe});
    ForwardReader in(source, nullptr, start);
    const auto found = of(locate_ahead(in, before, limits));
    EXPECT_EQ(in.position(), start);
    EXPECT_FALSE(in.fault()) << in.fault()->message;
    return found;
  }
  void expect_whole(const Located& found) {
    EXPECT_TRUE(found.found);
    EXPECT_EQ(found.at, stream.at("description"));
    EXPECT_EQ(found.announced, stream.description_text().size());
    EXPECT_EQ(found.devices, 3u);
    EXPECT_TRUE(found.complete);
  }
};

TEST_F(DescriptionLocatorTest, FromTheEndOfAFile) { expect_whole(from_end(stream.bytes())); }

TEST_F(DescriptionLocatorTest, FromTheEndThroughZerosAndGarbage) {
  for (const std::size_t zeros : {1u, 511u, 4096u, 3u << 20}) expect_whole(from_end(stream.bytes() + ByteVector(zeros, 0)));
  expect_whole(from_end(stream.bytes() + ByteVector(100000, 0xaa)));
  expect_whole(from_end(stream.bytes() + ByteVector(5000, 0xaa) + ByteVector(5000, 0)));
}

TEST_F(DescriptionLocatorTest, AllZerosAndSmallFilesHaveNone) {
  EXPECT_FALSE(from_end(ByteVector(10 << 20, 0)).found);
  EXPECT_FALSE(from_end({}, 0).found);
  EXPECT_FALSE(from_end(hex("00"), 0).found);
  EXPECT_FALSE(from_end(hex("00 06 00 00 00 01 '{'"), 0).found);
}

TEST_F(DescriptionLocatorTest, OneInFrontOfTheReaderIsNotOurs) { EXPECT_FALSE(from_end(stream.bytes(), stream.at("description") + 1).found); }

TEST_F(DescriptionLocatorTest, AheadOnAPipeAndOnAFile) {
  for (const bool pipe : {false, true}) expect_whole(ahead(stream.bytes(), {}, pipe));
  for (const bool pipe : {false, true}) expect_whole(ahead(stream.bytes() + ByteVector(100, 0xaa), {}, pipe));
}

TEST_F(DescriptionLocatorTest, AheadOnlyUpToALimit) {
  EXPECT_FALSE(ahead(stream.bytes(), stream.at("eof"), false).found);
  limits.lookahead = 1 << 17;
  EXPECT_FALSE(ahead(ByteVector(1 << 17, 0xee) + stream.bytes()).found);
}

TEST_F(DescriptionLocatorTest, AheadTheFirstOneFromTheEndTheLast) {
  const auto twice = stream.bytes() + stream.bytes();
  EXPECT_EQ(ahead(twice).at, stream.at("description"));
  EXPECT_EQ(from_end(twice).at, stream.size() + stream.at("description"));
}

TEST_F(DescriptionLocatorTest, AheadAcrossTheStepsOfItsSearch) {
  const auto tail = StreamBuilder().eof().describe("d", 1, {}).description().bytes();
  for (const std::size_t distance : {65536u - 40u, 65536u - 6u, 65536u - 1u, 65536u, 65536u + 1u, 262144u - 5u})
    EXPECT_EQ(ahead(ByteVector(distance, 0xee) + tail, {}, true, 0).at, distance + 1) << distance;
}

TEST_F(DescriptionLocatorTest, ADamagedLengthDoesNotCutTheText) {
  for (const std::uint32_t length : {0u, 1u, 10u, 0xffffffffu, 0x7fffffffu}) {
    StreamBuilder b = small_stream();
    const auto bytes = Bytes(b.bytes()).first(b.at("description"));
    const auto damaged = ByteVector(bytes.begin(), bytes.end()) + StreamBuilder().description_of(b.description_text(), length).bytes();
    for (const bool pipe : {false, true}) {
      const auto found = ahead(damaged, {}, pipe);
      EXPECT_EQ(found.announced, length);
      EXPECT_EQ(found.devices, 3u) << length;
      EXPECT_TRUE(found.complete);
    }
  }
}

TEST_F(DescriptionLocatorTest, ACutTextKeepsWhatIsThere) {
  const auto whole = stream.bytes();
  const ByteVector cut(whole.begin(), whole.end() - 40);
  for (const bool pipe : {false, true}) {
    const auto found = ahead(cut, {}, pipe);
    EXPECT_TRUE(found.found);
    EXPECT_EQ(found.available, found.announced - 40);
    EXPECT_FALSE(found.complete);
    EXPECT_EQ(found.devices, 2u);
  }
}

TEST_F(DescriptionLocatorTest, TheTextIsLimited) {
  limits.description = 100;
  const auto found = from_end(stream.bytes());
  if (found.found) {
    EXPECT_FALSE(found.complete);
    EXPECT_LE(found.available, 100u);
  }
}

}  // namespace
}  // namespace vmstate::test
