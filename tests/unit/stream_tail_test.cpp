// SPDX-License-Identifier: Apache-2.0
// What stands at the end of a stream, or should: its end byte, the description, padding, other streams.
#include <gtest/gtest.h>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

class StreamTailTest : public testing::TestWithParam<bool> {
 protected:
  StreamBuilder b = small_stream();

  StreamResult run(const ByteVector& bytes) { return run_stream(bytes, {}, GetParam() ? pipe_like : MemorySource::Options{}); }
  ByteVector up_to(const std::string& mark) const {
    return {b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(b.at(mark))};
  }
  ByteVector behind(const std::string& mark) const {
    return {b.bytes().begin() + static_cast<std::ptrdiff_t>(b.at(mark)), b.bytes().end()};
  }
  // The stream up to the end byte and a description of our own.
  ByteVector with_description(std::string_view json, std::optional<std::uint32_t> announced = {}) const {
    return up_to("description") + StreamBuilder().description_of(json, announced).bytes();
  }
};
INSTANTIATE_TEST_SUITE_P(Arrival, StreamTailTest, testing::Bool(), [](const auto& pipe) { return pipe.param ? "pipe" : "file"; });

TEST_P(StreamTailTest, ZerosAreHarmlessPadding) {
  for (const std::size_t zeros : {1u, 512u, 5000u}) {
    const auto result = run(b.bytes() + ByteVector(zeros, 0));
    expect_codes(result, {Code::trailing_zeros});
    expect_finding(result, Code::trailing_zeros, {b.size(), zeros});
    EXPECT_EQ(result.end.kind, StreamEndKind::eof);
    EXPECT_EQ(result.end.size, b.size());
  }
}

TEST_P(StreamTailTest, GarbageFollows) {
  const auto result = run(b.bytes() + hex("de ad be ef"));
  expect_codes(result, {Code::trailing_bytes});
  expect_finding(result, Code::trailing_bytes, {b.size(), 4});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
}

TEST_P(StreamTailTest, ZerosAndGarbageFollow) {
  const auto result = run(b.bytes() + ByteVector(100, 0) + hex("de ad"));
  expect_codes(result, {Code::trailing_zeros, Code::trailing_bytes});
  expect_finding(result, Code::trailing_zeros, {b.size(), 100});
  expect_finding(result, Code::trailing_bytes, {b.size() + 100, 2});
}

TEST_P(StreamTailTest, ASecondStreamFollows) {
  StreamBuilder other;
  other.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2).end(2).eos().footer(2);
  other.device(3, "other", 1, {{"x", "uint8", hex("01")}}).eof().description();
  const auto result = run(b.bytes() + other.bytes());
  expect_codes(result, {Code::second_stream});
  expect_finding(result, Code::second_stream, {b.size(), other.size()});
  EXPECT_EQ(result.sections.size(), 6u);
}

TEST_P(StreamTailTest, AnOldSecondStreamBehindPaddingIsFoundToo) {
  const auto result = run(b.bytes() + ByteVector(4096, 0) + small_stream(false).bytes());
  expect_codes(result, {Code::trailing_zeros, Code::second_stream});
  expect_finding(result, Code::second_stream, {b.size() + 4096, small_stream(false).size()});
}

TEST_P(StreamTailTest, TheDescriptionOfASecondStreamIsNotTheFirstOnes) {
  StreamBuilder other;
  other.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2).end(2).eos().footer(2);
  other.device(3, "other", 1, {{"x", "uint8", hex("01")}}).eof().description();
  const auto result = run(up_to("description") + other.bytes());
  expect_codes(result, {Code::second_stream, Code::description_missing});
  expect_finding(result, Code::second_stream, {b.at("description"), other.size()});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  EXPECT_EQ(result.sections.size(), 6u);
}

TEST_P(StreamTailTest, AZeroByteInFrontOfASectionEndsTheStreamForLoaders) {
  ByteVector bytes = up_to("globalstate") + hex("00") + behind("globalstate");
  const auto result = run(bytes);
  expect_codes(result, {Code::premature_eof});
  expect_finding(result, Code::premature_eof, {b.at("globalstate"), 1});
  EXPECT_EQ(result.end.kind, StreamEndKind::premature_eof);
  EXPECT_TRUE(result.section("cpu"));
}

TEST_P(StreamTailTest, ATypeByteThatBecameZero) {
  const auto result = run(with_byte(b.bytes(), static_cast<std::size_t>(b.at("globalstate")), 0));
  expect_finding(result, Code::premature_eof, {b.at("globalstate"), 1});
  EXPECT_EQ(result.end.kind, StreamEndKind::premature_eof);
  ASSERT_TRUE(result.section("globalstate")) << "its other bytes are there";
  EXPECT_EQ(result.section("globalstate")->decoded_by, "description");
  expect_codes(result, {Code::premature_eof});
}

TEST_P(StreamTailTest, AHoleOverSections) {
  ByteVector bytes = b.bytes();
  const auto from = static_cast<std::ptrdiff_t>(b.at("timer")), to = static_cast<std::ptrdiff_t>(b.at("cpu"));
  std::fill(bytes.begin() + from, bytes.begin() + to, std::uint8_t{0});
  const auto result = run(bytes);
  EXPECT_EQ(result.end.kind, StreamEndKind::premature_eof);
  expect_finding(result, Code::premature_eof, {b.at("timer"), 1});
  EXPECT_TRUE(result.find(Code::zero_run)) << findings_text(result.findings);
  EXPECT_TRUE(result.section("cpu")) << "behind the hole reading goes on";
  EXPECT_TRUE(result.find(Code::device_missing));
}

TEST_P(StreamTailTest, ATailOfZeros) {
  ByteVector bytes = b.bytes();
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(b.at("globalstate")), bytes.end(), std::uint8_t{0});
  const auto result = run(bytes);
  EXPECT_EQ(result.end.kind, StreamEndKind::premature_eof);
  EXPECT_TRUE(result.find(Code::premature_eof)) << findings_text(result.findings);
}

TEST_P(StreamTailTest, NoEndByte) {
  const auto result = run(up_to("eof"));
  EXPECT_EQ(result.end.kind, StreamEndKind::truncated);
  expect_finding(result, Code::ends_between_sections, {b.at("eof"), 0});
}

TEST_P(StreamTailTest, NoDescriptionBehindTheEndByte) {
  const auto result = run(up_to("description"));
  expect_codes(result, {Code::description_missing});
  expect_finding(result, Code::description_missing, {b.at("description"), 0});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
}

TEST_P(StreamTailTest, ADescriptionCutInItsText) {
  ByteVector bytes = b.bytes();
  bytes.resize(bytes.size() - 40);
  const auto result = run(bytes);
  expect_finding(result, Code::description_cut, {bytes.size(), 0});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof) << "every loader takes it";
  EXPECT_EQ(result.section("globalstate")->decoded_by, "description") << "devices described in front of the cut are decoded";
}

TEST_P(StreamTailTest, ADescriptionCutAtEveryByteLosesNoSection) {
  for (std::size_t size = b.at("description"); size < b.size(); ++size) {
    SCOPED_TRACE(size);
    const auto result = run(ByteVector(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(result.end.kind, StreamEndKind::eof) << findings_text(result.findings);
    EXPECT_EQ(result.sections.size(), 6u);
    EXPECT_EQ(result.section("cpu")->body.size, 36u);
    EXPECT_FALSE(result.findings.empty());
  }
}

TEST_P(StreamTailTest, ADescriptionThatIsNoJson) {
  std::string json = b.description_text();
  const std::size_t at = json.find("\"globalstate\"") - 1;
  json[at] = '#';
  const auto result = run(with_description(json));
  expect_finding(result, Code::description_corrupt, {b.at("description") + 5 + at, 1});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  EXPECT_EQ(result.section("timer")->decoded_by, "description");
}

TEST_P(StreamTailTest, ADescriptionAnnouncedTooShort) {
  const auto json = b.description_text();
  const auto result = run(with_description(json, static_cast<std::uint32_t>(json.size() - 10)));
  expect_finding(result, Code::description_length_wrong, {b.at("description") + 1, 4});
  EXPECT_EQ(result.section("cpu")->decoded_by, "description");
}

TEST_P(StreamTailTest, ADescriptionAnnouncedTooLong) {
  const auto json = b.description_text();
  const auto result = run(with_description(json, static_cast<std::uint32_t>(json.size() + 10)));
  EXPECT_TRUE(result.find(Code::description_length_wrong) || result.find(Code::description_cut)) << findings_text(result.findings);
  EXPECT_EQ(result.section("cpu")->decoded_by, "description");
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
}

TEST_P(StreamTailTest, ADescriptionAnnouncedTooLongWithZerosBehind) {
  const auto json = b.description_text();
  const auto result = run(with_description(json, static_cast<std::uint32_t>(json.size() + 10)) + ByteVector(512, 0));
  expect_codes(result, {Code::description_length_wrong, Code::trailing_zeros});
}

TEST_P(StreamTailTest, BytesBetweenTheEndAndTheDescription) {
  const auto result = run(up_to("description") + hex("ff ff ff") + hex("00") + behind("description"));
  EXPECT_TRUE(result.find(Code::description_misplaced) || result.find(Code::trailing_bytes)) << findings_text(result.findings);
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  EXPECT_EQ(result.sections.size(), 6u);
}

TEST_P(StreamTailTest, ADescriptionWithoutDevicesIsOdd) {
  const auto result = run(with_description(R"({"page_size": 4096, "machines": []})"));
  EXPECT_TRUE(result.find(Code::description_odd)) << findings_text(result.findings);
}

TEST_P(StreamTailTest, APageSizeThatCannotBe) {
  for (const std::uint64_t page_size : {0u, 1u, 4095u, 131072u}) {
    const auto result = run(with_description(b.description_text(page_size)));
    expect_codes(result, {Code::description_page_size_odd});
    expect_finding(result, Code::description_page_size_odd, {b.at("description"), 5});
    EXPECT_EQ(result.pages.size(), 7u);
  }
}

TEST_P(StreamTailTest, ADescriptionBeyondTheLimitIsNotUsed) {
  Limits limits;
  limits.description_fields = 3;
  const auto result = run_stream(b.bytes(), {.limits = limits}, GetParam() ? pipe_like : MemorySource::Options{});
  EXPECT_TRUE(result.find(Code::description_too_large)) << findings_text(result.findings);
  EXPECT_EQ(result.sections.size(), 6u) << "footers delimit the sections";
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
}

}  // namespace
}  // namespace vmstate::test
