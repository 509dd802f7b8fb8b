// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tools/app/text.hpp"

namespace vmstate::test {
namespace {

TEST(WrappedText, StaysAsItIsWhereItFits) {
  EXPECT_EQ(app::wrapped("1, 2, 3 × 0x4", 100), "1, 2, 3 × 0x4");
  EXPECT_EQ(app::wrapped("", 100), "");
}

TEST(WrappedText, BreaksBehindCommasAndAlignsWhatFollows) {
  // 110 + 10 columns are the last that fit.
  EXPECT_EQ(app::wrapped("1234, 567, 89", 110), "1234, 567,\n" + std::string(110, ' ') + "89");
  EXPECT_EQ(app::wrapped("××××, 567, 89", 110), "××××, 567,\n" + std::string(110, ' ') + "89");
  EXPECT_EQ(app::wrapped("1234, 5678, 89", 110), "1234,\n" + std::string(110, ' ') + "5678, 89");
}

TEST(WrappedText, LeavesAlonePiecesThatAreTooLong) {
  EXPECT_EQ(app::wrapped("123456789012345, 67", 110), "123456789012345,\n" + std::string(110, ' ') + "67");
}

}  // namespace
}  // namespace vmstate::test
