// SPDX-License-Identifier: Apache-2.0
// Headers, footers, ids: one byte or one record wrong at a time, in a stream that is otherwise whole.
#include <gtest/gtest.h>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

constexpr Offset header_size_of(std::string_view name) { return 1 + 4 + 1 + name.size() + 4 + 4; }

// `b` with `bytes` put in at `at`.
ByteVector inserted(const StreamBuilder& b, Offset at, const ByteVector& bytes) {
  ByteVector all = b.bytes();
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
  return all;
}
ByteVector without(const StreamBuilder& b, Offset from, Offset to) {
  ByteVector all = b.bytes();
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(to));
  return all;
}
StreamResult with(const StreamBuilder& b, Offset at, std::uint8_t value) {
  return run_stream(with_byte(b.bytes(), static_cast<std::size_t>(at), value));
}

class FramingTest : public testing::Test {
 protected:
  StreamBuilder b = small_stream();
  Offset footer_of_timer() const { return b.at("globalstate") - 5; }
};

TEST_F(FramingTest, AWholeStreamGivesNoFinding) {
  for (const bool footers : {true, false})
    for (const bool pipe : {false, true}) {
      const auto result = run_stream(small_stream(footers).bytes(), {}, pipe ? pipe_like : MemorySource::Options{});
      // Only new machines name themselves and have footers.
      expect_codes(result, {});
      EXPECT_EQ(result.end.kind, StreamEndKind::eof);
      EXPECT_EQ(result.end.footers, footers);
      EXPECT_TRUE(result.end.description);
      EXPECT_EQ(result.run_state, "running");
      EXPECT_EQ(result.never_sent, 0u);
      ASSERT_EQ(result.sections.size(), 6u);
      for (const char* device : {"timer", "globalstate", "cpu"}) EXPECT_EQ(result.section(device)->decoded_by, "description");
      for (const SeenSection& section : result.sections) EXPECT_EQ(section.footer, footers);
    }
}

TEST_F(FramingTest, FooterWithTheWrongId) {
  const auto result = with(b, footer_of_timer() + 4, 0x77);
  expect_codes(result, {Code::footer_wrong_id});
  expect_finding(result, Code::footer_wrong_id, {footer_of_timer() + 1, 4});
}

TEST_F(FramingTest, FooterWithoutItsMark) {
  const auto result = with(b, footer_of_timer(), 0x7f);
  expect_codes(result, {Code::footer_missing});
  expect_finding(result, Code::footer_missing, {footer_of_timer(), 1});
}

TEST_F(FramingTest, FooterMissing) {
  const auto result = run_stream(without(b, footer_of_timer(), footer_of_timer() + 5));
  expect_codes(result, {Code::footer_missing});
  expect_finding(result, Code::footer_missing, {footer_of_timer(), 1});
}

TEST_F(FramingTest, FooterTwice) {
  const auto result = run_stream(inserted(b, footer_of_timer(), StreamBuilder().footer(3).bytes()));
  expect_codes(result, {Code::stray_footer});
  expect_finding(result, Code::stray_footer, {footer_of_timer() + 5, 5});
}

TEST_F(FramingTest, OnlyTheFirstFooterMissing) {
  const Offset footer = b.at("part") - 5;
  for (const bool pipe : {false, true}) {
    const auto result = run_stream(without(b, footer, footer + 5), {}, pipe ? pipe_like : MemorySource::Options{});
    expect_codes(result, {Code::footer_missing});
    expect_finding(result, Code::footer_missing, {footer, 1});
    EXPECT_EQ(result.find(Code::footer_missing)->section, "ram");
    EXPECT_TRUE(result.end.footers);
  }
}

TEST_F(FramingTest, TheFootersOfAllRamSectionsMissing) {
  ByteVector bytes = b.bytes();
  for (const char* behind : {"timer", "end", "part"}) {
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(b.at(behind));
    bytes.erase(end - 5, end);
  }
  const auto result = run_stream(bytes);
  expect_codes(result, {Code::footer_missing});
  expect_finding(result, Code::footer_missing, {b.at("part") - 5, 1});
  for (const char* device : {"timer", "globalstate", "cpu"}) EXPECT_EQ(result.section(device)->decoded_by, "description");
}

TEST_F(FramingTest, AFooterOfRamDamaged) {
  const Offset footer = b.at("end") - 5;
  expect_finding(with(b, footer + 4, 9), Code::footer_wrong_id, {footer + 1, 4});
  expect_finding(with(b, footer, 0), Code::footer_missing, {footer, 1});
}

TEST_F(FramingTest, AByteThatIsNoSectionType) {
  for (const auto type : std::initializer_list<std::uint8_t>{0x05, 0x09, 0x6b, 0xff}) {
    const auto result = with(b, b.at("timer"), type);
    expect_finding(result, Code::unknown_section_type, {b.at("timer"), 1});
    EXPECT_TRUE(result.find(Code::device_missing));
    EXPECT_TRUE(result.section("globalstate")) << "reading goes on";
  }
}

TEST_F(FramingTest, AnEmptyName) {
  const auto result = with(b, b.at("timer") + 5, 0);
  expect_finding(result, Code::header_damaged, {b.at("timer"), header_size_of("")});
  EXPECT_TRUE(result.section("globalstate"));
}

TEST_F(FramingTest, AnUnprintableName) {
  const auto result = with(b, b.at("timer") + 6, 0x01);
  expect_finding(result, Code::header_damaged, {b.at("timer"), header_size_of("timer")});
  EXPECT_TRUE(result.section("globalstate"));
}

TEST_F(FramingTest, AnotherNameOfTheSameLengthIsDecodedAsWhatIsExpected) {
  const auto result = with(b, b.at("timer") + 6, 'T');
  expect_codes(result, {Code::device_undescribed, Code::device_missing});
  EXPECT_EQ(result.section("Timer")->decoded_by, "description");
}

TEST_F(FramingTest, AnotherInstance) {
  const auto result = with(b, b.at("timer") + 6 + 5 + 3, 1);
  expect_codes(result, {Code::device_undescribed, Code::device_missing});
}

TEST_F(FramingTest, AnotherVersion) {
  const auto result = with(b, b.at("timer") + 6 + 5 + 7, 3);
  expect_codes(result, {Code::version_differs});
  expect_finding(result, Code::version_differs, {b.at("timer"), header_size_of("timer")});
}

TEST_F(FramingTest, APartOfASectionThatWasNeverStarted) {
  const auto result = with(b, b.at("part") + 4, 9);
  expect_finding(result, Code::section_never_started, {b.at("part") + 1, 4});
  EXPECT_EQ(result.never_sent, 0u) << "the only open section takes the content: " << findings_text(result.findings);
}

TEST_F(FramingTest, ASectionIdUsedTwice) {
  const auto result = with(b, b.at("globalstate") + 4, 3);
  expect_finding(result, Code::section_id_reused, {b.at("globalstate") + 1, 4});
}

TEST_F(FramingTest, ASectionStartedTwice) {
  const auto start = StreamBuilder().start(2, "ram", 4).mem_size({{"pc.ram", 0x4000}}).eos().footer(2).bytes();
  const auto result = run_stream(inserted(b, b.at("part"), start));
  expect_finding(result, Code::started_twice, {b.at("part"), header_size_of("ram")});
}

TEST_F(FramingTest, APartBehindTheEnd) {
  const auto result = run_stream(inserted(b, b.at("timer"), StreamBuilder().part(2).eos().footer(2).bytes()));
  expect_codes(result, {Code::duplicate_part_after_end});
  expect_finding(result, Code::duplicate_part_after_end, {b.at("timer"), 5});
}

TEST_F(FramingTest, ASectionLongerThanDescribed) {
  const Offset in_body = b.at("cpu") + header_size_of("cpu") + 10;
  const auto result = run_stream(inserted(b, in_body, hex("ab cd ef")));
  expect_finding(result, Code::description_size_differs, {b.at("cpu") + header_size_of("cpu"), 39});
  EXPECT_EQ(result.section("cpu")->boundary, Boundary::footer);
}

TEST_F(FramingTest, ASectionShorterThanDescribed) {
  const Offset in_body = b.at("cpu") + header_size_of("cpu") + 10;
  const auto result = run_stream(without(b, in_body, in_body + 3));
  expect_finding(result, Code::description_size_differs, {b.at("cpu") + header_size_of("cpu"), 33});
  expect_finding(result, Code::field_beyond_body, {b.at("cpu") + header_size_of("cpu") + 4, 29});
}

TEST_F(FramingTest, ASubsectionAppended) {
  const auto extra = StreamBuilder().subsection("cpu/new").be32(7).bytes();
  const auto result = run_stream(inserted(b, b.at("eof") - 5, extra));
  expect_finding(result, Code::subsection_appended, {b.at("eof") - 5, extra.size()});
}

TEST_F(FramingTest, AnUnknownSectionIsBoundedByItsFooter) {
  const auto extra = StreamBuilder().full(77, "stranger", 1).fill(50, 0xab).footer(77).bytes();
  const auto result = run_stream(inserted(b, b.at("cpu"), extra));
  expect_codes(result, {Code::device_undescribed});
  EXPECT_EQ(result.section("stranger")->boundary, Boundary::footer);
  EXPECT_EQ(result.section("stranger")->body.size, 50u);
}

TEST_F(FramingTest, FindingsNameTheSectionTheyLieIn) {
  const auto result = with(b, footer_of_timer() + 4, 0x77);
  EXPECT_EQ(result.findings[0].section, "timer");
}

TEST_F(FramingTest, StreamsWithoutAnyHelpAreCutAtCredibleHeaders) {
  StreamBuilder plain;
  plain.without_footers().header().start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().end(2).eos();
  plain.full(3, "timer", 2).fill(24, 0x11).full(4, "mc146818rtc", 3).fill(40, 0x22).eof();
  const auto result = run_stream(plain.bytes());
  EXPECT_EQ(result.section("timer")->body.size, 24u);
  EXPECT_EQ(result.section("timer")->boundary, Boundary::scan);
  EXPECT_EQ(result.section("mc146818rtc")->body.size, 40u);
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  expect_codes(result, {Code::boundary_guessed, Code::description_missing});
}

TEST_F(FramingTest, AHugeNumberOfStartedSectionsStaysBounded) {
  StreamBuilder many;
  many.header().configuration("none");
  for (std::uint32_t id = 0; id < 5000; ++id) many.start(id, "iterable" + std::to_string(id), 1).fill(3, 0xab).footer(id);
  many.eof();
  const auto result = run_stream(many.bytes());
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  EXPECT_EQ(result.sections.size(), 5000u);
}

TEST(StreamHeader, CutAtEveryByte) {
  const auto bytes = StreamBuilder().header().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto result = run_stream(ByteVector(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    expect_codes(result, {Code::ends_in_stream_header});
    expect_finding(result, Code::ends_in_stream_header, {0, size});
  }
}

TEST(StreamHeader, AVersionThatNobodyWrote) {
  const auto contradicted = run_stream(with_byte(small_stream().bytes(), 7, 5));
  expect_codes(contradicted, {Code::stream_version_contradicted});
  expect_finding(contradicted, Code::stream_version_contradicted, {4, 4});
  const auto unknown = run_stream(StreamBuilder().header(5).raw(hex("ffffffff")).bytes());
  EXPECT_TRUE(unknown.find(Code::unknown_stream_version)) << findings_text(unknown.findings);
}

}  // namespace
}  // namespace vmstate::test
