// SPDX-License-Identifier: Apache-2.0
// Commands, and packages of records inside them.
#include <gtest/gtest.h>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

// RAM that begins, something in the middle, RAM that ends.
StreamResult run_between(const StreamBuilder& middle, bool pipe = false) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2);
  b.raw(middle.bytes()).end(2).eos().footer(2).eof();
  return run_stream(b.bytes(), {.passes = false}, pipe ? pipe_like : MemorySource::Options{});
}
constexpr Offset middle_at = 8 + 9 + (1 + 4 + 1 + 3 + 8) + (8 + 2 + 8) + (8 + 2 + 1) + 8 + 5;

TEST(Command, EveryKnownOneIsNamed) {
  StreamBuilder b;
  b.command(1).command(2, hex("00000001")).command(3).command(3, ByteVector(16, 0)).command(4).command(5).command(6, hex("00 01 02"));
  b.command(8).command(9).command(10, hex("0172")).command(11);
  const auto result = run_between(b);
  expect_codes(result, {});
  for (const char* name : {"open_return_path", "ping", "postcopy_advise", "postcopy_listen", "postcopy_run", "postcopy_ram_discard",
                           "enable_colo", "postcopy_resume", "recv_bitmap", "switchover_start"})
    EXPECT_NE(result.text().find(std::string(" ") + name + "\n"), std::string::npos) << name;
}

TEST(Command, AnUnknownNumberIsReportedAndPassed) {
  const auto result = run_between(StreamBuilder().command(99, hex("0102")));
  expect_codes(result, {Code::command_unknown});
  expect_finding(result, Code::command_unknown, {middle_at, 5});
}

TEST(Command, AWrongLengthIsReportedAndPassed) {
  const auto result = run_between(StreamBuilder().command(2, hex("00")));
  expect_codes(result, {Code::command_bad_length});
  expect_finding(result, Code::command_bad_length, {middle_at + 3, 2});
  expect_codes(run_between(StreamBuilder().command(3, ByteVector(15, 0))), {Code::command_bad_length});
}

TEST(Command, CutAtEveryByteIsTruncated) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2);
  const std::size_t begin = b.size();
  b.command(6, hex("00 01 02"));
  for (std::size_t size = begin + 1; size < b.size(); ++size) {
    const auto result = run_stream(ByteVector(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(size)), {.passes = false});
    expect_codes(result, {Code::ends_in_command});
    expect_finding(result, Code::ends_in_command, {begin, size - begin});
  }
}

void two_devices(StreamBuilder& b) {
  b.command(4).full(7, "timer", 2).fill(24, 0x11).footer(7).full(8, "slirp", 1).fill(10, 0x22).footer(8).command(5);
}

TEST(Package, ItsRecordsAreSectionsOfItsDepth) {
  for (const bool pipe : {false, true}) {
    const auto result = run_between(StreamBuilder().package(two_devices), pipe);
    expect_codes(result, {});
    ASSERT_TRUE(result.section("timer"));
    ASSERT_TRUE(result.section("slirp"));
    EXPECT_EQ(result.section("timer")->body.size, 24u);
    EXPECT_EQ(result.section("slirp")->body.size, 10u);
    EXPECT_NE(result.text().find("package-end"), std::string::npos);
  }
}

TEST(Package, MayBeEmpty) { expect_codes(run_between(StreamBuilder().package([](StreamBuilder&) {})), {}); }

TEST(Package, OneInsideAnotherIsReadAndReported) {
  const auto result = run_between(StreamBuilder().package([](StreamBuilder& b) { b.package(two_devices); }));
  StreamBuilder inner;
  two_devices(inner);
  expect_codes(result, {Code::package_nested});
  expect_finding(result, Code::package_nested, {middle_at + 9 + 9, inner.size()});
  EXPECT_EQ(result.sections.size(), 4u);
}

TEST(Package, AnAnnouncedSizeOtherThanTheRecordsIsAnOverrun) {
  StreamBuilder records;
  two_devices(records);
  for (const int difference : {-1, -20, 3}) {
    const auto announced = static_cast<std::uint32_t>(static_cast<int>(records.size()) + difference);
    const auto result = run_between(StreamBuilder().package(two_devices, announced));
    expect_finding(result, Code::package_overrun, {middle_at + 9, announced});
    EXPECT_TRUE(result.section("slirp"));
  }
}

TEST(Package, ASizeBeyondTheFileIsReported) {
  const auto result = run_between(StreamBuilder().package(two_devices, 0xffffffff));
  EXPECT_TRUE(result.section("slirp"));
  EXPECT_TRUE(result.find(Code::package_overrun)) << findings_text(result.findings);
}

TEST(Package, DeepNestingStopsAtTheLimit) {
  StreamBuilder b;
  for (int i = 0; i < 10000; ++i) b.u8(8).be16(7).be16(4).be32(0x7fffffff);
  const auto result = run_between(b);
  EXPECT_TRUE(result.find(Code::package_overrun)) << findings_text(result.findings);
}

TEST(Package, BodiesInPackagesEndBeforeTheirRecordsDo) {
  // The last section of a package in a stream without footers and description: the package tells where it ends.
  StreamBuilder b;
  b.without_footers().header().start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos();
  b.package([](StreamBuilder& inner) { inner.full(7, "timer", 2).fill(24, 0x11); });
  b.end(2).eos().eof();
  const auto result = run_stream(b.bytes(), {.passes = false});
  ASSERT_TRUE(result.section("timer"));
  EXPECT_EQ(result.section("timer")->body.size, 24u);
  EXPECT_FALSE(result.find(Code::package_overrun)) << findings_text(result.findings);
}

}  // namespace
}  // namespace vmstate::test
