// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "parsers/source/foreign_formats.hpp"
#include "parsers/source/open_chain.hpp"
#include "parsers/source/stream_head.hpp"
#include "tests/support/compress.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate {
const Opener& opener_gzip();
const Opener& opener_zstd();
const Opener& opener_xz();
}  // namespace vmstate

namespace vmstate::test {
namespace {

const ByteVector header = hex("'QEVM' 00 00 00 03");
const ByteVector configuration = hex("07 0000000d 'pc-i440fx-7.2'");
const ByteVector section = hex("04 00000005 05 'timer' 00000000 00000002");
const ByteVector stream = header + configuration + section + ByteVector(100, 0x55);

class StreamStub final : public StreamParser {
 public:
  std::string_view name() const override { return "qevm-v3"; }
  std::string_view description() const override { return ""; }
  bool recognises(Bytes head) const override { return as_text(head).starts_with(as_text(header)); }
  void parse(ParseContext&) const override {}
};

// A layer that only says that it is one.
class ClosedOpener final : public Opener {
 public:
  std::string_view name() const override { return "closed"; }
  std::string_view description() const override { return ""; }
  bool available() const override { return false; }
  bool recognises(Bytes head) const override { return as_text(head).starts_with("CLOSED"); }
  Result<Opened> open(const OpenContext&) const override { return medium_fault("must not be called"); }
};

class OpenChainTest : public testing::Test {
 protected:
  OpenChainTest() {
    registry_.streams = {&stream_stub_};
    registry_.openers = {&opener_gzip(), &opener_zstd(), &opener_xz(), &closed_};
  }

  OpenChain& open(ByteVector bytes, MemorySource::Options options = {}) {
    chain_.reset();
    findings_.emplace(limits_);
    auto chain =
        OpenChain::open(std::make_unique<MemorySource>(std::move(bytes), options), registry_, *findings_, limits_);
    if (!chain) throw std::runtime_error(chain.error().message);
    chain_ = std::move(*chain);
    return *chain_;
  }
  OpenChain& open_pipe(ByteVector bytes) { return open(std::move(bytes), {1, false, false}); }

  std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const Layer& layer : chain_->layers()) kinds.push_back(layer.kind);
    return kinds;
  }
  std::vector<Code> codes() const {
    std::vector<Code> codes;
    for (const Finding& finding : findings_->all()) codes.push_back(finding.code);
    return codes;
  }
  const Finding& finding() const { return findings_->all().at(0); }

  // Reads all that is left and gives it back.
  ByteVector content() {
    ByteVector bytes;
    for (;;) {
      const auto view = chain_->innermost().view(bytes.size(), 100);
      if (!view) throw std::runtime_error(view.error().message);
      if (view->empty()) return bytes;
      bytes.insert(bytes.end(), view->begin(), view->end());
    }
  }
  // Opens seekable and as a pipe: the answers must be the same.
  void expect_unrecognised(const ByteVector& bytes, Code code) {
    for (const bool pipe : {false, true}) {
      const OpenChain& chain = pipe ? open_pipe(bytes) : open(bytes);
      EXPECT_EQ(chain.stream(), nullptr);
      EXPECT_EQ(codes(), std::vector{code});
    }
  }

  StreamStub stream_stub_;
  ClosedOpener closed_;
  Registry registry_;
  Limits limits_;
  std::optional<Findings> findings_;
  std::unique_ptr<OpenChain> chain_;
};

TEST_F(OpenChainTest, OpensAPlainStream) {
  const OpenChain& chain = open(stream);
  EXPECT_EQ(chain.stream(), &stream_stub_);
  EXPECT_EQ(kinds(), std::vector<std::string>{"qevm"});
  EXPECT_EQ(chain.layers()[0].size, stream.size());
  EXPECT_EQ(chain.origin()->file_offset(17), 17u);
  EXPECT_EQ(content(), stream);
  EXPECT_TRUE(codes().empty());
}

TEST_F(OpenChainTest, OpensLayersInLayers) {
  for (const bool pipe : {false, true}) {
    const ByteVector file = zstd_member(gzip_member(stream));
    OpenChain& chain = pipe ? open_pipe(file) : open(file);
    EXPECT_EQ(chain.stream(), &stream_stub_);
    EXPECT_EQ(kinds(), (std::vector<std::string>{"zstd", "gzip", "qevm"}));
    EXPECT_EQ(content(), stream);
    EXPECT_EQ(chain.origin()->kind, "gzip");
    EXPECT_EQ(chain.origin()->file_offset(0), std::nullopt);
    chain.conclude(stream.size());
    EXPECT_EQ(chain.layers()[0].size, file.size());
    EXPECT_EQ(chain.layers()[2].size, stream.size());
    EXPECT_TRUE(codes().empty());
  }
}

TEST_F(OpenChainTest, ConcludesEveryLayer) {
  ByteVector inner = gzip_member(stream);
  inner.resize(inner.size() - 3);
  OpenChain& chain = open(zstd_member(inner) + hex("'tail'"));
  EXPECT_EQ(content(), stream);
  EXPECT_TRUE(codes().empty());
  chain.conclude(stream.size());
  EXPECT_EQ(codes(), (std::vector{Code::layer_cut, Code::layer_trailing}));
  EXPECT_EQ(finding().range.offset, inner.size());
  EXPECT_EQ(finding().file_offset(), std::nullopt);
  EXPECT_EQ(findings_->all()[1].file_offset(), zstd_member(inner).size());
}

TEST_F(OpenChainTest, ChecksTheLastChecksumThoughNobodyReadBehindTheStream) {
  ByteVector file = gzip_member(stream);
  file[file.size() - 6] ^= 1;
  OpenChain& chain = open(file);
  ASSERT_TRUE(chain.innermost().view(0, stream.size()));
  chain.conclude(stream.size());
  EXPECT_EQ(codes(), std::vector{Code::layer_corrupt});
}

TEST_F(OpenChainTest, StopsLayersThatTogetherExpandOutOfProportion) {
  limits_.expansion_floor = 4'000'000;
  limits_.expansion_ratio = 1000;
  const ByteVector zeros = stream + ByteVector(30'000'000, 0);
  ASSERT_LT(zstd_member(zstd_member(zeros)).size(), 1000u);
  for (const bool pipe : {false, true}) {
    const ByteVector file = zstd_member(zstd_member(zeros));
    OpenChain& chain = pipe ? open_pipe(file) : open(file);
    EXPECT_EQ(chain.stream(), &stream_stub_);
    const ByteVector read = content();
    EXPECT_GE(read.size(), 3'900'000u);
    EXPECT_LE(read.size(), 4'500'000u);
    chain.conclude(read.size());
    EXPECT_EQ(codes(), std::vector{Code::expansion_too_large});
  }
}

TEST_F(OpenChainTest, LetsLayersExpandInProportion) {
  limits_.expansion_floor = 4'000'000;
  limits_.expansion_ratio = 1100;
  const ByteVector zeros = stream + ByteVector(30'000'000, 0);
  OpenChain& chain = open(gzip_member(zeros));  // 1030 : 1, the most that deflate can do
  EXPECT_EQ(content().size(), zeros.size());
  chain.conclude(stream.size());
  EXPECT_TRUE(codes().empty());
}

TEST_F(OpenChainTest, SharesTheMemoryOfDecodersBetweenLayers) {
  limits_.decoder_memory = 100u << 20;
  const ByteVector inner = xz_member(stream, 9);  // 65 MiB each
  open(inner).conclude(stream.size());
  EXPECT_TRUE(codes().empty());
  open(xz_member(inner, 9)).conclude(0);
  EXPECT_EQ(chain_->stream(), nullptr);
  EXPECT_EQ(kinds(), (std::vector<std::string>{"xz", "xz"}));
  EXPECT_EQ(codes(), std::vector{Code::limit_decoder_memory});
}

TEST_F(OpenChainTest, SaysWhatStandsBeforeTheState) {
  struct Case {
    ByteVector before;
    std::string_view what;
  };
  for (const auto& [before, what] :
       {Case{hex("0a"), "a newline"}, Case{hex("0d 0a 0a"), "newlines"}, Case{hex("ef bb bf"), "a byte order mark"},
        Case{ByteVector(8192, 0), "zeros"}, Case{hex("'HTTP/1.1 200 OK' 0d 0a 0d 0a"), "text"},
        Case{ByteVector(3'000'000, 0x91), "bytes of an unknown kind"}})
    for (const bool pipe : {false, true}) {
      const ByteVector file = before + stream;
      OpenChain& chain = pipe ? open(file, {0, false, false}) : open(file);
      EXPECT_EQ(chain.stream(), &stream_stub_);
      EXPECT_EQ(kinds(), (std::vector<std::string>{"leading-bytes", "qevm"}));
      EXPECT_EQ(chain.stream_offset(), 0u);
      EXPECT_EQ(chain.origin()->file_offset(0), before.size());
      EXPECT_EQ(chain.layers()[0].parts.at(0).range, (ByteRange{0, before.size()}));
      EXPECT_EQ(content(), stream);
      ASSERT_EQ(codes(), std::vector{Code::leading_bytes});
      EXPECT_EQ(finding().range, (ByteRange{0, before.size()}));
      EXPECT_NE(finding().message.find(what), std::string::npos) << finding().message;
      chain.conclude(stream.size());
    }
}

TEST_F(OpenChainTest, FindsALayerBehindANewline) {
  const OpenChain& chain = open(hex("0a") + gzip_member(stream));
  EXPECT_EQ(chain.stream(), &stream_stub_);
  EXPECT_EQ(kinds(), (std::vector<std::string>{"leading-bytes", "gzip", "qevm"}));
  EXPECT_EQ(codes(), std::vector{Code::leading_bytes});
}

TEST_F(OpenChainTest, TakesOnlyCredibleHeadersForStreams) {
  const ByteVector noise(500, 0x91);
  expect_unrecognised(noise + hex("'QEVM is a magic'") + noise, Code::not_recognised);
  expect_unrecognised(noise + header + hex("ff") + noise, Code::not_recognised);
  expect_unrecognised(noise + header + hex("01 'abcdefghijklmnop'") + noise, Code::not_recognised);
  expect_unrecognised(noise + hex("'QEVM' 00 00 00 09 07") + noise, Code::not_recognised);
}

TEST_F(OpenChainTest, FindsAStreamAcrossSearchWindows) {
  for (std::size_t before = (1 << 20) - 12; before <= (1 << 20) + 1; ++before) {
    const OpenChain& chain = open(ByteVector(before, 0x91) + stream);
    ASSERT_EQ(chain.stream(), &stream_stub_) << before;
    ASSERT_EQ(chain.origin()->file_offset(0), before);
  }
}

TEST_F(OpenChainTest, ReadsAStreamWithADamagedMagic) {
  ByteVector file = stream;
  file[0] = 'q';
  const OpenChain& chain = open(file);
  EXPECT_EQ(chain.stream(), &stream_stub_);
  EXPECT_EQ(content(), stream);
  EXPECT_EQ(chain.origin()->file_offset(20), 20u);
  EXPECT_EQ(codes(), std::vector{Code::magic_damaged});
  EXPECT_EQ(finding().range, (ByteRange{0, 4}));
}

TEST_F(OpenChainTest, ReadsAStreamWithoutItsFirstBytes) {
  for (std::size_t lost = 1; lost <= 4; ++lost)
    for (const bool pipe : {false, true}) {
      const ByteVector file(stream.begin() + static_cast<std::ptrdiff_t>(lost), stream.end());
      const OpenChain& chain = pipe ? open_pipe(file) : open(file);
      EXPECT_EQ(chain.stream(), &stream_stub_);
      EXPECT_EQ(content(), stream);
      EXPECT_EQ(codes(), std::vector{Code::magic_damaged});
      EXPECT_NE(finding().message.find('"' + std::string("QEVM", lost) + '"'), std::string::npos) << finding().message;
    }
}

TEST_F(OpenChainTest, SaysWhenThereIsNothing) {
  expect_unrecognised({}, Code::empty_file);
  expect_unrecognised(gzip_member({}), Code::empty_file);
}

TEST_F(OpenChainTest, ReportsACutLayerThatHoldsNothingOnce) {
  ByteVector file = gzip_member(stream);
  file.resize(10);
  OpenChain& chain = open(file);
  chain.conclude(0);
  EXPECT_EQ(codes(), std::vector{Code::layer_cut});
}

TEST_F(OpenChainTest, SaysWhenTheStreamHeaderIsCutOrUnknown) {
  expect_unrecognised(hex("'QE'"), Code::ends_in_stream_header);
  expect_unrecognised(hex("'QEVM' 00 00 00 02") + ByteVector(50, 1), Code::stream_version_not_supported);
  expect_unrecognised(hex("'QEVM' 00 00 00 2a") + ByteVector(50, 1), Code::unknown_stream_version);
}

TEST_F(OpenChainTest, KnowsFilesOfOtherPrograms) {
  expect_unrecognised(hex("'QFI' fb 00 00 00 03") + ByteVector(70'000, 0) + stream, Code::other_format);
  EXPECT_NE(finding().message.find("qcow2"), std::string::npos);
  expect_unrecognised(hex("d2 be d2 be 08 00 00 00"), Code::other_format);
  expect_unrecognised(hex("'<domainsnapshot>' 0a"), Code::other_format);
  ByteVector tar(512, 0);
  std::ranges::copy(std::string_view("ustar"), tar.begin() + 257);
  expect_unrecognised(tar + stream, Code::other_format);
}

TEST_F(OpenChainTest, NamesTransportDamageThatHidesTheHeader) {
  const std::string_view base64 = "UUVWTQAAAAMHAAAADXBjLWk0NDBmeC03LjIBAAAAAgNyYW0AAAAAAAAABAAAAAAB\n";
  expect_unrecognised({base64.begin(), base64.end()}, Code::base64_text);
  expect_unrecognised(
      hex("'1a' 0d 0a") + ByteVector(stream.begin(), stream.begin() + 0x1a) + hex("0d 0a '0' 0d 0a 0d 0a"),
      Code::http_chunks);
}

TEST_F(OpenChainTest, SaysWhatUnknownBytesLookLike) {
  expect_unrecognised(ByteVector(10'000, 0), Code::not_recognised);
  EXPECT_NE(finding().message.find("zeros"), std::string::npos);
  expect_unrecognised(hex("'Dear reader,' 0a"), Code::not_recognised);
  EXPECT_NE(finding().message.find("text"), std::string::npos);
  EXPECT_EQ(finding().evidence, hex("'Dear reader,' 0a"));
  expect_unrecognised(hex("00 00 00 00 00 00 10 08 06 'pc.ram'") + ByteVector(4096, 0), Code::not_recognised);
  EXPECT_NE(finding().message.find("page records"), std::string::npos);
}

TEST_F(OpenChainTest, StopsAtTheLimitOfDepth) {
  limits_.layer_depth = 3;
  ByteVector file = stream;
  for (int i = 0; i < 4; ++i) file = gzip_member(file);
  const OpenChain& chain = open(file);
  EXPECT_EQ(chain.stream(), nullptr);
  EXPECT_EQ(chain.layers().size(), 3u);
  EXPECT_EQ(codes(), std::vector{Code::layers_too_deep});
}

TEST_F(OpenChainTest, NamesALayerThatTheBuildCannotOpen) {
  expect_unrecognised(hex("'CLOSED'"), Code::layer_not_built_in);
  EXPECT_EQ(kinds(), std::vector<std::string>{"closed"});
}

TEST(StreamHead, KnowsAllVersions) {
  const ByteVector flat = hex("05 'timer' 00000000 00000001 00000008") + ByteVector(8, 0);
  EXPECT_TRUE(credible_stream(hex("'QEVM' 00 00 00 01") + flat, true));
  EXPECT_TRUE(credible_stream(hex("'QEVM' 00 00 00 02 0000000000000020") + flat, true));
  EXPECT_TRUE(credible_stream(header + configuration, false));
  EXPECT_TRUE(credible_stream(hex("'QEVM' 00 00 00 04") + section, false));
  EXPECT_TRUE(credible_stream(header, true));
  EXPECT_TRUE(credible_stream(header + hex("07 00 00"), true));
  EXPECT_FALSE(credible_stream(header + hex("07 00 00"), false));
  EXPECT_FALSE(credible_stream(hex("'QEVM' 00 00 00 05") + section, true));
}

TEST(ForeignFormats, AreNotConfusedWithOurOwn) {
  EXPECT_EQ(foreign_format(stream), nullptr);
  EXPECT_EQ(foreign_format(gzip_member(stream)), nullptr);
  EXPECT_EQ(foreign_format({}), nullptr);
  EXPECT_EQ(foreign_format(xz_member(stream)), nullptr);
}

}  // namespace
}  // namespace vmstate::test
