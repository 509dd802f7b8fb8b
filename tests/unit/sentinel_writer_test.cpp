// SPDX-License-Identifier: Apache-2.0
// What the writer makes of events: they are made by hand, so that each one can be wrong by itself.
#include <gtest/gtest.h>

#include <numeric>

#include "formats/encode/sentinel_writer.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate::test {
namespace {

using Target = SentinelWriter::Target;
using Kind = Field::Kind;

Field leaf(const std::string& name, ByteRange range) {
  Field made;
  made.kind = Kind::scalar;
  made.name = name;
  made.type = "uint8";
  made.range = range;
  return made;
}

// A struct element. `sentinel`: its last byte is one, as in version 4.
Field structure(const std::string& name, ByteRange range, bool sentinel, std::vector<Field> fields = {},
                std::vector<Field> subsections = {}) {
  Field made;
  made.kind = Kind::structure;
  made.name = name;
  made.type = "struct";
  made.range = range;
  made.sentinel = sentinel;
  made.fields = std::move(fields);
  made.subsections = std::move(subsections);
  return made;
}

Field subsection(const std::string& name, ByteRange range, std::vector<Field> fields) {
  Field made;
  made.kind = Kind::subsection;
  made.name = name;
  made.range = range;
  made.fields = std::move(fields);
  return made;
}

FieldTree described(std::vector<Field> fields, std::vector<Field> subsections = {}) {
  FieldTree tree;
  tree.decoded_by = "description";
  tree.fields = std::move(fields);
  tree.subsections = std::move(subsections);
  return tree;
}

FieldTree opaque(ByteRange range) {
  FieldTree tree;
  tree.decoded_by = "opaque";
  tree.fields.push_back(leaf("data", range));
  tree.fields[0].kind = Kind::opaque;
  return tree;
}

// A stream whose byte at N is N modulo 251, so that it shows which bytes moved.
ByteVector numbered(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  return bytes;
}

// Gives a writer the events of a stream.
class Stream {
 public:
  Stream(Target target, std::uint32_t version, std::uint64_t size = 200) : writer_(target), size_(size) {
    writer_.on(StreamBegin{"qevm", version, {0, 8}, {}, nullptr});
  }

  Stream& describe(const std::vector<DescribedDevice>& devices) {
    writer_.on(DescriptionKnown{devices, 4096, true});
    return *this;
  }
  Stream& device(const std::string& name, ByteRange body, const FieldTree& tree) {
    const SectionHeader header = begin(name, body);
    const ByteVector bytes = body_bytes(body, tree);
    writer_.on(DeviceState{header, tree, body, bytes});
    writer_.on(SectionEnd{header, body, Boundary::description, std::nullopt, {}});
    return *this;
  }
  // A body that nothing decoded.
  Stream& undecoded(const std::string& name, ByteRange body, Boundary boundary) {
    const SectionHeader header = begin(name, body);
    writer_.on(Payload{"not decoded", {body.offset, body.size / 2}, {}});
    writer_.on(Payload{"not decoded", {body.offset + body.size / 2, body.size - body.size / 2}, {}});
    writer_.on(SectionEnd{header, body, boundary, std::nullopt, {}});
    return *this;
  }
  // `range` ends with the length of the package.
  Stream& package(ByteRange range, std::uint64_t size) {
    writer_.on(Command{7, "packaged", range, {}, {}, 0, size});
    return *this;
  }
  Stream& package_end(Offset at) {
    writer_.on(PackageEnd{at});
    return *this;
  }
  template <class Event>
  Stream& event(const Event& e) {
    writer_.on(e);
    return *this;
  }
  Stream& end(StreamEndKind kind = StreamEndKind::eof) {
    writer_.on(StreamEnd{kind, size_, true, true, 4096});
    return *this;
  }

  const SentinelWriter& writer() const { return writer_; }
  ByteVector written() const {
    MemorySource source(numbered(size_));
    MemorySink out;
    EXPECT_TRUE(writer_.edits().apply(source, out));
    return out.bytes();
  }

 private:
  static ByteVector body_bytes(ByteRange body, const FieldTree& tree) {
    ByteVector bytes(static_cast<std::size_t>(body.size), 0xee);
    walk_fields(tree, [&](const std::string&, const Field& field) {
      if (field.sentinel) bytes.at(static_cast<std::size_t>(field.range.end() - 1 - body.offset)) = 0x06;
    });
    return bytes;
  }
  SectionHeader begin(const std::string& name, ByteRange body) {
    SectionHeader header;
    header.name = name;
    header.range = {body.offset - 5, 5};
    writer_.on(SectionBegin{header, {}});
    return header;
  }

  SentinelWriter writer_;
  std::uint64_t size_;
};

// The numbered stream with the version word of the other version and 0x06 in front of each of the places.
ByteVector with_sentinels(std::size_t size, const std::vector<Offset>& places) {
  ByteVector bytes = numbered(size);
  bytes[4] = bytes[5] = bytes[6] = 0;
  bytes[7] = 4;
  for (auto place = places.rbegin(); place != places.rend(); ++place)
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(*place), 0x06);
  return bytes;
}
ByteVector without(std::size_t size, const std::vector<Offset>& places) {
  ByteVector bytes = numbered(size);
  bytes[4] = bytes[5] = bytes[6] = 0;
  bytes[7] = 3;
  for (auto place = places.rbegin(); place != places.rend(); ++place) bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(*place));
  return bytes;
}

void expect_one_obstacle(const Stream& stream, const std::string& section, ByteRange range, const std::string& part_of_reason) {
  const auto& obstacles = stream.writer().obstacles();
  ASSERT_EQ(obstacles.size(), 1u) << (obstacles.empty() ? "" : obstacles[0].reason);
  EXPECT_EQ(obstacles[0].section, section);
  EXPECT_EQ(obstacles[0].range.offset, range.offset);
  EXPECT_EQ(obstacles[0].range.size, range.size);
  EXPECT_NE(obstacles[0].reason.find(part_of_reason), std::string::npos) << obstacles[0].reason;
}
void expect_none(const Stream& stream) {
  EXPECT_TRUE(stream.writer().obstacles().empty()) << stream.writer().obstacles().front().reason;
  EXPECT_EQ(stream.writer().more_obstacles(), 0u);
}

// --- both directions ------------------------------------------------------------------------------------------------

TEST(SentinelWriter, OnlyTheVersionWhereThereAreNoStructs) {
  Stream up(Target::sentinel, 3);
  up.device("timer", {20, 10}, described({leaf("a", {20, 4}), leaf("b", {24, 6})})).end();
  expect_none(up);
  EXPECT_EQ(up.writer().from_version(), 3u);
  EXPECT_EQ(up.written(), with_sentinels(200, {}));
  Stream down(Target::legacy, 4);
  down.device("timer", {20, 10}, described({leaf("a", {20, 10})})).end();
  expect_none(down);
  EXPECT_EQ(down.writer().from_version(), 4u);
  EXPECT_EQ(down.written(), without(200, {}));
}

TEST(SentinelWriter, NestedStructsEndFromTheInsideOut) {
  //  20 a | 21 outer { 21 inner { 21..24 } 25..26 } | 27 b
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 8}, described({leaf("a", {20, 1}),
                                     structure("outer", {21, 6}, false, {structure("inner", {21, 4}, false, {leaf("x", {21, 4})}), leaf("y", {25, 2})}),
                                     leaf("b", {27, 1})}));
  up.end();
  expect_none(up);
  EXPECT_EQ(up.written(), with_sentinels(200, {25, 27}));
  Stream down(Target::legacy, 4);
  down.device("d", {20, 10}, described({leaf("a", {20, 1}),
                                        structure("outer", {21, 8}, true, {structure("inner", {21, 5}, true, {leaf("x", {21, 4})}), leaf("y", {26, 2})}),
                                        leaf("b", {29, 1})}));
  down.end();
  expect_none(down);
  EXPECT_EQ(down.written(), without(200, {25, 28}));
}

TEST(SentinelWriter, StructsThatEndTogetherHaveOneEach) {
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 4}, described({structure("outer", {20, 4}, false, {structure("inner", {20, 4}, false, {leaf("x", {20, 4})})})})).end();
  EXPECT_EQ(up.written(), with_sentinels(200, {24, 24}));
  EXPECT_EQ(up.writer().edits().inserted(), 2u);
  Stream down(Target::legacy, 4);
  down.device("d", {20, 6}, described({structure("outer", {20, 6}, true, {structure("inner", {20, 5}, true, {leaf("x", {20, 4})})})})).end();
  EXPECT_EQ(down.written(), without(200, {24, 25}));
  EXPECT_EQ(down.writer().edits().removed(), 2u);
}

TEST(SentinelWriter, EachElementOfAnArray) {
  std::vector<Field> three, three_ended;
  for (std::uint32_t i = 0; i < 3; ++i) {
    three.push_back(structure("regs", {20 + 2 * i, 2}, false, {leaf("r", {20 + 2 * i, 2})}));
    three_ended.push_back(structure("regs", {20 + 3 * i, 3}, true, {leaf("r", {20 + 3 * i, 2})}));
  }
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 6}, described(three)).end();
  EXPECT_EQ(up.written(), with_sentinels(200, {22, 24, 26}));
  Stream down(Target::legacy, 4);
  down.device("d", {20, 9}, described(three_ended)).end();
  EXPECT_EQ(down.written(), without(200, {22, 25, 28}));
}

TEST(SentinelWriter, ElementsOfNothingHaveOneEach) {
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 2}, described({structure("none", {20, 0}, false), structure("none", {20, 0}, false), leaf("x", {20, 2})})).end();
  expect_none(up);
  EXPECT_EQ(up.written(), with_sentinels(200, {20, 20}));
}

// A section body may be nothing but a struct without fields.
TEST(SentinelWriter, AStructWithoutBytesInABodyWithoutBytes) {
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 0}, described({structure("none", {20, 0}, false)})).end();
  expect_none(up);
  EXPECT_EQ(up.written(), with_sentinels(200, {20}));
}

// Behind the struct's own subsections, and not behind a subsection itself.
TEST(SentinelWriter, SubsectionsHoldStructsAndHaveNoSentinelThemselves) {
  Stream up(Target::sentinel, 3);
  up.device("d", {20, 40},
            described({structure("s", {20, 20}, false, {leaf("x", {20, 4})},
                                 {subsection("s/part", {24, 16}, {structure("in", {36, 2}, false, {leaf("y", {36, 2})}), leaf("z", {38, 2})})})},
                      {subsection("d/part", {40, 20}, {leaf("w", {52, 4}), structure("last", {56, 4}, false, {leaf("v", {56, 4})})})}))
      .end();
  expect_none(up);
  EXPECT_EQ(up.written(), with_sentinels(200, {38, 40, 60}));
  Stream down(Target::legacy, 4);
  down.device("d", {20, 43},
              described({structure("s", {20, 22}, true, {leaf("x", {20, 4})},
                                   {subsection("s/part", {24, 17}, {structure("in", {36, 3}, true, {leaf("y", {36, 2})}), leaf("z", {39, 2})})})},
                        {subsection("d/part", {42, 21}, {leaf("w", {54, 4}), structure("last", {58, 5}, true, {leaf("v", {58, 4})})})}))
      .end();
  expect_none(down);
  EXPECT_EQ(down.written(), without(200, {38, 41, 62}));
}

TEST(SentinelWriter, OnlyStructElementsHaveEnds) {
  for (const auto& [type, ends] : {std::pair{"struct", true}, {"vstruct", true}, {"tmp", false}, {"qtailq", false}, {"gtree", false},
                                   {"virtio", false}, {"", false}}) {
    Field one = structure("s", {20, 4}, false, {leaf("x", {20, 4})});
    one.type = type;
    Stream up(Target::sentinel, 3);
    up.device("d", {20, 4}, described({one})).end();
    expect_none(up);
    EXPECT_EQ(up.writer().edits().inserted(), ends ? 1u : 0u) << type;
  }
}

// --- packages ---------------------------------------------------------------------------------------------------------

TEST(SentinelWriter, PackageLengthsGrowWithTheirContent) {
  // 8 command, its length at 17..20, then 50 bytes of package
  Stream up(Target::sentinel, 3);
  up.package({8, 13}, 50);
  up.device("in", {30, 8}, described({structure("s", {30, 4}, false, {leaf("x", {30, 4})}), structure("t", {34, 4}, false, {leaf("y", {34, 4})})}));
  up.package_end(71);
  up.device("behind", {80, 4}, described({structure("s", {80, 4}, false, {leaf("x", {80, 4})})}));
  up.end();
  expect_none(up);
  ByteVector expected = with_sentinels(200, {34, 38, 84});
  expected[17] = expected[18] = expected[19] = 0;
  expected[20] = 52;
  EXPECT_EQ(up.written(), expected);
}

TEST(SentinelWriter, PackageLengthsShrinkWithTheirContent) {
  Stream down(Target::legacy, 4);
  down.device("before", {15, 3}, described({structure("s", {15, 3}, true, {leaf("x", {15, 2})})}));
  down.package({20, 13}, 300);
  down.device("in", {40, 5}, described({structure("s", {40, 5}, true, {leaf("x", {40, 4})})}));
  down.package_end(333).end();
  expect_none(down);
  ByteVector bytes = numbered(200);
  bytes[4] = bytes[5] = bytes[6] = 0;
  bytes[7] = 3;
  bytes[29] = bytes[30] = 0;
  bytes[31] = 299 >> 8;
  bytes[32] = 299 & 255;
  bytes.erase(bytes.begin() + 44);
  bytes.erase(bytes.begin() + 17);
  EXPECT_EQ(down.written(), bytes);
}

TEST(SentinelWriter, PackagesInsidePackages) {
  Stream up(Target::sentinel, 3);
  up.package({8, 13}, 150).package({30, 13}, 40);
  up.device("in", {50, 4}, described({structure("s", {50, 4}, false, {leaf("x", {50, 4})})}));
  up.package_end(83).package({90, 13}, 20).package_end(123);
  up.device("out", {130, 4}, described({structure("s", {130, 4}, false, {leaf("x", {130, 4})})}));
  up.package_end(171).end();
  expect_none(up);
  ByteVector expected = with_sentinels(200, {54, 134});
  const auto put = [&](std::size_t at, std::uint8_t last) {
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(at), 3, std::uint8_t{0});
    expected[at + 3] = last;
  };
  put(17, 152);
  put(39, 41);
  put(99 + 1, 20);  // moved by the sentinel in front of it
  EXPECT_EQ(up.written(), expected);
}

TEST(SentinelWriter, APackageThatItsLengthCannotSay) {
  Stream up(Target::sentinel, 3);
  up.package({8, 13}, 0xffffffff);
  up.device("in", {30, 4}, described({structure("s", {30, 4}, false, {leaf("x", {30, 4})})}));
  up.package_end(21 + 0xffffffffull).end();
  expect_one_obstacle(up, "", {21 + 0xffffffffull, 0}, "larger than its length can say");
}

TEST(SentinelWriter, OtherCommandsStayAsTheyAre) {
  Stream up(Target::sentinel, 3);
  up.event(Command{2, "ping", {8, 9}, {}, {}, 0, std::nullopt}).end();
  expect_none(up);
  EXPECT_EQ(up.writer().edits().list().size(), 1u) << "only the version";
}

// --- obstacles --------------------------------------------------------------------------------------------------------

TEST(SentinelWriter, OtherVersions) {
  for (const std::uint32_t version : {0u, 1u, 2u, 5u, 0xffffffffu})
    for (const Target target : {Target::sentinel, Target::legacy}) {
      Stream stream(target, version);
      stream.end();
      expect_one_obstacle(stream, "", {0, 8}, "version " + std::to_string(version) + " are of another kind");
      EXPECT_EQ(stream.writer().from_version(), version);
    }
  Stream four(Target::sentinel, 4);
  expect_one_obstacle(four.end(), "", {0, 8}, "of version 4 already");
  Stream three(Target::legacy, 3);
  expect_one_obstacle(three.end(), "", {0, 8}, "of version 3 already");
}

// Records may be recognised in spite of their header. Turned back it would be mended, which is not the original.
TEST(SentinelWriter, ADamagedHeader) {
  for (const ByteVector& header : {hex("'QEVM' 00000002"), hex("'QEVM' 00000004"), hex("'QEVm' 00000003")}) {
    SentinelWriter writer(Target::sentinel);
    writer.on(StreamBegin{"qevm", 3, {0, 8}, header, nullptr});
    ASSERT_EQ(writer.obstacles().size(), 1u);
    EXPECT_EQ(writer.obstacles()[0].range, (ByteRange{0, 8}));
    EXPECT_NE(writer.obstacles()[0].reason.find("header"), std::string::npos);
  }
  SentinelWriter sound(Target::sentinel);
  const ByteVector header = hex("'QEVM' 00000003");
  sound.on(StreamBegin{"qevm", 3, {0, 8}, header, nullptr});
  EXPECT_TRUE(sound.obstacles().empty());
}

TEST(SentinelWriter, MappedPagesMustNotMove) {
  const RamMappedBitmap bitmap{0, 0, {40, 8}, {}};
  const RamMappedPages pages{0, {48, 2}, {50, 100}, 1};
  Stream unmoved(Target::sentinel, 3);
  unmoved.event(bitmap).event(pages).device("d", {160, 4}, described({structure("s", {160, 4}, false)})).end();
  expect_none(unmoved);
  Stream moved(Target::sentinel, 3);
  moved.device("d", {20, 4}, described({structure("s", {20, 4}, false, {leaf("x", {20, 4})})})).event(pages).end();
  expect_one_obstacle(moved, "", {50, 100}, "mapped pages would move");
  Stream bitmap_moved(Target::legacy, 4);
  bitmap_moved.device("d", {20, 4}, described({structure("s", {20, 4}, true, {leaf("x", {20, 3})})})).event(bitmap).end();
  expect_one_obstacle(bitmap_moved, "", {40, 8}, "mapped pages would move");
}

TEST(SentinelWriter, WhatNobodyDescribesMayHoldStructs) {
  Stream stream(Target::sentinel, 3);
  stream.device("0000:00:02.0/vga", {20, 30}, opaque({20, 30})).end();
  expect_one_obstacle(stream, "0000:00:02.0/vga", {20, 30}, "neither a description nor a layout");
}

TEST(SentinelWriter, WhatDevicesWriteByThemselvesHoldsNone) {
  for (const std::string name : {"slirp", "0000:00:03.0/virtio-net", "cpu_common", "audio"}) {
    Stream stream(Target::sentinel, 3);
    stream.device(name, {20, 30}, opaque({20, 30})).end();
    expect_none(stream);
    EXPECT_EQ(stream.writer().edits().inserted(), 0u);
  }
}

TEST(SentinelWriter, UndecodedBodies) {
  for (const Boundary boundary : {Boundary::footer, Boundary::scan, Boundary::end, Boundary::layout, Boundary::description}) {
    Stream stream(Target::sentinel, 3);
    stream.undecoded("ram", {20, 31}, boundary).end();
    expect_one_obstacle(stream, "ram", {20, 31}, "not decoded");
  }
  Stream self(Target::sentinel, 3);
  self.undecoded("block", {20, 31}, Boundary::self).end();
  expect_none(self);
  Stream later(Target::sentinel, 3);
  later.undecoded("block", {20, 31}, Boundary::self).device("d", {60, 4}, described({leaf("x", {60, 4})})).end();
  expect_none(later);
}

TEST(SentinelWriter, BytesThatNoDescriptionExplains) {
  Field gap = leaf("(not described)", {24, 6});
  gap.kind = Kind::gap;
  Stream top(Target::sentinel, 3);
  top.device("d", {20, 10}, described({leaf("x", {20, 4}), gap})).end();
  expect_one_obstacle(top, "d", {24, 6}, "no description explains");
  Stream inside(Target::legacy, 4);
  inside.device("d", {20, 11}, described({structure("s", {20, 11}, true, {leaf("x", {20, 4}), gap})})).end();
  expect_one_obstacle(inside, "d", {24, 6}, "no description explains");
  Stream part(Target::sentinel, 3);
  part.device("d", {10, 20}, described({}, {subsection("d/p", {10, 20}, {gap})})).end();
  expect_one_obstacle(part, "d", {24, 6}, "no description explains");
}

TEST(SentinelWriter, AStructWithoutItsSentinel) {
  Field inner = structure("inner", {20, 4}, false, {leaf("x", {20, 4})});
  inner.index = 2;
  Stream stream(Target::legacy, 4);
  stream.device("d", {20, 5}, described({structure("outer", {20, 5}, true, {inner})})).end();
  expect_one_obstacle(stream, "d", {20, 4}, "'inner[2]' does not end in a sentinel");
}

TEST(SentinelWriter, AnotherByteThanASentinelIsNotLeftOut) {
  SentinelWriter writer(Target::legacy);
  writer.on(StreamBegin{"qevm", 4, {0, 8}, {}, nullptr});
  SectionHeader header;
  header.name = "d";
  const FieldTree tree = described({structure("s", {20, 5}, true, {leaf("x", {20, 4})})});
  const ByteVector bytes = hex("01020304 07");
  writer.on(SectionBegin{header, {}});
  writer.on(DeviceState{header, tree, {20, 5}, bytes});
  ASSERT_EQ(writer.obstacles().size(), 1u);
  EXPECT_EQ(writer.obstacles()[0].range, (ByteRange{20, 5}));
  EXPECT_TRUE(writer.edits().removed() == 0) << "nothing would bring the byte back";
}

TEST(SentinelWriter, WhatSeveralLayoutsExplain) {
  FieldTree tree = described({structure("s", {20, 4}, false, {leaf("x", {20, 4})})});
  tree.decoded_by = "layout:d";
  Stream one(Target::sentinel, 3);
  expect_none(one.device("d", {20, 4}, tree).end());
  tree.certain = false;
  Stream several(Target::sentinel, 3);
  expect_one_obstacle(several.device("d", {20, 4}, tree).end(), "d", {20, 4}, "several layouts");
}

// Where the fields of a struct are not known, neither are the structs inside.
TEST(SentinelWriter, AStructThatIsOneValue) {
  for (const std::string type : {"struct", "vstruct"}) {
    Field closed = leaf("s", {20, 8});
    closed.kind = Kind::opaque;
    closed.type = type;
    Stream up(Target::sentinel, 3);
    up.device("d", {20, 8}, described({closed})).end();
    expect_one_obstacle(up, "d", {20, 8}, "the inside of the struct 's' is not described");
    Stream down(Target::legacy, 4);
    down.device("d", {20, 8}, described({closed})).end();
    expect_one_obstacle(down, "d", {20, 8}, "the inside of the struct 's' is not described");
  }
}

TEST(SentinelWriter, ABodyOfAnotherLengthThanDescribed) {
  const auto body = described({structure("s", {20, 4}, false, {leaf("x", {20, 4})}), leaf("y", {24, 2})});
  Stream fits(Target::sentinel, 3);
  fits.describe({{"d", 0, 1, 6, false}}).device("d", {20, 6}, body).end();
  expect_none(fits);
  Stream longer(Target::sentinel, 3);
  longer.describe({{"d", 0, 1, 5, false}}).device("d", {20, 6}, body).end();
  expect_one_obstacle(longer, "d", {20, 6}, "contradicts its description");
  Stream twice(Target::sentinel, 3);
  twice.describe({{"d", 0, 1, 5, false}, {"d", 0, 1, 6, false}}).device("d", {20, 6}, body).end();
  expect_none(twice);
  Stream other(Target::sentinel, 3);
  other.describe({{"d", 1, 1, 5, false}}).device("d", {20, 6}, body).end();
  expect_none(other);
  Stream again(Target::sentinel, 3);
  again.describe({{"d", 0, 1, 5, false}}).describe({{"d", 0, 1, 6, false}}).device("d", {20, 6}, body).end();
  expect_none(again);
}

// Sizes of a description do not count sentinels.
TEST(SentinelWriter, SentinelsDoNotCountForTheLength) {
  const auto body = described({structure("s", {20, 5}, true, {leaf("x", {20, 4})}), leaf("y", {25, 2})});
  Stream fits(Target::legacy, 4);
  fits.describe({{"d", 0, 1, 6, false}}).device("d", {20, 7}, body).end();
  expect_none(fits);
  Stream longer(Target::legacy, 4);
  longer.describe({{"d", 0, 1, 7, false}}).device("d", {20, 7}, body).end();
  expect_one_obstacle(longer, "d", {20, 7}, "contradicts its description");
}

TEST(SentinelWriter, OneBlobThatADevicesOwnCodeWrote) {
  const FieldTree blob = described(opaque({20, 9}).fields);
  Stream unknown(Target::sentinel, 3);
  unknown.describe({{"cpu", 0, std::nullopt, 9, false}}).device("cpu", {20, 9}, blob).end();
  expect_one_obstacle(unknown, "cpu", {20, 9}, "the device's own code wrote it");
  Stream known(Target::sentinel, 3);
  known.describe({{"slirp", 0, std::nullopt, 9, false}}).device("slirp", {20, 9}, blob).end();
  expect_none(known);
  Stream versioned(Target::sentinel, 3);
  versioned.describe({{"buffer", 0, 1, 9, false}}).device("buffer", {20, 9}, blob).end();
  expect_none(versioned);
}

TEST(SentinelWriter, ArraysDescribedByAnEmptySlotAreYoungerThanTheFormat) {
  Stream stream(Target::sentinel, 3);
  stream.describe({{"s390-css", 0, 1, 3, true}}).device("s390-css", {20, 30}, opaque({20, 30})).end();
  expect_none(stream);
}

TEST(SentinelWriter, DamageAndStrayEnds) {
  Stream lost(Target::sentinel, 3);
  lost.event(Gap{Gap::Kind::lost, {50, 7}, "nothing known"}).end();
  expect_one_obstacle(lost, "", {50, 7}, "nothing known");
  Stream harmless(Target::sentinel, 3);
  harmless.event(Gap{Gap::Kind::padding, {50, 7}, "padding"}).event(Gap{Gap::Kind::trailing, {60, 7}, "behind"}).end();
  expect_none(harmless);
  Stream stray(Target::sentinel, 3);
  stray.event(EndOfStream{{50, 1}, true}).event(EndOfStream{{60, 1}, false}).end();
  expect_one_obstacle(stray, "", {50, 1}, "stray end byte");
}

TEST(SentinelWriter, StreamsThatAreNotWhole) {
  for (const StreamEndKind kind : {StreamEndKind::truncated, StreamEndKind::premature_eof, StreamEndKind::unreadable}) {
    Stream stream(Target::sentinel, 3);
    stream.end(kind);
    expect_one_obstacle(stream, "", {200, 0}, "not whole");
  }
}

TEST(SentinelWriter, ObstaclesAreBounded) {
  Stream stream(Target::sentinel, 3);
  for (Offset at = 0; at < 1500; ++at) stream.event(Gap{Gap::Kind::lost, {at, 1}, "damage"});
  stream.end();
  EXPECT_EQ(stream.writer().obstacles().size(), 1000u);
  EXPECT_EQ(stream.writer().more_obstacles(), 500u);
}

TEST(SentinelWriter, EditsAreBounded) {
  Stream stream(Target::legacy, 4);
  std::vector<Field> many;
  for (std::uint32_t i = 0; i < 1000; ++i) many.push_back(structure("s", {20 + 2 * i, 2}, true, {leaf("x", {20 + 2 * i, 1})}));
  for (int i = 0; i < 1100; ++i) stream.device("d", {20, 2000}, described(many));
  stream.end();
  ASSERT_FALSE(stream.writer().obstacles().empty());
  EXPECT_NE(stream.writer().obstacles()[0].reason.find("more structs than this tool converts"), std::string::npos);
  EXPECT_LE(stream.writer().edits().list().size(), 1u << 20);
}

}  // namespace
}  // namespace vmstate::test
