// SPDX-License-Identifier: Apache-2.0
// Guest RAM put together from events, byte for byte against a dump of the same block that the monitor wrote.
#include <zlib.h>
#include <zstd.h>

#include <memory>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"

namespace vmstate::test {
namespace {

using RamTruth = RealStreams;

ByteVector unpacked_zstd(const ByteVector& packed) {
  constexpr std::size_t most = 1u << 30;
  const std::unique_ptr<ZSTD_DCtx, decltype(&::ZSTD_freeDCtx)> context(::ZSTD_createDCtx(), &::ZSTD_freeDCtx);
  ByteVector content;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (std::size_t left = 1; left != 0;) {
    const std::size_t at = content.size();
    content.resize(at + ::ZSTD_DStreamOutSize());
    ZSTD_outBuffer out{&content[at], content.size() - at, 0};
    left = ::ZSTD_decompressStream(context.get(), &out, &in);
    content.resize(at + out.pos);
    if (::ZSTD_isError(left) || content.size() > most || (out.pos == 0 && in.pos == in.size && left != 0))
      throw std::runtime_error("a damaged dump");
  }
  return content;
}

// One block of RAM as a loader would leave it.
class BlockLoader final : public EventSink {
 public:
  BlockLoader(std::string name, const ByteVector& file) : name_(std::move(name)), file_(file) {}

  const ByteVector& content() const { return content_; }
  std::uint64_t xbzrle_pages() const { return xbzrle_pages_; }
  std::uint64_t compressed_pages() const { return compressed_pages_; }

  void on(const RamBlocks& e) override {
    for (std::size_t i = 0; i < e.blocks.size(); ++i)
      if (e.blocks[i].name == name_) {
        block_ = i;
        content_.resize(static_cast<std::size_t>(e.blocks[i].size));
      }
  }
  void on(const RamPageSize& e) override { page_size_ = static_cast<std::size_t>(e.page_size); }
  void on(const RamPages& e) override {
    for (const RamPage& page : e.pages) {
      const bool carries_page = page.kind != RamKind::eos && page.kind != RamKind::flush && page.kind != RamKind::hook;
      if (!carries_page || page.block != block_) continue;
      load(page,
           e.bytes.subspan(static_cast<std::size_t>(page.at - e.range.offset) + page.header_size, page.payload_size));
    }
  }
  void on(const RamMappedBitmap& e) override {
    if (e.block != block_) return;
    bitmap_.insert(bitmap_.end(), e.bytes.begin(), e.bytes.end());
  }
  void on(const RamMappedPages& e) override {
    if (e.block != block_) return;
    for (std::size_t page = 0; page * page_size_ < content_.size(); ++page) {
      if ((bitmap_.at(page / 8) >> (page % 8) & 1) == 0) continue;
      const Bytes stored =
          Bytes(file_).subspan(static_cast<std::size_t>(e.pages.offset) + page * page_size_, page_size_);
      std::ranges::copy(stored, &content_[page * page_size_]);
    }
  }

 private:
  void load(const RamPage& page, Bytes payload) {
    const std::span<std::uint8_t> target =
        std::span(content_).subspan(static_cast<std::size_t>(page.offset), page_size_);
    switch (page.kind) {
      case RamKind::data: std::ranges::copy(payload, target.begin()); break;
      case RamKind::zero:
      case RamKind::fill: std::ranges::fill(target, page.fill); break;
      case RamKind::xbzrle: apply_xbzrle(target, payload.subspan(3)), ++xbzrle_pages_; break;
      case RamKind::compressed: inflate_page(target, payload.subspan(4)), ++compressed_pages_; break;
      default: break;
    }
  }

  static std::size_t run_length(Bytes& encoded) {
    std::size_t value = encoded[0] & 0x7f;
    const bool two = (encoded[0] & 0x80) != 0;
    if (two) value |= std::size_t{encoded[1]} << 7;
    encoded = encoded.subspan(two ? 2 : 1);
    return value;
  }

  // Runs of unchanged bytes by their length, then of changed ones by length and content.
  static void apply_xbzrle(std::span<std::uint8_t> page, Bytes encoded) {
    std::size_t at = 0;
    while (!encoded.empty()) {
      at += run_length(encoded);
      const std::size_t changed = run_length(encoded);
      std::ranges::copy(encoded.first(changed), page.begin() + static_cast<std::ptrdiff_t>(at));
      encoded = encoded.subspan(changed);
      at += changed;
    }
  }

  static void inflate_page(std::span<std::uint8_t> page, Bytes packed) {
    uLongf size = static_cast<uLongf>(page.size());
    ASSERT_EQ(::uncompress(page.data(), &size, packed.data(), static_cast<uLong>(packed.size())), Z_OK);
    ASSERT_EQ(size, page.size());
  }

  std::string name_;
  const ByteVector& file_;
  ByteVector content_;
  ByteVector bitmap_;
  std::size_t page_size_ = 4096;
  std::optional<std::size_t> block_;
  std::uint64_t xbzrle_pages_ = 0;
  std::uint64_t compressed_pages_ = 0;
};

// Offsets of the pages that differ.
std::vector<std::size_t> differing_pages(const ByteVector& left, const ByteVector& right) {
  constexpr std::size_t page = 4096;
  std::vector<std::size_t> pages;
  for (std::size_t at = 0; at < std::max(left.size(), right.size()); at += page) {
    const bool inside = at + page <= left.size() && at + page <= right.size();
    if (!inside || !std::equal(&left[at], &left[at] + page, &right[at])) pages.push_back(at);
  }
  return pages;
}

struct Loaded {
  std::vector<std::size_t> different;
  std::uint64_t xbzrle = 0;
  std::uint64_t compressed = 0;
};

Loaded load(const RealFile& file, const std::string& block, const std::string& dump) {
  const ByteVector bytes = file.bytes();
  BlockLoader loader(block, bytes);
  (void)inspect(file.path(), {.more = &loader});
  const ByteVector truth = unpacked_zstd(read_file(std::string(VMSTATE_TEST_STREAMS) + "/" + dump));
  EXPECT_FALSE(truth.empty());
  return {differing_pages(loader.content(), truth), loader.xbzrle_pages(), loader.compressed_pages()};
}

std::string block_name(const RealFile& file) {
  return file.name.find("-virt-") != std::string::npos ? "mach-virt.ram" : "pc.ram";
}

TEST_F(RamTruth, DumpsOfTheManifest) {
  std::size_t files = 0;
  for (const RealFile& file : real_files()) {
    const auto* dumps = file.find("ram_truth");
    // Shared RAM is not in the stream; the dump of the background snapshot is of a later moment (next test).
    if (dumps == nullptr || file.has_capability("x-ignore-shared") || file.has_capability("background-snapshot"))
      continue;
    SCOPED_TRACE(file.name);
    const Loaded loaded = load(file, block_name(file), std::string(dumps->at(0).as_string()));
    EXPECT_TRUE(loaded.different.empty())
        << loaded.different.size() << " pages differ, the first at " << loaded.different.front();
    if (file.has_capability("xbzrle")) {
      EXPECT_GT(loaded.xbzrle, 0u);
    }
    if (file.has_capability("compress")) {
      EXPECT_GT(loaded.compressed, 0u);
    }
    ++files;
  }
  EXPECT_GE(files, 7u);
}

// Written while the guest went on changing pages 0x10000 to 0x8ffff: those may differ, no others.
TEST_F(RamTruth, BackgroundSnapshotDiffersOnlyWhereTheGuestWrote) {
  const Loaded loaded = load(real_file("flavours/cap-bgsnapshot-kvm-m16.migr"), "pc.ram",
                             "flavours/cap-bgsnapshot-kvm-m16.migr.pc.ram.zst");
  for (const std::size_t page : loaded.different) {
    EXPECT_GE(page, 0x10000u);
    EXPECT_LE(page, 0x8f000u);
  }
}

// One stopped guest, saved in many ways: all hold the same memory.
TEST_F(RamTruth, EveryWayOfSavingHoldsTheSameMemory) {
  std::size_t files = 0;
  for (const RealFile& file : described_files()) {
    const bool one_guest = file.name.starts_with("flavours/q100-pc.") || file.name.starts_with("flavours/q111-pc.");
    const bool elsewhere = file.has_capability("x-ignore-shared") ||
                           (file.has_capability("multifd") && !file.has_capability("mapped-ram"));
    if (!one_guest || elsewhere) continue;
    SCOPED_TRACE(file.name);
    const Loaded loaded = load(file, "pc.ram", file.name.substr(0, file.name.find("-pc.") + 4) + "ram.zst");
    EXPECT_TRUE(loaded.different.empty())
        << loaded.different.size() << " pages differ, the first at " << loaded.different.front();
    ++files;
  }
  EXPECT_GT(files, 25u);
}

}  // namespace
}  // namespace vmstate::test
