// SPDX-License-Identifier: Apache-2.0
// Every prefix of a stream is reported as cut, and everything in front of the cut is told as in the whole.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/compress.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/stream_run.hpp"
#include "tests/support/tiny_stream.hpp"

namespace vmstate::test {
namespace {

ByteVector prefix_of(const ByteVector& bytes, std::size_t size) { return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}; }

bool is_error(const Finding& finding) { return finding.severity == Severity::error; }

// What lies in front of byte `size` of the stream is told as in `whole`.
void expect_told_up_to(const StreamResult& cut, const StreamResult& whole, std::uint64_t size) {
  for (std::size_t i = 0; i < whole.sections.size(); ++i) {
    const SeenSection& expected = whole.sections[i];
    const Offset end = expected.body.end() + (expected.footer ? 5u : 0u);
    if (end > size) break;
    ASSERT_LT(i, cut.sections.size());
    EXPECT_EQ(cut.sections[i].label, expected.label);
    EXPECT_EQ(cut.sections[i].header, expected.header);
    EXPECT_EQ(cut.sections[i].body, expected.body);
    EXPECT_EQ(cut.sections[i].footer, expected.footer);
    EXPECT_EQ(cut.sections[i].body_bytes, expected.body_bytes);
  }
  std::size_t pages = 0;
  for (const RamPage& page : whole.pages) {
    if (page.at + page.header_size + page.payload_size > size) break;
    ASSERT_LT(pages, cut.pages.size());
    EXPECT_EQ(cut.pages[pages].at, page.at);
    EXPECT_EQ(cut.pages[pages].kind, page.kind);
    EXPECT_EQ(cut.pages[pages].offset, page.offset);
    ++pages;
  }
  EXPECT_EQ(cut.pages.size(), pages) << "no record is told that is not complete";
}

class PrefixTest : public testing::TestWithParam<bool> {
 protected:
  MemorySource::Options how() const { return GetParam() ? pipe_like : MemorySource::Options{}; }

  void expect_prefixes(const StreamBuilder& b) {
    const auto whole = run_stream(b.bytes(), {}, how());
    for (std::size_t size = 0; size < b.size(); ++size) {
      SCOPED_TRACE("cut to " + std::to_string(size));
      const auto cut = run_stream(prefix_of(b.bytes(), size), {}, how());
      EXPECT_EQ(cut.end.kind, size > b.at("eof") ? StreamEndKind::eof : StreamEndKind::truncated);
      EXPECT_FALSE(cut.findings.empty());
      if (size <= b.at("eof")) {
        EXPECT_EQ(std::ranges::count_if(cut.findings, is_error), 1) << "one cut is one error:\n" << findings_text(cut.findings);
      }
      expect_told_up_to(cut, whole, size);
      if (HasFailure()) return;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Arrival, PrefixTest, testing::Bool(), [](const auto& pipe) { return pipe.param ? "pipe" : "file"; });

TEST_P(PrefixTest, OfAStreamWithEverything) { expect_prefixes(tiny_stream()); }

TEST_P(PrefixTest, OfRealStreamsAtRandomPlaces) {
  std::mt19937_64 random(7);
  for (const char* name : {"q72-none.migr", "q72-isapc.migr", "q72-pc.migr", "q72-pc-2.3.migr", "q72-microvm.migr", "1.2.2-t-default-S.v3", "0.14.1-t-virtio.v3"}) {
    SCOPED_TRACE(name);
    const auto bytes = read_file(std::filesystem::path(VMSTATE_TEST_CORPUS) / "streams" / name);
    ASSERT_FALSE(bytes.empty());
    for (int i = 0; i < 40; ++i) {
      const auto size = static_cast<std::size_t>(random() % bytes.size());
      const auto cut = run_stream(prefix_of(bytes, size), {}, how());
      EXPECT_FALSE(cut.findings.empty()) << size;
      EXPECT_EQ(cut.claimed, size);
    }
  }
}

class CompressedPrefixTest : public testing::TestWithParam<std::string> {
 protected:
  ByteVector compressed(const ByteVector& data) const {
    if (GetParam() == "gzip") return gzip_member(data);
    if (GetParam() == "xz") return xz_member(data);
    if (GetParam() == "zstd") return zstd_member(data);
    if (GetParam() == "bzip2") return bzip2_member(data);
    return lz4_member(data);
  }
};
INSTANTIATE_TEST_SUITE_P(Codec, CompressedPrefixTest, testing::Values("gzip", "xz", "zstd", "lz4", "bzip2"),
                         [](const auto& codec) { return codec.param; });

TEST_P(CompressedPrefixTest, IsCut) {
  const auto b = tiny_stream();
  const auto whole = run_stream(b.bytes());
  const auto packed = compressed(b.bytes());
  const auto unpacked = run_chain(std::make_unique<MemorySource>(packed));
  ASSERT_TRUE(unpacked.recognised);
  EXPECT_TRUE(unpacked.findings.empty()) << findings_text(unpacked.findings);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    SCOPED_TRACE("cut to " + std::to_string(size));
    const auto cut = run_chain(std::make_unique<MemorySource>(prefix_of(packed, size)));
    EXPECT_TRUE(cut.faults.empty());
    EXPECT_TRUE(std::ranges::any_of(cut.findings, is_error)) << findings_text(cut.findings);
    if (cut.recognised) {
      EXPECT_TRUE(cut.find(Code::layer_cut)) << findings_text(cut.findings);
      expect_told_up_to(cut, whole, cut.claimed);
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace vmstate::test
