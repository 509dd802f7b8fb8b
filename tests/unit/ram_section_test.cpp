// SPDX-License-Identifier: Apache-2.0
// The RAM section, version 4: every kind of record, every extra of the block list, damage and how reading goes on.
#include <gtest/gtest.h>

#include <zlib.h>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

constexpr std::uint64_t page_size = 4096;

ByteVector zlib_of(const ByteVector& data) {
  ByteVector out(::compressBound(static_cast<uLong>(data.size())));
  auto size = static_cast<uLongf>(out.size());
  EXPECT_EQ(::compress(out.data(), &size, data.data(), static_cast<uLong>(data.size())), Z_OK);
  out.resize(size);
  return out;
}

// A stream of one RAM section: `records` stand in its END; capabilities in front where wanted.
class RamStream {
 public:
  explicit RamStream(std::vector<StreamBuilder::Block> blocks = {{"pc.ram", 0x8000}}, std::optional<unsigned> page_bits = {}) {
    b.header().configuration("none");
    if (page_bits) b.subsection("configuration/target-page-bits").be32(*page_bits);
    b.start(2, "ram", 4).mem_size(blocks).eos().footer(2).end(2).mark("records");
  }
  StreamResult run(const StreamBuilder& records, MemorySource::Options how = {}) {
    StreamBuilder all = b;
    all.raw(records.bytes()).eos().footer(2).eof();
    return run_stream(all.bytes(), {.passes = false}, how);
  }
  Offset records() const { return b.at("records"); }

 private:
  StreamBuilder b;
};

std::vector<std::string> kinds(const StreamResult& result) {
  std::vector<std::string> all;
  for (const RamPage& page : result.pages)
    if (page.kind != RamKind::eos) all.push_back(std::string(to_string(page.kind)) + "@" + std::to_string(page.offset));
  return all;
}
using Kinds = std::vector<std::string>;

TEST(RamSection, EveryKindOfRecord) {
  const ByteVector page(page_size, 0x33);
  StreamBuilder records;
  records.page(0, 0xaa, "pc.ram").zero(0x1000).zero(0x2000, {}, 0x41);
  records.xbzrle(0, hex("05 02 5a5a")).compressed(0x3000, zlib_of(page)).be64(0x200).be64(0x80).page(0x4000, 1);
  const auto result = RamStream().run(records);
  EXPECT_EQ(kinds(result), (Kinds{"data@0", "zero@4096", "fill@8192", "xbzrle@0", "compressed@12288", "multifd flush@0", "hook@0",
                                  "data@16384"}));
  EXPECT_EQ(result.pages[3].fill, 0x41);
  expect_codes(result, {Code::ram_nonzero_fill, Code::ram_hook});
  expect_finding(result, Code::ram_nonzero_fill, {result.pages[3].at, 9});
}

TEST(RamSection, RecordsKnowTheirPlaceAndSizes) {
  RamStream ram;
  const auto result = ram.run(StreamBuilder().page(0x1000, 1, "pc.ram").zero(0x2000));
  ASSERT_EQ(result.pages.size(), 4u);
  EXPECT_EQ(result.pages[1].at, ram.records());
  EXPECT_EQ(result.pages[1].header_size, 8 + 1 + 6);
  EXPECT_EQ(result.pages[1].payload_size, page_size);
  EXPECT_EQ(result.pages[2].at, ram.records() + 15 + page_size);
  EXPECT_EQ(result.pages[2].header_size, 8u);
  EXPECT_EQ(result.pages[2].payload_size, 1u);
}

TEST(RamSection, TheCurrentBlockOutlivesSections) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"a", 0x4000}, {"b", 0x4000}}).page(0, 1, "b").eos().footer(2);
  b.part(2).page(0x1000, 2).eos().footer(2).part(2).eos().footer(2).end(2).page(0x2000, 3).zero(0, "a").zero(0x1000).eos().footer(2).eof();
  const auto result = run_stream(b.bytes(), {.passes = false});
  expect_codes(result, {});
  std::string blocks;
  for (const RamPage& page : result.pages)
    if (page.kind != RamKind::eos) blocks += std::to_string(page.block);
  EXPECT_EQ(blocks, "11100");
}

TEST(RamSection, EveryPageSizeFromTheConfiguration) {
  for (unsigned bits = 8; bits <= 16; ++bits) {
    const std::size_t size = std::size_t{1} << bits;
    StreamBuilder records;
    records.page(0, 1, "r", size).page(size, 2, {}, size).zero(2 * size);
    if (bits > 9) records.be64(0x200);
    const auto result = RamStream({{"r", 4 * size}}, bits).run(records);
    expect_codes(result, {});
    EXPECT_EQ(result.page_size, size);
    EXPECT_EQ(kinds(result).size(), bits > 9 ? 4u : 3u);
  }
}

TEST(RamSection, EveryPageSizeFromTheDescription) {
  for (unsigned bits = 8; bits <= 16; ++bits) {
    const std::size_t size = std::size_t{1} << bits;
    StreamBuilder b;
    b.header().start(2, "ram", 4).mem_size({{"r", 2 * size}}).page(0, 1, "r", size).page(size, 2, {}, size).eos().footer(2);
    b.end(2).eos().footer(2).device(3, "timer", 1, {{"x", "uint8", hex("01")}}).eof();
    b.description_of(b.description_text(size));
    const auto result = run_stream(b.bytes(), {.passes = false});
    expect_codes(result, {});
    EXPECT_EQ(result.page_size, size);
  }
}

TEST(RamSection, ThePageSizeIsInferredWhereNothingSaysIt) {
  for (unsigned bits = 8; bits <= 16; ++bits) {
    const std::size_t size = std::size_t{1} << bits;
    StreamBuilder records;
    for (std::size_t i = 0; i < 4; ++i) records.page(i * size, static_cast<std::uint8_t>(0x81 + i), i == 0 ? "r" : "", size);
    const auto result = RamStream({{"r", 65536 * 4}}).run(records);
    EXPECT_EQ(result.page_size, size);
    EXPECT_EQ(kinds(result).size(), 4u);
    expect_codes(result, {});
  }
}

TEST(RamSection, ImpossibleFlags) {
  // No flag, two kinds, obsolete and unknown ones.
  for (const std::uint64_t flags : {0x00u, 0x0au, 0x01u, 0x400u, 0x48u, 0x14u, 0x30u}) {
    SCOPED_TRACE(flags);
    RamStream ram;
    StreamBuilder records;
    records.zero(0, "pc.ram").mark("bad").be64(0x1000 | flags).mark("good");
    for (std::uint64_t at = 0x2000; at < 0x6000; at += 0x1000) records.zero(at);
    const auto result = ram.run(records);
    const Offset bad = ram.records() + records.at("bad");
    expect_finding(result, Code::ram_bad_flags, {bad, 8});
    expect_finding(result, Code::ram_resynchronised, {bad, 8});
    EXPECT_EQ(kinds(result), (Kinds{"zero@0", "zero@8192", "zero@12288", "zero@16384", "zero@20480"}));
  }
}

TEST(RamSection, AContinuationBeforeAnyBlock) {
  RamStream ram;
  const auto result = ram.run(StreamBuilder().zero(0).zero(0x1000, "pc.ram").zero(0x2000).zero(0x3000));
  expect_finding(result, Code::ram_no_current_block, {ram.records(), 8});
  EXPECT_EQ(kinds(result), (Kinds{"zero@4096", "zero@8192", "zero@12288"}));
}

TEST(RamSection, AnUnknownBlockWithSoundRecordsIsAdopted) {
  RamStream ram;
  const auto result = ram.run(StreamBuilder().zero(0, "vga.vram").zero(0x1000).zero(0x2000).zero(0, "pc.ram"));
  expect_codes(result, {Code::ram_unknown_block});
  expect_finding(result, Code::ram_unknown_block, {ram.records(), 8 + 1 + 8});
  EXPECT_EQ(kinds(result).size(), 4u);
}

TEST(RamSection, AnUnknownBlockWithAnOddNameIsNot) {
  RamStream ram;
  const auto result = ram.run(StreamBuilder().zero(0, "pc\x01ram").zero(0x1000, "pc.ram").zero(0x2000).zero(0x3000));
  expect_finding(result, Code::ram_unknown_block, {ram.records(), 8});
  EXPECT_EQ(kinds(result), (Kinds{"zero@4096", "zero@8192", "zero@12288"}));
}

TEST(RamSection, APageBeyondItsBlock) {
  for (const std::uint64_t offset : {0x8000ull, 0x7ffffffff000ull, 0xfffffffffffff000ull}) {
    RamStream ram;
    const auto result = ram.run(StreamBuilder().zero(offset, "pc.ram").zero(0x1000, "pc.ram").zero(0x2000).zero(0x3000));
    expect_finding(result, Code::ram_offset_beyond_block, {ram.records(), 8});
    EXPECT_EQ(kinds(result), (Kinds{"zero@4096", "zero@8192", "zero@12288"}));
  }
}

TEST(RamSection, OneLostByteCostsOneRecord) {
  RamStream ram;
  StreamBuilder records;
  records.page(0, 0xa1, "pc.ram").mark("second").page(0x1000, 0xa2).page(0x2000, 0xa3).page(0x3000, 0xa4).page(0x4000, 0xa5).page(0x5000, 0xa6);
  ByteVector bytes = records.bytes();
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(records.at("second")) + 100);
  const auto result = ram.run(StreamBuilder().raw(bytes));
  EXPECT_TRUE(result.find(Code::ram_resynchronised)) << findings_text(result.findings);
  const auto found = kinds(result);
  EXPECT_EQ(found.back(), "data@20480");
  EXPECT_GE(found.size(), 4u);
  EXPECT_EQ(result.end.kind, StreamEndKind::eof);
}

TEST(RamSection, AHoleOfZerosInRam) {
  RamStream ram;
  StreamBuilder records;
  for (std::uint64_t i = 0; i < 7; ++i) records.mark(std::to_string(i)).page(i * 0x1000, static_cast<std::uint8_t>(0x91 + i), i == 0 ? "pc.ram" : "");
  ByteVector bytes = records.bytes();
  const auto from = static_cast<std::ptrdiff_t>(records.at("2")), to = static_cast<std::ptrdiff_t>(records.at("4"));
  std::fill(bytes.begin() + from, bytes.begin() + to, std::uint8_t{0});
  const auto result = ram.run(StreamBuilder().raw(bytes));
  constexpr std::uint64_t zeros_of_next_word = 6;
  expect_finding(result, Code::zero_run, {ram.records() + records.at("2"), records.at("4") - records.at("2") + zeros_of_next_word});
  EXPECT_EQ(kinds(result), (Kinds{"data@0", "data@4096", "data@16384", "data@20480", "data@24576"}));
}

TEST(RamSection, NoEndMarkInFrontOfTheFooter) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x2000}}).eos().footer(2);
  b.part(2).zero(0, "r").mark("footer").footer(2).end(2).zero(0x1000).eos().footer(2).eof();
  const auto result = run_stream(b.bytes(), {.passes = false});
  expect_finding(result, Code::ram_unterminated, {b.at("footer"), 0});
  EXPECT_EQ(kinds(result), (Kinds{"zero@0", "zero@4096"}));
}

TEST(RamSection, SoundXbzrlePages) {
  // Skip and change, change from the first byte, up to the last byte, in two-byte run lengths.
  for (const char* encoded : {"05 02 5a5a", "00 01 5a", "ff1f 01 5a", "00 01 11 05 02 2233"}) {
    const auto result = RamStream().run(StreamBuilder().page(0, 1, "pc.ram").xbzrle(0, hex(encoded)));
    expect_codes(result, {});
    EXPECT_EQ(kinds(result).back(), "xbzrle@0") << encoded;
  }
  expect_codes(RamStream().run(StreamBuilder().page(0, 1, "pc.ram").xbzrle(0, {})), {});
}

TEST(RamSection, DamagedXbzrlePages) {
  // No literals, zero literals, a skip of zero in the middle, beyond the page, run lengths of three bytes.
  for (const char* encoded : {"05", "05 00", "00 01 11 00 01 22", "ff1f 02 5a5a", "8080 01 01 5a", "05 05 5a"}) {
    RamStream ram;
    StreamBuilder records;
    records.page(0, 1, "pc.ram").mark("bad").xbzrle(0x1000, hex(encoded)).zero(0x2000).zero(0x3000).zero(0x4000);
    const auto result = ram.run(records);
    expect_finding(result, Code::ram_xbzrle_damaged, {ram.records() + records.at("bad"), 8});
    EXPECT_EQ(kinds(result), (Kinds{"data@0", "zero@8192", "zero@12288", "zero@16384"})) << encoded;
  }
}

TEST(RamSection, XbzrleHeadersThatCannotBe) {
  for (const char* header : {"02 0004 05025a5a", "01 1001"}) {
    RamStream ram;
    StreamBuilder records;
    records.page(0, 1, "pc.ram").mark("bad").page_word(0x1000, 0x40).raw(hex(header)).zero(0x2000).zero(0x3000).zero(0x4000);
    expect_finding(ram.run(records), Code::ram_xbzrle_damaged, {ram.records() + records.at("bad"), 8});
  }
}

TEST(RamSection, DamagedCompressedPages) {
  ByteVector noise(page_size);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::uint8_t>(i * i >> 3);
  const auto good = zlib_of(noise);
  ByteVector damaged = good;
  damaged[damaged.size() / 2] ^= 0xff;
  for (const ByteVector& bad : {damaged, zlib_of(ByteVector(page_size - 1, 1)), zlib_of(ByteVector(page_size + 1, 1)), ByteVector{}}) {
    RamStream ram;
    StreamBuilder records;
    records.compressed(0, good, "pc.ram").mark("bad").compressed(0x1000, bad).zero(0x2000).zero(0x3000).zero(0x4000);
    const auto result = ram.run(records);
    expect_finding(result, Code::ram_compressed_damaged, {ram.records() + records.at("bad"), 8});
    EXPECT_EQ(kinds(result), (Kinds{"compressed@0", "zero@8192", "zero@12288", "zero@16384"}));
  }
}

TEST(RamSection, ContentIsOnlyCheckedWhereWanted) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).xbzrle(0, hex("05"), "r").eos().footer(2).end(2).eos().footer(2).eof();
  RunOptions unchecked{.passes = false};
  unchecked.parse.check_page_content = false;
  expect_codes(run_stream(b.bytes(), unchecked), {});
  EXPECT_TRUE(run_stream(b.bytes(), {.passes = false}).find(Code::ram_xbzrle_damaged));
}

// --- the block list

StreamResult run_list(const StreamBuilder& list, std::vector<std::string> capabilities = {}, const ByteVector& advise = {}) {
  StreamBuilder b;
  b.header().configuration("none");
  if (!capabilities.empty()) {
    b.subsection("configuration/capabilities").be32(capabilities.size());
    for (const auto& capability : capabilities) b.counted(capability);
  }
  if (!advise.empty()) b.command(3, advise);
  b.start(2, "ram", 4).raw(list.bytes()).eos().footer(2).end(2).eos().footer(2).eof();
  return run_stream(b.bytes(), {.passes = false});
}
constexpr Offset list_at = 8 + 9 + 17;

TEST(RamBlockList, IsReadEntryByEntry) {
  const auto result = run_list(StreamBuilder().mem_size({{"pc.ram", 0x10000}, {"vga.vram", 0x4000}}));
  expect_codes(result, {});
  EXPECT_NE(result.text().find("ram-block-entry " + std::to_string(list_at) + "+8"), std::string::npos) << result.text();
  EXPECT_NE(result.text().find("ram-block-entry " + std::to_string(list_at + 8) + "+15"), std::string::npos);
  EXPECT_NE(result.text().find("ram-blocks 2"), std::string::npos);
}

TEST(RamBlockList, SaysPageSizesOnlyOfHugePageBlocksAfterPostcopyAdvise) {
  const auto advise = StreamBuilder().be64(0x201000).be64(4096).bytes();
  StreamBuilder list;
  list.be64(0x404000 | 4).counted("huge").be64(0x400000).be64(0x200000).counted("vga").be64(0x4000);
  expect_codes(run_list(list, {}, advise), {});
  EXPECT_TRUE(run_list(list).find(Code::ram_block_list_damaged)) << "without advise nothing says that the word is there";
  expect_codes(run_list(StreamBuilder().mem_size({{"pc.ram", 0x400000}}), {}, advise), {});
}

TEST(RamBlockList, HasGuestAddressesWithIgnoreShared) {
  StreamBuilder list;
  list.be64(0x8000 | 4).counted("a").be64(0x4000).be64(0).counted("b").be64(0x4000).be64(0x100000000);
  expect_codes(run_list(list, {"x-ignore-shared"}), {});
}

TEST(RamBlockList, ATotalThatTheEntriesDoNotMake) {
  StreamBuilder list;
  list.be64(0x9000 | 4).counted("a").be64(0x4000).counted("b").be64(0x4000);
  const auto result = run_list(list);
  expect_finding(result, Code::ram_block_list_damaged, {list_at + list.size(), 8});
  EXPECT_EQ(result.end.kind, StreamEndKind::eof) << "the pages behind it are read";
}

TEST(RamBlockList, LengthsThatCannotBe) {
  for (const std::uint64_t length : {0ull, 1ull, 0x5000ull, 0xfffffffffffff000ull}) {
    StreamBuilder list;
    list.be64(0x4000 | 4).counted("a").be64(length);
    EXPECT_TRUE(run_list(list).find(Code::ram_block_list_damaged)) << length;
  }
}

TEST(RamBlockList, ManyBlocksAreLimited) {
  StreamBuilder list;
  list.be64((std::uint64_t{0x1000} * 6000) | 4);
  for (int i = 0; i < 6000; ++i) list.counted("block" + std::to_string(i)).be64(0x1000);
  EXPECT_TRUE(run_list(list).find(Code::ram_block_list_damaged));
}

TEST(RamBlockList, CutAtEveryByte) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mark("list").mem_size({{"pc.ram", 0x10000}, {"vga.vram", 0x4000}}).mark("behind");
  for (std::size_t size = b.at("list"); size <= b.at("behind"); ++size) {
    SCOPED_TRACE(size);
    const auto result = run_stream(ByteVector(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(size)), {.passes = false});
    EXPECT_EQ(result.end.kind, StreamEndKind::truncated);
    expect_codes(result, {Code::ram_ends_early});
    expect_finding(result, Code::ram_ends_early, {size, 0});
  }
}

// --- mapped-ram

StreamBuilder mapped_stream(std::uint32_t version = 1, std::uint64_t mapped_page = 4096, std::int64_t moved = 0, std::uint64_t pages_at = 8192) {
  StreamBuilder b;
  b.header().configuration("none").subsection("configuration/capabilities").be32(1).counted("mapped-ram");
  b.start(2, "ram", 4).be64(0x4000 | 4).mark("block").counted("m").be64(0x4000).mark("mapped");
  const auto bitmap = static_cast<std::uint64_t>(static_cast<std::int64_t>(b.size() + 28) + moved);
  b.be32(version).be64(mapped_page).be64(bitmap).be64(static_cast<std::uint64_t>(static_cast<std::int64_t>(pages_at) + moved)).mark("bitmap");
  b.raw(hex("05 00000000000000"));
  b.fill(8192 - b.size()).mark("pages").fill(4096, 1).fill(4096).fill(4096, 3).fill(4096).mark("behind");
  b.eos().footer(2).end(2).eos().footer(2).eof();
  return b;
}

TEST(MappedRam, ItsPagesArePassedByWithoutReading) {
  const auto b = mapped_stream();
  for (const bool pipe : {false, true}) {
    const auto result = run_stream(b.bytes(), {.passes = false}, pipe ? pipe_like : MemorySource::Options{});
    expect_codes(result, {});
    EXPECT_NE(result.text().find("ram-bitmap " + std::to_string(b.at("bitmap")) + "+8"), std::string::npos) << result.text();
    EXPECT_NE(result.text().find("ram-mapped 8192+16384"), std::string::npos) << result.text();
    EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  }
}

TEST(MappedRam, AHeaderThatCannotBe) {
  for (const auto& b : {mapped_stream(2), mapped_stream(1, 4095), mapped_stream(1, 131072), mapped_stream(1, 4096, 0, 10)})
    expect_finding(run_stream(b.bytes(), {.passes = false}), Code::ram_mapped_damaged, {b.at("mapped"), 28});
}

TEST(MappedRam, MovedWithinItsFile) {
  const auto b = mapped_stream(1, 4096, 1000);
  const auto result = run_stream(b.bytes(), {.passes = false});
  expect_codes(result, {Code::ram_mapped_moved});
  EXPECT_NE(result.text().find("ram-mapped 8192+16384"), std::string::npos) << "read relative to the stream";
}

TEST(MappedRam, APageAreaFarAway) {
  const auto b = mapped_stream(1, 4096, 0, std::uint64_t{1} << 40);
  EXPECT_TRUE(run_stream(b.bytes(), {.passes = false}).find(Code::ram_mapped_damaged));
}

TEST(MappedRam, CutInItsPages) {
  const auto b = mapped_stream();
  for (const Offset size : {b.at("bitmap") + 3, b.at("bitmap") + 8, b.at("pages") - 1, b.at("pages"), b.at("pages") + 5000, b.at("behind") - 1}) {
    SCOPED_TRACE(size);
    const auto result = run_stream(ByteVector(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(size)), {.passes = false});
    EXPECT_EQ(result.end.kind, StreamEndKind::truncated);
    EXPECT_TRUE(result.find(Code::ram_ends_early));
    if (size >= b.at("bitmap") + 8) expect_finding(result, Code::ram_mapped_cut, {size, 0});
  }
}

TEST(RamVersion, UnknownOnesAreReported) {
  for (const std::uint32_t version : {0u, 5u, 9u}) {
    StreamBuilder b;
    b.header().configuration("none").mark("ram").start(2, "ram", version).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2);
    b.end(2).eos().footer(2).eof();
    const auto result = run_stream(b.bytes(), {.passes = false});
    EXPECT_TRUE(result.find(Code::ram_version_unknown)) << version << "\n" << findings_text(result.findings);
    EXPECT_EQ(result.end.kind, StreamEndKind::eof);
  }
}

}  // namespace
}  // namespace vmstate::test
