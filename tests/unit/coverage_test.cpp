// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/base/coverage.hpp"

namespace vmstate::test {
namespace {

class CoverageTest : public testing::Test {
 protected:
  std::vector<std::string> runs;
  Coverage coverage{[this](const CoverageRun& run) {
    runs.push_back(std::to_string(run.range.offset) + "+" + std::to_string(run.range.size) + " " + std::string(run.label) +
                   " [" + std::string(run.section) + "]" + (run.lost ? " lost" : ""));
  }};
  EventSink& sink = coverage;

  void gap(Gap::Kind kind, ByteRange range) { sink.on(Gap{kind, range, "reason"}); }
  void end() { sink.on(StreamEnd{}); }
};

TEST_F(CoverageTest, NeighboursOfOneLabelAndSectionAreOneRun) {
  SectionHeader header;
  header.name = "ram";
  header.range = {8, 10};
  sink.on(StreamBegin{"qevm", 3, {0, 8}, {}, nullptr});
  sink.on(SectionBegin{header, {}});
  sink.on(RamPages{{}, {18, 100}, {}});
  sink.on(RamPages{{}, {118, 100}, {}});
  sink.on(SectionEnd{header, {18, 200}, Boundary::self, ByteRange{218, 5}, {}});
  header.instance = 1;
  header.range = {223, 10};
  sink.on(SectionBegin{header, {}});
  sink.on(RamPages{{}, {233, 50}, {}});
  sink.on(SectionEnd{header, {233, 50}, Boundary::self, std::nullopt, {}});
  end();
  EXPECT_EQ(runs, (std::vector<std::string>{"0+8 stream header []", "8+10 section header [ram]", "18+200 RAM pages [ram]",
                                            "218+5 section footer [ram]", "223+10 section header [ram#1]", "233+50 RAM pages [ram#1]"}));
  EXPECT_TRUE(coverage.tiles());
  EXPECT_EQ(coverage.end(), 283u);
}

TEST_F(CoverageTest, LostBytesAreMarkedAndPaddingIsNot) {
  gap(Gap::Kind::lost, {0, 5});
  gap(Gap::Kind::lost, {5, 5});
  gap(Gap::Kind::padding, {10, 5});
  gap(Gap::Kind::trailing, {15, 5});
  end();
  EXPECT_EQ(runs, (std::vector<std::string>{"0+10 lost [] lost", "10+5 padding []", "15+5 trailing bytes [] lost"}));
  EXPECT_TRUE(coverage.tiles());
}

TEST_F(CoverageTest, HolesAndOverlapsAreNoticed) {
  gap(Gap::Kind::lost, {0, 5});
  gap(Gap::Kind::lost, {6, 5});
  end();
  EXPECT_FALSE(coverage.tiles());
  EXPECT_EQ(runs.size(), 2u);
}

TEST_F(CoverageTest, OverlapsAreNoticed) {
  gap(Gap::Kind::lost, {0, 5});
  gap(Gap::Kind::lost, {4, 5});
  EXPECT_FALSE(coverage.tiles());
}

TEST_F(CoverageTest, EmptyClaimsSayNothing) {
  gap(Gap::Kind::lost, {0, 5});
  gap(Gap::Kind::padding, {99, 0});
  gap(Gap::Kind::lost, {5, 1});
  end();
  EXPECT_TRUE(coverage.tiles());
  EXPECT_EQ(runs, (std::vector<std::string>{"0+6 lost [] lost"}));
}

TEST_F(CoverageTest, LabelsOfPiecesMayDieAfterTheCall) {
  {
    std::string label = "first label that lives on the heap";
    sink.on(Payload{label, {0, 1}, {}});
    label.assign(label.size(), '#');
  }
  end();
  EXPECT_EQ(runs, (std::vector<std::string>{"0+1 first label that lives on the heap []"}));
}

}  // namespace
}  // namespace vmstate::test
