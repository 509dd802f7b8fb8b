// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

struct Read {
  std::string machine;
  std::optional<std::uint32_t> page_bits;
  std::vector<std::string> capabilities;
  std::optional<std::string> uuid;
  ByteRange range;
  std::vector<std::string> fields;  ///< path offset+size
  unsigned count = 0;
};

class ConfigurationSink final : public EventSink {
 public:
  explicit ConfigurationSink(Read& out) : out_(out) {}
  void on(const Configuration& e) override {
    out_ = {e.machine, e.page_bits, e.capabilities, e.uuid, e.range, {}, out_.count + 1};
    walk_fields(*e.tree, [&](const std::string& path, const Field& field) {
      out_.fields.push_back(path + " " + std::to_string(field.range.offset) + "+" + std::to_string(field.range.size));
    });
  }

 private:
  Read& out_;
};

Read read(const ByteVector& stream) {
  Read read;
  ConfigurationSink sink(read);
  MemorySource source(stream, {.step = 1});
  const Limits limits;
  Findings findings(limits);
  ForwardReader in(source, nullptr);
  ParseContext context{in, sink, findings, limits, built_in_plugins(), {}, nullptr};
  for (const StreamParser* parser : built_in_plugins().streams)
    if (parser->name() == "qevm-v3") parser->parse(context);
  return read;
}

// A configuration and behind it the smallest stream that gives no finding of its own but the missing description.
ByteVector with_configuration(const StreamBuilder& configuration) {
  return StreamBuilder().header().raw(configuration.bytes()).bytes() +
         StreamBuilder().start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2).end(2).eos().footer(2).device(3, "timer", 1, {{"t", "uint8", hex("01")}}).eof().description().bytes();
}

StreamBuilder page_bits(std::uint32_t bits) { return StreamBuilder().subsection("configuration/target-page-bits").be32(bits); }

TEST(Configuration, AMachineName) {
  const auto read_back = read(with_configuration(StreamBuilder().configuration("pc-i440fx-7.2")));
  EXPECT_EQ(read_back.machine, "pc-i440fx-7.2");
  EXPECT_EQ(read_back.range, (ByteRange{8, 18}));
  EXPECT_EQ(read_back.fields, (std::vector<std::string>{"len 9+4", "name 13+13"}));
  EXPECT_EQ(read_back.page_bits, std::nullopt);
}

TEST(Configuration, AllSubsections) {
  StreamBuilder b;
  b.configuration("virt").raw(page_bits(12).bytes());
  b.subsection("configuration/capabilities").be32(2).counted("x-ignore-shared").counted("multifd");
  b.subsection("configuration/uuid").raw(hex("000102030405060708090a0b0c0d0e0f"));
  const auto read_back = read(with_configuration(b));
  EXPECT_EQ(read_back.page_bits, 12u);
  EXPECT_EQ(read_back.capabilities, (std::vector<std::string>{"x-ignore-shared", "multifd"}));
  EXPECT_EQ(read_back.uuid, "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(read_back.range, (ByteRange{8, b.size()}));
  EXPECT_EQ(read_back.fields.size(), 2u + 2 + 4 + 2);
}

TEST(Configuration, IsWholeWithoutFindings) {
  const auto result = run_stream(with_configuration(StreamBuilder().configuration("virt").raw(page_bits(12).bytes())));
  expect_codes(result, {});
  EXPECT_EQ(result.end.page_size, 4096u);
}

TEST(Configuration, PageBitsGiveThePageSize) {
  const auto stream = StreamBuilder().header().configuration("virt").raw(page_bits(10).bytes()).start(2, "ram", 4)
                          .mem_size({{"r", 0x800}}).page(0, 1, "r", 1024).page(0x400, 2, {}, 1024).eos().footer(2)
                          .end(2).eos().footer(2).eof().bytes();
  const auto result = run_stream(stream);
  EXPECT_EQ(result.end.page_size, 1024u);
  EXPECT_EQ(result.pages.size(), 4u);
  EXPECT_EQ(result.never_sent, 0u);
}

TEST(Configuration, AnUnknownSubsectionIsPassedOver) {
  StreamBuilder b;
  b.configuration("virt").mark("unknown").subsection("configuration/new-thing").be32(0xfffffff0).raw(page_bits(12).bytes());
  const auto result = run_stream(with_configuration(b));
  expect_codes(result, {Code::configuration_unknown_part});
  expect_finding(result, Code::configuration_unknown_part, {8 + b.at("unknown"), 1 + 1 + 23 + 4});
  EXPECT_EQ(read(with_configuration(b)).page_bits, 12u);
}

TEST(Configuration, AnUnprintableName) {
  const auto result = run_stream(with_configuration(StreamBuilder().configuration("pc\x01q35")));
  expect_codes(result, {Code::configuration_odd_name});
  expect_finding(result, Code::configuration_odd_name, {13, 6});
}

TEST(Configuration, ANameOfImpossibleLengthIsDamageNotAllocation) {
  const auto result = run_stream(StreamBuilder().header().u8(7).be32(0xffffffff).text("pc").bytes());
  EXPECT_TRUE(result.find(Code::configuration_damaged)) << findings_text(result.findings);
}

TEST(Configuration, CutAtEveryByteIsTruncated) {
  StreamBuilder b;
  b.header().configuration("virt").raw(page_bits(12).bytes());
  b.subsection("configuration/capabilities").be32(1).counted("multifd");
  const std::size_t end_of_name = 8 + 9;
  for (std::size_t size = 9; size < b.size(); ++size) {
    SCOPED_TRACE(size);
    const auto result = run_stream(ByteVector(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(result.end.kind, StreamEndKind::truncated);
    const bool border = size == end_of_name || size == end_of_name + page_bits(12).size();
    expect_codes(result, {border ? Code::ends_between_sections : Code::configuration_damaged});
  }
}

TEST(Configuration, ACapabilityCountBeyondTheFileIsCut) {
  const auto result = run_stream(StreamBuilder().header().configuration("virt").subsection("configuration/capabilities").be32(0xffffffff).counted("a").bytes());
  expect_codes(result, {Code::configuration_damaged});
}

TEST(Configuration, InsideTheStreamItIsMisplaced) {
  StreamBuilder b = small_stream();
  const auto at = static_cast<std::size_t>(b.at("timer"));
  const ByteVector front(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(at));
  const ByteVector back(b.bytes().begin() + static_cast<std::ptrdiff_t>(at), b.bytes().end());
  const auto extra = StreamBuilder().configuration("pc").bytes();
  const auto result = run_stream(front + extra + back);
  expect_codes(result, {Code::configuration_misplaced, Code::bytes_skipped});
  expect_finding(result, Code::configuration_misplaced, {at, 1});
  expect_finding(result, Code::bytes_skipped, {at, extra.size()});
}

}  // namespace
}  // namespace vmstate::test
