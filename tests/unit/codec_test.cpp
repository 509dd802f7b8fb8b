// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "parsers/api/opener.hpp"
#include "tests/support/compress.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate {
const Opener& opener_gzip();
const Opener& opener_bzip2();
const Opener& opener_xz();
const Opener& opener_zstd();
const Opener& opener_lz4();
const Opener& opener_lzop();
}  // namespace vmstate

namespace vmstate::test {
namespace {

using Cause = SourceEnd::Cause;

struct Codec {
  const char* name;
  const Opener& (*opener)();
  ByteVector (*member)(const ByteVector&);
};

std::ostream& operator<<(std::ostream& out, const Codec& codec) { return out << codec.name; }

// Bytes that no codec can make smaller, so that they fill many blocks.
ByteVector noise(std::size_t size) {
  std::mt19937 random(7);
  ByteVector bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

ByteVector words(std::size_t size) {
  constexpr std::string_view text = "section footer page block ";
  ByteVector bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(text[(i + i / 97) % text.size()]));
  return bytes;
}

ByteVector first(const ByteVector& bytes, std::size_t count) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(count, bytes.size()))};
}

bool is_prefix(const ByteVector& part, const ByteVector& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

// A layer, read to its end and concluded.
struct Decoded {
  ByteVector content;
  SourceEnd end;
  Layer layer;
  std::vector<Finding> findings;
};

struct Reading {
  MemorySource::Options lower = {};
  Limits limits = {};
  std::size_t want = 4096;
};

Decoded decode(const Opener& opener, const ByteVector& compressed, const Reading& reading = {}) {
  MemorySource lower(compressed, reading.lower);
  Findings findings(reading.limits);
  const auto origin = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  DecodingBudget budget(reading.limits);
  const OpenContext context{lower, origin, findings, reading.limits, budget};
  auto opened = opener.open(context);
  if (!opened) throw std::runtime_error(opened.error().message);
  Decoded decoded;
  for (;;) {
    const auto view = opened->content->view(decoded.content.size(), reading.want);
    if (!view) throw std::runtime_error(view.error().message);
    if (view->empty()) break;
    decoded.content.insert(decoded.content.end(), view->begin(), view->end());
  }
  decoded.end = opened->content->end();
  opener.conclude(*opened, context);
  decoded.layer = std::move(opened->layer);
  decoded.findings = findings.all();
  return decoded;
}

std::vector<Code> codes(const Decoded& decoded) {
  std::vector<Code> codes;
  for (const Finding& finding : decoded.findings) codes.push_back(finding.code);
  return codes;
}

std::uint64_t members(const Decoded& decoded) {
  for (const auto& detail : decoded.layer.details)
    if (detail.key == "members") return std::get<std::uint64_t>(detail.value);
  return 0;
}

bool has_part(const Decoded& decoded, std::string_view label, ByteRange range) {
  return std::ranges::any_of(decoded.layer.parts,
                             [&](const LayerPart& part) { return part.label == label && part.range == range; });
}

class CodecTest : public testing::TestWithParam<Codec> {
 protected:
  void SetUp() override {
    if (!opener().available()) GTEST_SKIP() << opener().name() << " is not in this build";
  }
  const Opener& opener() const { return GetParam().opener(); }
  ByteVector member(const ByteVector& data) const { return GetParam().member(data); }
};

TEST_P(CodecTest, IsRecognisedByItsFirstBytes) {
  EXPECT_EQ(opener().name(), GetParam().name);
  EXPECT_TRUE(opener().recognises(first(member(words(600)), 512)));
  EXPECT_TRUE(opener().recognises(member({})));
  EXPECT_FALSE(opener().recognises(hex("'QEVM' 00 00 00 03")));
  EXPECT_FALSE(opener().recognises({}));
}

TEST_P(CodecTest, GivesBackWhatWasCompressed) {
  for (const ByteVector& data : {ByteVector{}, words(1), words(700'000), noise(700'000), ByteVector(700'000, 0)}) {
    const ByteVector compressed = member(data);
    const Decoded decoded = decode(opener(), compressed);
    EXPECT_EQ(decoded.content, data);
    EXPECT_EQ(decoded.end.cause, Cause::clean);
    EXPECT_EQ(decoded.end.offset, data.size());
    EXPECT_EQ(decoded.end.lower_offset, compressed.size());
    EXPECT_EQ(decoded.layer.size, compressed.size());
    EXPECT_EQ(members(decoded), 1u);
    EXPECT_TRUE(has_part(decoded, std::string(opener().name()) + " data", {0, compressed.size()}));
    EXPECT_TRUE(decoded.findings.empty());
  }
}

TEST_P(CodecTest, DoesNotDependOnHowBytesArrive) {
  const ByteVector data = words(3000) + noise(3000);
  const ByteVector compressed = member(data) + member(words(500));
  const ByteVector whole = decode(opener(), compressed).content;
  for (const std::size_t step : {1u, 7u, 4096u})
    for (const std::size_t want : {1u, 13u, 100'000u}) {
      const Decoded decoded = decode(opener(), compressed, {{step, false, false}, {}, want});
      EXPECT_EQ(decoded.content, whole);
      EXPECT_EQ(decoded.end.cause, Cause::clean);
    }
}

TEST_P(CodecTest, DeliversAllOfEveryPrefixAndCallsItCut) {
  const ByteVector data = words(2000) + noise(300);
  const ByteVector compressed = member(data);
  std::size_t most = 0;
  for (std::size_t size = 1; size < compressed.size(); ++size) {
    const Decoded decoded = decode(opener(), first(compressed, size));
    ASSERT_EQ(decoded.end.cause, Cause::cut) << size;
    ASSERT_EQ(decoded.end.lower_offset, size);
    ASSERT_EQ(decoded.end.offset, decoded.content.size());
    ASSERT_TRUE(is_prefix(decoded.content, data));
    ASSERT_GE(decoded.content.size(), most) << "a longer prefix gave less";
    ASSERT_EQ(codes(decoded), std::vector{Code::layer_cut});
    most = decoded.content.size();
  }
  EXPECT_GE(most, data.size());
}

TEST_P(CodecTest, NoticesAlmostEveryChangedByte) {
  const ByteVector data = words(1500);
  const ByteVector compressed = member(data);
  std::size_t damaged = 0;
  for (std::size_t at = 0; at < compressed.size(); ++at) {
    const Decoded decoded = decode(opener(), with_byte(compressed, at, compressed[at] ^ 0x55));
    // Names and times in headers are not protected everywhere: nothing else may pass.
    if (decoded.end.cause == Cause::clean) {
      EXPECT_EQ(decoded.content, data) << at;
    }
    damaged += decoded.end.cause == Cause::corrupt;
  }
  EXPECT_GE(damaged, compressed.size() / 2);
}

TEST_P(CodecTest, DeliversWhatStandsBeforeDamage) {
  const ByteVector data = noise(2'000'000);
  ByteVector compressed = member(data);
  const std::size_t damage = compressed.size() * 3 / 4;
  std::fill_n(compressed.begin() + static_cast<std::ptrdiff_t>(damage), 5000, std::uint8_t{0xff});
  const Decoded decoded = decode(opener(), compressed);
  EXPECT_EQ(decoded.end.cause, Cause::corrupt);
  EXPECT_FALSE(decoded.end.detail.empty());
  ASSERT_GE(decoded.content.size(), data.size() / 2);
  EXPECT_TRUE(is_prefix(first(decoded.content, data.size() / 2), data));
  ASSERT_EQ(codes(decoded), std::vector{Code::layer_corrupt});
  EXPECT_EQ(decoded.findings[0].range.offset, decoded.end.lower_offset);
  EXPECT_NE(decoded.findings[0].message.find(std::to_string(decoded.end.offset)), std::string::npos);
}

TEST_P(CodecTest, JoinsMembers) {
  const ByteVector compressed = member(words(100)) + member({}) + member(noise(5000));
  const Decoded decoded = decode(opener(), compressed);
  EXPECT_EQ(decoded.content, words(100) + noise(5000));
  EXPECT_EQ(decoded.end.cause, Cause::clean);
  EXPECT_EQ(members(decoded), 3u);
}

TEST_P(CodecTest, IsCleanWhereItEndsBetweenMembers) {
  const ByteVector one = member(words(100));
  EXPECT_EQ(decode(opener(), one).end.cause, Cause::clean);
  EXPECT_EQ(decode(opener(), first(one + one, one.size() + 1)).end.cause, Cause::cut);
}

TEST_P(CodecTest, TakesZerosBehindTheEndForPadding) {
  const ByteVector one = member(words(100));
  for (const std::size_t zeros : {1u, 4u, 70'000u}) {
    const Decoded decoded = decode(opener(), one + ByteVector(zeros, 0));
    EXPECT_EQ(decoded.content, words(100));
    EXPECT_EQ(decoded.end.cause, Cause::clean);
    EXPECT_EQ(decoded.end.lower_offset, one.size());
    EXPECT_TRUE(has_part(decoded, "zero padding", {one.size(), zeros}));
    EXPECT_TRUE(decoded.findings.empty());
  }
}

TEST_P(CodecTest, ReportsWhatFollowsTheEnd) {
  const ByteVector one = member(words(100));
  const ByteVector garbage = hex("'old content'");
  for (const std::size_t zeros : {0u, 3u}) {
    const Decoded decoded = decode(opener(), one + ByteVector(zeros, 0) + garbage);
    EXPECT_EQ(decoded.content, words(100));
    EXPECT_EQ(decoded.end.cause, Cause::clean);
    ASSERT_EQ(codes(decoded), std::vector{Code::layer_trailing});
    EXPECT_EQ(decoded.findings[0].range, (ByteRange{one.size() + zeros, garbage.size()}));
    EXPECT_EQ(decoded.findings[0].evidence, garbage);
    EXPECT_TRUE(has_part(decoded, "trailing bytes", {one.size() + zeros, garbage.size()}));
  }
}

TEST_P(CodecTest, ReportsAFalseMemberAsWhatFollows) {
  const ByteVector one = member(words(100));
  ByteVector almost = member(words(100));
  almost[2] ^= 0xff;
  const Decoded decoded = decode(opener(), one + almost);
  EXPECT_EQ(decoded.content, words(100));
  EXPECT_EQ(codes(decoded), std::vector{Code::layer_trailing});
  EXPECT_EQ(decoded.findings.at(0).range.offset, one.size());
}

TEST_P(CodecTest, StopsAtTheLimitOfExpansion) {
  Reading reading;
  reading.limits.expansion = 300'000;
  const Decoded decoded = decode(opener(), member(ByteVector(5'000'000, 0)), reading);
  EXPECT_EQ(decoded.end.cause, Cause::limit);
  EXPECT_GE(decoded.content.size(), reading.limits.expansion);
  EXPECT_LT(decoded.content.size(), 2 * reading.limits.expansion);
  EXPECT_EQ(codes(decoded), std::vector{Code::expansion_too_large});
}

TEST_P(CodecTest, StopsAtTheLimitOfExpansionInManyMembers) {
  Reading reading;
  reading.limits.expansion = 300'000;
  ByteVector compressed;
  for (int i = 0; i < 100; ++i) compressed = std::move(compressed) + member(ByteVector(10'000, 0));
  EXPECT_EQ(decode(opener(), compressed, reading).end.cause, Cause::limit);
}

TEST_P(CodecTest, LetsSmallLayersHaveAnyRatio) {
  Reading reading;
  reading.limits.expansion_ratio = 2;
  EXPECT_EQ(decode(opener(), member(ByteVector(5'000'000, 0)), reading).end.cause, Cause::clean);
}

TEST_P(CodecTest, TakesNoMoreMemoryThanItMay) {
  Reading reading;
  reading.limits.decoder_memory = 50'000;
  const Decoded decoded = decode(opener(), member(ByteVector(200'000, 'x')), reading);
  EXPECT_TRUE(decoded.content.empty());
  EXPECT_EQ(decoded.end.cause, Cause::memory);
  EXPECT_EQ(codes(decoded), std::vector{Code::limit_decoder_memory});
}

TEST_P(CodecTest, PassesFaultsOfTheMediumOn) {
  class Failing final : public ByteSource {
   public:
    explicit Failing(ByteVector bytes) : good_(std::move(bytes)) {}
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    bool seekable() const override { return true; }
    Result<Bytes> view(Offset at, std::size_t want) override {
      auto view = good_.view(at, want);
      if (view->empty()) return medium_fault("the disk is gone");
      return view;
    }
    SourceEnd end() const override { return {}; }

   private:
    MemorySource good_;
  };
  const ByteVector data = noise(300'000);
  Failing lower(first(member(data), 250'000));
  const Limits limits;
  Findings findings(limits);
  DecodingBudget budget(limits);
  const OpenContext context{lower, nullptr, findings, limits, budget};
  auto opened = opener().open(context);
  ASSERT_TRUE(opened);
  ByteVector content;
  for (;;) {
    const auto view = opened->content->view(content.size(), 1000);
    if (!view) {
      EXPECT_EQ(view.error().message, "the disk is gone");
      break;
    }
    ASSERT_FALSE(view->empty()) << "the fault looks like an end";
    content.insert(content.end(), view->begin(), view->end());
  }
  EXPECT_TRUE(is_prefix(content, data));
  ASSERT_TRUE(opened->content->health());
  EXPECT_EQ(opened->content->health()->message, "the disk is gone");
  opener().conclude(*opened, context);
  EXPECT_TRUE(findings.all().empty()) << "nobody knows how the layer would have ended";
}

INSTANTIATE_TEST_SUITE_P(All, CodecTest,
                         testing::Values(Codec{"gzip", opener_gzip, gzip_member},
                                         Codec{"bzip2", opener_bzip2, bzip2_member}, Codec{"xz", opener_xz, [](const ByteVector& data) { return xz_member(data); }},
                                         Codec{"zstd", opener_zstd, zstd_member}, Codec{"lz4", opener_lz4, lz4_member},
                                         Codec{"lzop", opener_lzop, lzop_member}),
                         [](const auto& codec) { return std::string(codec.param.name); });

TEST(Xz, JoinsStreamsWithPaddingBetweenThem) {
  const ByteVector compressed = xz_member(words(100)) + ByteVector(8, 0) + xz_member(words(50));
  const Decoded decoded = decode(opener_xz(), compressed);
  EXPECT_EQ(decoded.content, words(100) + words(50));
  EXPECT_TRUE(decoded.findings.empty());
}

TEST(Xz, OpensTheDictionaryOfTheHighestPreset) {
  const Decoded decoded = decode(opener_xz(), xz_member(words(100), 9));
  EXPECT_EQ(decoded.content, words(100));
  EXPECT_TRUE(decoded.findings.empty());
}

TEST(Xz, RefusesADictionaryThatNeedsTooMuchMemory) {
  Reading reading;
  reading.limits.decoder_memory = 64u << 20;  // the dictionary alone takes this
  const Decoded decoded = decode(opener_xz(), xz_member(words(100), 9), reading);
  EXPECT_TRUE(decoded.content.empty());
  EXPECT_EQ(codes(decoded), std::vector{Code::limit_decoder_memory});
}

TEST(Xz, TakesNoStreamBehindPaddingOfAnOddLength) {
  const ByteVector compressed = xz_member(words(100)) + ByteVector(3, 0) + xz_member(words(50));
  EXPECT_EQ(codes(decode(opener_xz(), compressed)), std::vector{Code::layer_trailing});
}

TEST(Gzip, StopsAtTheLimitOfRatio) {
  Reading reading;
  reading.limits.expansion_ratio = 2;
  reading.limits.expansion_floor = 1'000'000;
  const Decoded decoded = decode(opener_gzip(), gzip_member(ByteVector(5'000'000, 0)), reading);
  EXPECT_EQ(decoded.end.cause, Cause::limit);
  EXPECT_GE(decoded.content.size(), 1'000'000u);
  EXPECT_LT(decoded.content.size(), 2'000'000u);
  EXPECT_EQ(codes(decoded), std::vector{Code::expansion_too_large});
}

TEST(Gzip, TellsTheNameInItsHeader) {
  const ByteVector plain = gzip_member(words(10));
  ByteVector named = first(plain, 10) + hex("'state' 00");
  named[3] = 0x08;
  named.insert(named.end(), plain.begin() + 10, plain.end());
  const Decoded decoded = decode(opener_gzip(), named);
  EXPECT_EQ(decoded.content, words(10));
  ASSERT_FALSE(decoded.layer.details.empty());
  EXPECT_EQ(decoded.layer.details[0].key, "original_name");
  EXPECT_EQ(std::get<std::string>(decoded.layer.details[0].value), "state");
}

TEST(Zstd, PassesSkippableFrames) {
  const ByteVector skippable = hex("50 2a 4d 18 05 00 00 00 'hello'");
  EXPECT_TRUE(opener_zstd().recognises(skippable + zstd_member(words(10))));
  EXPECT_FALSE(opener_lz4().recognises(skippable + zstd_member(words(10))));
  const Decoded decoded =
      decode(opener_zstd(), skippable + zstd_member(words(10)) + skippable + zstd_member(words(20)));
  EXPECT_EQ(decoded.content, words(10) + words(20));
  EXPECT_TRUE(decoded.findings.empty());
}

// Magic; no size, no checksum; the window; a last raw block of one byte.
ByteVector zstd_frame_with_window(const char* window) { return hex("28 b5 2f fd 00") + hex(window) + hex("09 00 00 41"); }

TEST(Zstd, OpensTheLargestWindowThatZstdWritesWithoutBeingToldTo) {
  const Decoded decoded = decode(opener_zstd(), zstd_frame_with_window("88"));  // 2^27 bytes
  EXPECT_EQ(decoded.content, ByteVector{0x41});
  EXPECT_EQ(decoded.end.cause, Cause::clean);
}

TEST(Zstd, RefusesWindowsThatNeedTooMuchMemory) {
  const Decoded decoded = decode(opener_zstd(), zstd_frame_with_window("a8"));  // 2^31 bytes
  EXPECT_EQ(decoded.end.cause, Cause::memory);
  EXPECT_EQ(codes(decoded), std::vector{Code::limit_decoder_memory});
  EXPECT_EQ(decoded.findings.at(0).message,
            "decompressing the zstd layer was stopped at byte 4 of the compressed data, after 0 decompressed bytes: its "
            "window takes more memory than is allowed");
}

TEST(Lzop, ReadsWhatLzopWrote) {
  if (!opener_lzop().available()) GTEST_SKIP();
  const ByteVector written =
      hex("89 'LZO' 00 0d 0a 1a 0a 1040 20a0 1001 03 09 03001100 000081a4 3b9aca00 00000000 06 'lz.txt' 74bbf6ef"
          "00000054 00000017 45266bfb 1f 'one two three ' 20 24 35 000a 110000 00000000");
  const Decoded decoded = decode(opener_lzop(), written);
  EXPECT_EQ(as_text(decoded.content),
            "one two three one two three one two three one two three one two three one two three\n");
  EXPECT_EQ(decoded.end.cause, Cause::clean);
  EXPECT_EQ(std::get<std::string>(decoded.layer.details.at(0).value), "lz.txt");
  EXPECT_EQ(std::get<std::uint64_t>(decoded.layer.details.at(1).value), 1'000'000'000u);
}

TEST(Lzop, IsRecognisedWhateverTheBuildHas) { EXPECT_TRUE(opener_lzop().recognises(hex("89 'LZO' 00 0d 0a 1a 0a"))); }

}  // namespace
}  // namespace vmstate::test
