// SPDX-License-Identifier: Apache-2.0
// Two files with hand-made states: what is the same, what differs, and what cannot be told.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <thread>

#include "tests/support/compared.hpp"
#include "tests/support/compress.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

constexpr std::size_t page_size = 4096;

// A machine of one block of eight pages and one device; `pages` writes the records of the first pass and more.
ByteVector ram_stream(const std::function<void(StreamBuilder&)>& pages, std::string_view block = "pc.ram") {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{std::string(block), 8 * page_size}}).eos().footer(2);
  b.part(2);
  pages(b);
  b.eos().footer(2).end(2).eos().footer(2);
  b.device(3, "timer", 2, {{"ticks", "int64", hex("00000000 00000007")}});
  return b.eof().description().bytes();
}
// The rest of the block behind the first `sent` pages, so that none was never sent.
void zero_from(StreamBuilder& b, std::uint64_t page) {
  for (; page < 8; ++page) b.zero(page * page_size);
}
ByteVector zlib_page(const ByteVector& page) {
  ByteVector out(::compressBound(static_cast<uLong>(page.size())));
  uLongf size = static_cast<uLongf>(out.size());
  require(::compress(out.data(), &size, page.data(), static_cast<uLong>(page.size())) == Z_OK);
  out.resize(size);
  return out;
}

TEST(Verify, AFileIsTheSameAsItself) {
  const auto b = small_stream();
  const Comparison comparison = compared(b.bytes(), b.bytes());
  EXPECT_EQ(report(comparison), "same");
  EXPECT_EQ(comparison.devices, 3u);
  EXPECT_EQ(comparison.blocks, 1u);
  EXPECT_EQ(comparison.pages, 4u);
}

TEST(Verify, FootersDescriptionAndContainerAreNotState) {
  const auto with = small_stream();
  EXPECT_EQ(report(compared(with.bytes(), small_stream(false).bytes())), "same");
  EXPECT_EQ(report(compared(with.bytes(), gzip_member(with.bytes()))), "same");
}

// --- devices

TEST(Verify, AFieldThatDiffersIsNamedWithBothValues) {
  const auto b = small_stream();
  ByteVector changed = b.bytes();
  changed[b.at("globalstate") - 5 - 1 - 1] = 0x84;  // the last byte of ticks, in front of `enabled` and the footer
  EXPECT_EQ(report(compared(b.bytes(), changed)), "different\n- timer ticks: -123 | -124");
  EXPECT_EQ(report(compared(changed, b.bytes())), "different\n- timer ticks: -124 | -123");
}

TEST(Verify, ALongBufferIsShownFromWhereItDiffers) {
  const auto b = small_stream();
  ByteVector changed = b.bytes();
  changed[b.at("cpu") - 5 - 2] = 0xee;  // of `runstate`, 100 bytes: the last but one
  EXPECT_EQ(report(compared(b.bytes(), changed)), "different\n- globalstate runstate @98: 0000 | ee00");
}

TEST(Verify, ElementsOfAnArrayAreNamedOneByOne) {
  const auto stream = [](std::string_view values) {
    StreamBuilder b;
    b.header().start(2, "ram", 4).mem_size({{"pc.ram", page_size}}).zero(0, "pc.ram").eos().footer(2).end(2).eos().footer(2);
    const std::string json = R"({"page_size": 4096, "devices": [{"name": "cpu", "instance_id": 1, "vmsd_name": "cpu", "version": 1, "fields": )"
                             R"([{"name": "regs", "array_len": 3, "type": "uint16", "size": 2}]}]})";
    return b.full(3, "cpu", 1, 1).raw(hex(values)).footer(3).eof().description_of(json).bytes();
  };
  EXPECT_EQ(report(compared(stream("0001 0002 0003"), stream("0004 0002 0005"))),
            "different\n- cpu#1 regs[0]: 1 | 4\n- cpu#1 regs[2]: 3 | 5");
}

StreamBuilder& tail(StreamBuilder& b) { return b.eof().description(); }
StreamBuilder machine() {
  StreamBuilder b;
  b.header().configuration("none");
  b.start(2, "ram", 4).mem_size({{"pc.ram", page_size}}).zero(0, "pc.ram").eos().footer(2).end(2).eos().footer(2);
  return b;
}
const std::vector<StreamBuilder::FieldSpec> one_field{{"value", "uint32", hex("00000001")}};

TEST(Verify, DevicesOfOneSideOnly) {
  auto both = machine(), one = machine();
  tail(both.device(3, "a", 1, one_field).device(4, "b", 1, one_field, 2));
  tail(one.device(3, "a", 1, one_field));
  EXPECT_EQ(report(compared(both.bytes(), one.bytes())), "different\n- b#2: present | absent");
  EXPECT_EQ(report(compared(one.bytes(), both.bytes())), "different\n- b#2: absent | present");
}

TEST(Verify, SectionIdsAndOrderAreNotState) {
  auto left = machine(), right = machine();
  tail(left.device(3, "a", 1, one_field).device(4, "b", 1, one_field));
  tail(right.device(7, "b", 1, one_field).device(9, "a", 1, one_field));
  EXPECT_EQ(report(compared(left.bytes(), right.bytes())), "same\n* the devices stand in another order");
}

TEST(Verify, VersionsOfADeviceAreState) {
  auto left = machine(), right = machine();
  tail(left.device(3, "a", 1, one_field));
  tail(right.device(3, "a", 2, one_field));
  EXPECT_EQ(report(compared(left.bytes(), right.bytes())), "different\n- a: version 1 | version 2");
}

TEST(Verify, FieldsOfOneSideOnlyAreNamed) {
  auto left = machine(), right = machine();
  tail(left.device(3, "a", 1, one_field));
  tail(right.device(3, "a", 1, {{"value", "uint32", hex("00000001")}, {"more", "uint8", hex("09")}}));
  EXPECT_EQ(report(compared(left.bytes(), right.bytes())), "different\n- a more: absent | 9");
}

TEST(Verify, WhatOneSideDescribesHoldsForTheOther) {
  auto described = machine(), bare = machine();
  tail(described.device(3, "a", 1, {{"value", "uint32", hex("00000001")}, {"more", "uint32", hex("00000002")}}));
  bare.full(3, "a", 1).be32(1).be32(3).footer(3).eof();
  EXPECT_EQ(report(compared(described.bytes(), bare.bytes())), "different\n- a more: 2 | 3");
  EXPECT_EQ(report(compared(bare.bytes(), described.bytes())), "different\n- a more: 3 | 2");
}

TEST(Verify, TheSameDeviceTwiceIsComparedInOrder) {
  auto left = machine(), right = machine();
  tail(left.device(3, "a", 1, one_field).device(4, "a", 1, {{"value", "uint32", hex("00000002")}}));
  tail(right.device(3, "a", 1, one_field).device(4, "a", 1, {{"value", "uint32", hex("00000003")}}));
  EXPECT_EQ(report(compared(left.bytes(), right.bytes())), "different\n- a value: 2 | 3");
}

TEST(Verify, MoreStateThanMayBeKeptIsComparedByDigests) {
  const auto stream = [](std::uint8_t byte) {
    auto b = machine();
    ByteVector body(9000, 0x11);
    body[5000] = byte;
    return tail(b.device(3, "large", 1, {{"buffer", "buffer", body}})).bytes();
  };
  Limits limits;
  limits.kept_state = 8000;
  EXPECT_EQ(report(compared(stream(1), stream(1), limits)), "same");
  EXPECT_EQ(report(compared(stream(1), stream(2), limits)), "different\n- large @4096: 4096 bytes | 4096 bytes");
  const std::string behind(62, '1');
  EXPECT_EQ(report(compared(stream(1), stream(2))), "different\n- large buffer @5000: 01" + behind + " | 02" + behind);
  limits.kept_state = 100;
  EXPECT_EQ(report(compared(stream(1), stream(1), limits)), "not comparable\n? there is too much device state to compare all of it");
}

TEST(Verify, TheMachineIsStateAndCapabilitiesAreNot) {
  StreamBuilder plain, other, events, bare;
  tail(plain.header().configuration("pc-1").device(3, "a", 1, one_field));
  tail(other.header().configuration("pc-2").device(3, "a", 1, one_field));
  events.header().configuration("pc-1").subsection("configuration/capabilities").be32(1).counted("events");
  tail(events.device(3, "a", 1, one_field));
  tail(bare.header().device(3, "a", 1, one_field));
  EXPECT_EQ(report(compared(plain.bytes(), other.bytes())), "different\n- configuration machine: pc-1 | pc-2");
  EXPECT_EQ(report(compared(plain.bytes(), events.bytes())), "same");
  EXPECT_EQ(report(compared(plain.bytes(), bare.bytes())), "same\n* only the left stream says which machine it is of: 'pc-1'");
}

// --- memory

const ByteVector data_stream = ram_stream([](StreamBuilder& b) {
  b.page(0, 0xd1, "pc.ram").page(page_size, 0xd2);
  zero_from(b, 2);
});

TEST(Verify, ThePageThatDiffersIsNamed) {
  const auto other = ram_stream([](StreamBuilder& b) {
    b.page(0, 0xd1, "pc.ram").page(page_size, 0xd3).zero(2 * page_size).zero(3 * page_size).page(4 * page_size, 1).page(5 * page_size, 2);
    zero_from(b, 6);
  });
  const Comparison comparison = compared(data_stream, other);
  EXPECT_EQ(report(comparison), "different\n- ram pc.ram 1+1: data | data\n- ram pc.ram 4+2: zero | data");
  EXPECT_EQ(comparison.differences()[1].offset, 4 * page_size);
}

TEST(Verify, TheLastRecordOfAPageCounts) {
  const auto again = ram_stream([](StreamBuilder& b) {
    b.zero(0, "pc.ram").page(page_size, 0x99);
    zero_from(b, 2);
    b.page(0, 0x55).eos().footer(2).part(2).page(page_size, 0xd2, "pc.ram").page(0, 0xd1);
  });
  EXPECT_EQ(report(compared(data_stream, again)), "same");
}

TEST(Verify, FilledAndCompressedPagesCountByContent) {
  const auto encoded = ram_stream([](StreamBuilder& b) {
    b.zero(0, "pc.ram", 0xd1).compressed(page_size, zlib_page(ByteVector(page_size, 0xd2)));
    b.page(2 * page_size, 0).compressed(3 * page_size, zlib_page(ByteVector(page_size, 0)));
    zero_from(b, 4);
  });
  EXPECT_EQ(report(compared(data_stream, encoded)), "same");
}

TEST(Verify, DeltasCountByThePageTheyMake) {
  // Keep 2 bytes, change 3; behind that keep 200 (a number of two bytes), change 1.
  const auto with_deltas = [](std::string_view last) {
    return ram_stream([last](StreamBuilder& b) {
      b.page(0, 0xd1, "pc.ram").page(page_size, 0xd2);
      zero_from(b, 2);
      b.xbzrle(0, hex("02 03 aabbcc c801 01 ee")).xbzrle(2 * page_size, hex("00 01 77")).xbzrle(0, hex(last));
    });
  };
  const auto plain = ram_stream([](StreamBuilder& b) {
    ByteVector page(page_size, 0xd1);
    page[1] = 0x01;
    page[2] = 0xaa, page[3] = 0xbb, page[4] = 0xcc, page[205] = 0xee;
    ByteVector other(page_size, 0);
    other[0] = 0x77;
    b.page_word(0, 0x08, "pc.ram").raw(page).page(page_size, 0xd2).page_word(2 * page_size, 0x08).raw(other);
    zero_from(b, 3);
  });
  EXPECT_EQ(report(compared(with_deltas("01 01 01"), plain)), "same");
  EXPECT_EQ(report(compared(plain, with_deltas("01 01 01"))), "same");
  EXPECT_EQ(report(compared(with_deltas("01 01 02"), plain)), "different\n- ram pc.ram 0+1: data | data");
  EXPECT_EQ(report(compared(with_deltas("01 01 02"), with_deltas("01 02 02aa"))), "same") << "other deltas, the same page";
  EXPECT_EQ(report(compared(with_deltas("01 01 02"), with_deltas("01 01 03"))), "different\n- ram pc.ram 0+1: data | data");
  Limits one_page;
  one_page.rebuilt_pages = page_size;
  EXPECT_EQ(report(compared(with_deltas("01 01 01"), plain, one_page)), "same");
}

TEST(Verify, LargeMemoryIsComparedInWindows) {
  const auto other = ram_stream([](StreamBuilder& b) {
    b.page(0, 0xd1, "pc.ram").page(page_size, 0xd2);
    for (std::uint64_t page = 2; page < 7; ++page) b.zero(page * page_size);
    b.page(7 * page_size, 1);
  });
  Limits limits;
  limits.page_digests = 2 * 3 * sizeof(std::uint64_t);  // three pages of each side
  EXPECT_EQ(report(compared(data_stream, data_stream, limits)), "same");
  EXPECT_EQ(compared(data_stream, data_stream, limits).pages, 8u);
  EXPECT_EQ(report(compared(data_stream, other, limits)), "different\n- ram pc.ram 7+1: zero | data");
  limits.compare_passes = 2;
  EXPECT_EQ(report(compared(data_stream, data_stream, limits)),
            "not comparable\n? guest memory was not compared to its end: the left file would have to be read more than 2 times");
}

TEST(Verify, PagesThatNeverCameAreNotedWhereTheOtherSideSaysZero) {
  const auto sparse = ram_stream([](StreamBuilder& b) { b.page(0, 0xd1, "pc.ram").page(page_size, 0xd2); });
  EXPECT_EQ(report(compared(data_stream, sparse)),
            "same\n* 6 pages of block 'pc.ram' are sent as zeros on the left and never on the right: a new machine holds zeros there, except in ROM");
  const auto more = ram_stream([](StreamBuilder& b) { b.page(0, 0xd1, "pc.ram").page(page_size, 0xd2).page(3 * page_size, 0xd4); });
  EXPECT_EQ(report(compared(more, sparse)), "different\n- ram pc.ram 3+1: data | never sent");
}

TEST(Verify, BlocksAreMatchedByNameAndSize) {
  const auto renamed = ram_stream([](StreamBuilder& b) {
    b.page(0, 0xd1, "pc.rom").page(page_size, 0xd2);
    zero_from(b, 2);
  }, "pc.rom");
  EXPECT_EQ(report(compared(data_stream, renamed)), "different\n- ram pc.ram: 32768 bytes | absent\n- ram pc.rom: absent | 32768 bytes");
  const auto sized = [](std::uint64_t pages) {
    StreamBuilder b;
    b.header().start(2, "ram", 4).mem_size({{"pc.ram", pages * page_size}}).page(0, 1, "pc.ram").page(page_size, 2).eos().footer(2);
    return b.end(2).eos().footer(2).eof().bytes();
  };
  EXPECT_EQ(report(compared(sized(2), sized(3))), "different\n- ram pc.ram: 8192 bytes | 12288 bytes");
}

TEST(Verify, ListedDifferencesAreBounded) {
  const auto pages = [](std::uint8_t even) {
    return ram_stream([even](StreamBuilder& b) {
      b.page(0, even, "pc.ram");
      for (std::uint64_t page = 1; page < 8; ++page) b.page(page * page_size, page % 2 == 0 ? even : 0xff);
    });
  };
  Limits limits;
  limits.differences = 3;
  const Comparison comparison = compared(pages(1), pages(2), limits);
  EXPECT_EQ(comparison.differences().size(), 3u);
  EXPECT_EQ(comparison.differences_in_all(), 4u);
}

// --- what cannot be told

TEST(Verify, ACutFileIsNotComparableAsAWhole) {
  const auto b = small_stream();
  const ByteVector cut(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(b.at("cpu")));
  const std::string text = report(compared(cut, cut));
  EXPECT_EQ(text.substr(0, text.find(':')), "not comparable\n? the left file does not hold a whole state (truncated)") << text;
  const Comparison against_whole = compared(b.bytes(), cut);
  EXPECT_EQ(against_whole.verdict(), Verdict::not_comparable);
  EXPECT_NE(report(against_whole).find("\n? 1 section is missing, or cut, in a file that is not whole (cpu)"), std::string::npos) << report(against_whole);
  ByteVector changed = b.bytes();
  changed[b.at("globalstate") - 5 - 1 - 1] = 0x84;
  EXPECT_EQ(compared(changed, cut).verdict(), Verdict::different) << "what is there differs";
}

TEST(Verify, ADeviceThatIsCutIsNotCompared) {
  const auto b = small_stream();
  const ByteVector cut(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(b.at("eof")) - 20);
  EXPECT_EQ(compared(cut, b.bytes()).verdict(), Verdict::not_comparable) << report(compared(cut, b.bytes()));
  const ByteVector cut_in_pages(b.bytes().begin(), b.bytes().begin() + static_cast<std::ptrdiff_t>(b.at("pages")) + 5000);
  EXPECT_NE(report(compared(b.bytes(), cut_in_pages)).find("\n? 2 pages of block 'pc.ram' are missing in a file that is not whole"),
            std::string::npos)
      << report(compared(b.bytes(), cut_in_pages));
}

TEST(Verify, LostBytesAreNotComparable) {
  const auto b = small_stream();
  ByteVector damaged = b.bytes();
  damaged[b.at("pages") + 6] = 0x08;  // page flags that do not exist
  EXPECT_EQ(compared(damaged, damaged).verdict(), Verdict::not_comparable);
}

TEST(Verify, WhatIsNoStateIsRefused) {
  const MemoryFile text(as_bytes("this is no state")), state(small_stream().bytes());
  EXPECT_THROW((void)compared(text.path(), state.path()), std::runtime_error);
  app::CommonOptions options;
  options.files = {state.path(), text.path()};
  EXPECT_EQ(app::verify(options, quiet_io()), app::exit_unreadable);
  options.files = {state.path(), "/nonexistent/file"};
  EXPECT_EQ(app::verify(options, quiet_io()), app::exit_io_error);
  options.files = {"-", "-"};
  EXPECT_EQ(app::verify(options, quiet_io()), app::exit_usage);
}

class Pipe {
 public:
  explicit Pipe(const ByteVector& content) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    out_ = ends[0];
    writer_ = std::thread([in = ends[1], content] {
      for (Bytes rest = content; !rest.empty();) {
        const auto written = ::write(in, rest.data(), rest.size());
        if (written <= 0) break;
        rest = rest.subspan(static_cast<std::size_t>(written));
      }
      ::close(in);
    });
  }
  ~Pipe() {
    writer_.join();
    ::close(out_);
  }
  int out() const { return out_; }

 private:
  int out_ = -1;
  std::thread writer_;
};

std::string report_of_pipe(const ByteVector& left, const ByteVector& right, const Limits& limits) {
  const MemoryFile file(left);
  const Pipe pipe(right);
  app::Io io = quiet_io();
  io.standard_input = pipe.out();
  app::CommonOptions options;
  options.limits = limits;
  const auto comparison = app::compare_files(file.path(), "-", options, io);
  return comparison ? report(*comparison) : comparison.error().message;
}

TEST(Verify, APipeIsComparedInOnePass) {
  Limits limits;
  EXPECT_EQ(report_of_pipe(data_stream, data_stream, limits), "same");
  limits.page_digests = 2 * 3 * sizeof(std::uint64_t);
  EXPECT_EQ(report_of_pipe(data_stream, data_stream, limits),
            "not comparable\n? guest memory was not compared to its end: the right file is a pipe, which can be read only once");
}

}  // namespace
}  // namespace vmstate::test
