// SPDX-License-Identifier: Apache-2.0
// What is compressed here must be read by our own openers and by everybody else's programs.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>

#include "formats/encode/compressor.hpp"
#include "parsers/api/opener.hpp"
#include "parsers/api/registry.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate::test {
namespace {

constexpr std::array all_codecs{"gzip", "bzip2", "xz", "zstd", "lz4", "lzop"};

ByteVector noise(std::size_t size) {
  std::mt19937 random(11);
  ByteVector bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

struct Input {
  const char* name;
  ByteVector bytes;
};
const std::vector<Input>& inputs() {
  static const std::vector<Input> all{{"empty", {}}, {"one byte", {0x51}}, {"noise", noise(3'000'001)}, {"zeros", ByteVector(3'000'001)}};
  return all;
}

Result<void> write_in_pieces(ByteSink& sink, const ByteVector& bytes, std::size_t piece) {
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    if (auto done = sink.write(Bytes(bytes).subspan(at, std::min(piece, bytes.size() - at))); !done) return done;
  return sink.finish();
}

ByteVector compressed(std::string_view codec, const ByteVector& bytes, std::size_t piece) {
  MemorySink lower;
  const auto sink = compressor(codec, lower);
  const auto done = write_in_pieces(*sink, bytes, piece);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(lower.finished(), 1u) << "the sink below must be finished, once";
  return lower.bytes();
}

const Opener& opener_called(std::string_view name) {
  for (const Opener* opener : built_in_plugins().openers)
    if (opener->name() == name) return *opener;
  throw std::logic_error("no opener of this name");
}

// The content of a layer that must be sound to its end.
ByteVector opened(std::string_view codec, const ByteVector& coded) {
  MemorySource lower(coded);
  Findings findings{Limits{}};
  const Limits limits;
  DecodingBudget budget(limits);
  const auto file = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  const OpenContext context{lower, file, findings, limits, budget};
  const Opener& opener = opener_called(codec);
  EXPECT_TRUE(opener.recognises(Bytes(coded).first(std::min<std::size_t>(coded.size(), 512))));
  auto layer = opener.open(context);
  if (!layer) {
    ADD_FAILURE() << layer.error().message;
    return {};
  }
  MemorySink content;
  const auto copied = content.copy(*layer->content, {0, std::uint64_t{1} << 40});
  EXPECT_TRUE(copied);
  EXPECT_EQ(layer->content->end().cause, SourceEnd::Cause::clean) << layer->content->end().detail;
  opener.conclude(*layer, context);
  findings.finish();
  EXPECT_TRUE(findings.all().empty()) << findings.all().front().message;
  return content.bytes();
}

class Compressor : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!can_compress(GetParam())) GTEST_SKIP() << "this build does not compress with " << GetParam();
  }
};

TEST_P(Compressor, IsReadByOurOpener) {
  for (const Input& input : inputs())
    for (const std::size_t piece : {std::size_t{1} << 24, std::size_t{60'013}, std::size_t{4096}}) {
      SCOPED_TRACE(std::string(input.name) + " in pieces of " + std::to_string(piece));
      const ByteVector coded = compressed(GetParam(), input.bytes, piece);
      EXPECT_FALSE(coded.empty()) << "even nothing has a frame";
      // Three megabytes are not printed where they differ.
      EXPECT_TRUE(opened(GetParam(), coded) == input.bytes);
    }
}

TEST_P(Compressor, SinglesBytesMakeTheSameContent) {
  const ByteVector few = noise(300);
  EXPECT_EQ(opened(GetParam(), compressed(GetParam(), few, 1)), few);
}

TEST_P(Compressor, MakesZerosSmall) {
  EXPECT_LT(compressed(GetParam(), inputs()[3].bytes, 60'013).size(), inputs()[3].bytes.size() / 50);
}

TEST_P(Compressor, MakesNoiseLittleLarger) {
  EXPECT_LT(compressed(GetParam(), inputs()[2].bytes, 60'013).size(), inputs()[2].bytes.size() + inputs()[2].bytes.size() / 50);
}

TEST_P(Compressor, IsReadByTheProgramItself) {
  const std::string program = GetParam();
  if (std::system(("command -v " + program + " >/dev/null").c_str()) != 0) {
    std::cerr << "SKIPPED: there is no program " << program << "\n";
    GTEST_SKIP();
  }
  const ScratchFolder scratch;
  const std::string coded = scratch / "coded", decoded = scratch / "decoded", expected = scratch / "expected";
  for (const Input& input : inputs()) {
    SCOPED_TRACE(input.name);
    write_file(coded, compressed(program, input.bytes, 60'013));
    write_file(expected, input.bytes);
    EXPECT_EQ(std::system((program + " -t -q <'" + coded + "' >/dev/null").c_str()), 0);
    EXPECT_EQ(std::system((program + " -d -c <'" + coded + "' >'" + decoded + "' && cmp '" + decoded + "' '" + expected + "'").c_str()), 0);
  }
}

TEST_P(Compressor, TellsOfAFullDiskWhereverItIs) {
  const ByteVector& bytes = inputs()[2].bytes;
  const std::size_t whole = compressed(GetParam(), bytes, 60'013).size();
  for (const std::size_t room : {std::size_t{0}, std::size_t{5}, whole / 2, whole - 1}) {
    SCOPED_TRACE(room);
    FullSink lower(room);
    {
      const auto sink = compressor(GetParam(), lower);
      const auto done = write_in_pieces(*sink, bytes, 60'013);
      ASSERT_FALSE(done);
      EXPECT_EQ(done.error().message, "the disk is full");
      EXPECT_EQ(done.error().kind, Fault::Kind::medium);
      EXPECT_FALSE(sink->write(Bytes(bytes).first(1 << 20)) && sink->finish()) << "an error is not forgotten";
    }
    EXPECT_GE(lower.refused(), 1u);
    EXPECT_EQ(lower.finished(), 0u) << "what failed is not finished";
  }
}

TEST_P(Compressor, AbandonedWorkEndsNothing) {
  MemorySink lower;
  std::size_t before = 0;
  {
    const auto sink = compressor(GetParam(), lower);
    ASSERT_TRUE(sink->write(Bytes(inputs()[2].bytes).first(1 << 20)));
    before = lower.bytes().size();
  }
  EXPECT_EQ(lower.finished(), 0u);
  EXPECT_EQ(lower.bytes().size(), before) << "nothing is written while the stack is taken down";
}

TEST_P(Compressor, StacksOnItself) {
  MemorySink lowest;
  const auto outer = compressor(GetParam(), lowest);
  const auto inner = compressor(GetParam(), *outer);
  const ByteVector few = noise(5000);
  ASSERT_TRUE(write_in_pieces(*inner, few, 7));
  EXPECT_EQ(opened(GetParam(), opened(GetParam(), lowest.bytes())), few);
}

INSTANTIATE_TEST_SUITE_P(, Compressor, testing::ValuesIn(all_codecs),
                         [](const testing::TestParamInfo<const char*>& codec) { return std::string(codec.param); });

TEST(CompressorNames, OthersAreUnknown) {
  MemorySink lower;
  for (const std::string_view name : {"", "zip", "GZIP", "libvirt-save", "qevm"}) {
    EXPECT_FALSE(can_compress(name)) << name;
    EXPECT_EQ(compressor(name, lower), nullptr) << name;
  }
}

}  // namespace
}  // namespace vmstate::test
