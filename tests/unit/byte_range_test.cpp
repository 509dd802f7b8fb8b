// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/base/bytes.hpp"
#include "formats/base/origin.hpp"

namespace vmstate::test {
namespace {

constexpr std::uint64_t largest = ~std::uint64_t{0};

TEST(CheckedArithmetic, AddsUpToTheLargestNumber) {
  EXPECT_EQ(checked_add(2, 3), 5u);
  EXPECT_EQ(checked_add(largest, 0), largest);
  EXPECT_EQ(checked_add(largest - 1, 1), largest);
  EXPECT_EQ(checked_add(largest, 1), std::nullopt);
  EXPECT_EQ(checked_add(1, largest), std::nullopt);
  EXPECT_EQ(checked_add(largest / 2 + 1, largest / 2 + 1), std::nullopt);
}

TEST(CheckedArithmetic, MultipliesUpToTheLargestNumber) {
  EXPECT_EQ(checked_multiply(0, largest), 0u);
  EXPECT_EQ(checked_multiply(largest, 0), 0u);
  EXPECT_EQ(checked_multiply(1, largest), largest);
  EXPECT_EQ(checked_multiply(3, largest / 3), largest);
  EXPECT_EQ(checked_multiply(2, largest / 2 + 1), std::nullopt);
  EXPECT_EQ(checked_multiply(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
}

TEST(ByteRange, EndSaturates) {
  EXPECT_EQ((ByteRange{10, 5}.end()), 15u);
  EXPECT_EQ((ByteRange{largest - 1, 5}.end()), largest);
  EXPECT_EQ((ByteRange{largest, largest}.end()), largest);
}

TEST(ByteRange, BetweenIsEmptyWhereTheEndLiesInFront) {
  EXPECT_EQ(ByteRange::between(3, 7), (ByteRange{3, 4}));
  EXPECT_EQ(ByteRange::between(7, 3), (ByteRange{7, 0}));
  EXPECT_TRUE(ByteRange::between(7, 7).empty());
}

TEST(ByteRange, ContainsOffsetsButNotItsEnd) {
  constexpr ByteRange range{10, 3};
  EXPECT_FALSE(range.contains(9));
  EXPECT_TRUE(range.contains(10));
  EXPECT_TRUE(range.contains(12));
  EXPECT_FALSE(range.contains(13));
  EXPECT_FALSE((ByteRange{10, 0}.contains(10)));
  EXPECT_TRUE((ByteRange{largest - 1, 5}.contains(largest - 1)));
}

TEST(ByteRange, ContainsRanges) {
  constexpr ByteRange range{10, 3};
  EXPECT_TRUE(range.contains(ByteRange{10, 3}));
  EXPECT_TRUE(range.contains(ByteRange{13, 0}));
  EXPECT_FALSE(range.contains(ByteRange{9, 2}));
  EXPECT_FALSE(range.contains(ByteRange{12, 2}));
}

TEST(Origin, FollowsTheLayersThatOnlyShift) {
  const auto file = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  const auto inner = std::make_shared<const Origin>(Origin{"libvirt-save", file, 100});
  const Origin innermost{"prefix", inner, 7};
  EXPECT_EQ(file->file_offset(5), 5u);
  EXPECT_EQ(inner->file_offset(5), 105u);
  EXPECT_EQ(innermost.file_offset(5), 112u);
  EXPECT_EQ(innermost.file_offset(largest), std::nullopt);
}

TEST(Origin, EndsWhereBytesAreTransformed) {
  const auto file = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  const auto gzip = std::make_shared<const Origin>(Origin{"gzip", file, std::nullopt});
  EXPECT_EQ((Origin{"prefix", gzip, 4}.file_offset(0)), std::nullopt);
}

}  // namespace
}  // namespace vmstate::test
