// SPDX-License-Identifier: Apache-2.0
// Sections by hand-made events: sentinels, bodies that are not described, bodies in pieces.
#include <gtest/gtest.h>

#include "parsers/inspect/section_comparison.hpp"
#include "tests/support/compared.hpp"

namespace vmstate::test {
namespace {

Field leaf(std::string name, std::string type, ByteRange range, Field::Kind kind = Field::Kind::scalar) {
  Field field;
  field.kind = kind;
  field.name = std::move(name);
  field.type = std::move(type);
  field.range = range;
  return field;
}
Field structure(std::string name, ByteRange range, bool sentinel, std::vector<Field> fields) {
  Field field = leaf(std::move(name), "struct", range, Field::Kind::structure);
  field.sentinel = sentinel;
  field.fields = std::move(fields);
  return field;
}

FieldTree tree_of(std::string decoded_by, std::vector<Field> fields) {
  FieldTree tree;
  tree.decoded_by = std::move(decoded_by);
  tree.fields = std::move(fields);
  return tree;
}

// One FULL section of a stream of the given version, at `base`.
SectionState section(std::uint32_t version, Offset base, std::string_view body, FieldTree tree, Boundary boundary = Boundary::self) {
  std::optional<SectionState> taken;
  SectionStates states([&](SectionState&& state) { taken = std::move(state); });
  const ByteVector bytes = hex(body);
  SectionHeader header;
  header.name = "dev";
  const ByteRange range{base, bytes.size()};
  states.on(StreamBegin{"qevm", version, {}, {}, {}});
  states.on(SectionBegin{header, {}});
  states.on(DeviceState{header, tree, range, bytes});
  states.on(SectionEnd{header, range, boundary, {}, {}});
  return std::move(taken.value());
}

// u16 a; struct s { u8 b; struct t { u8 c; } } ; u8 d
SectionState version_3(std::string_view body = "0102 03 04 05") {
  const Offset at = 0x100;
  return section(3, at, body,
                 tree_of("description",
                  {leaf("a", "uint16", {at, 2}),
                   structure("s", {at + 2, 2}, false, {leaf("b", "uint8", {at + 2, 1}), structure("t", {at + 3, 1}, false, {leaf("c", "uint8", {at + 3, 1})})}),
                   leaf("d", "uint8", {at + 4, 1})}));
}
SectionState version_4(std::string_view body = "0102 03 04 06 06 05") {
  const Offset at = 0x999;
  return section(4, at, body,
                 tree_of("description",
                  {leaf("a", "uint16", {at, 2}),
                   structure("s", {at + 2, 4}, true, {leaf("b", "uint8", {at + 2, 1}), structure("t", {at + 3, 2}, true, {leaf("c", "uint8", {at + 3, 1})})}),
                   leaf("d", "uint8", {at + 6, 1})}));
}
SectionState undescribed(std::uint32_t version, std::string_view body, Boundary boundary = Boundary::self) {
  const auto size = hex(body).size();
  return section(version, 0x50, body, tree_of("opaque", {leaf("body", "", {0x50, size}, Field::Kind::opaque)}), boundary);
}

std::string compare(const SectionState& left, const SectionState& right) {
  Comparison out{Limits{}};
  const Certainty certainty = compare_sections(left, right, out);
  const std::string text = report(out);
  return (certainty == Certainty::sentinels ? "sentinels: " : certainty == Certainty::extent ? "extent: " : "") + text;
}

TEST(SectionComparison, SentinelsAreNotState) {
  EXPECT_EQ(version_4().body, hex("0102030405"));
  EXPECT_EQ(compare(version_3(), version_4()), "same");
  EXPECT_EQ(compare(version_4(), version_3()), "same");
  EXPECT_EQ(compare(version_4(), version_4()), "same");
}

TEST(SectionComparison, FieldsBehindSentinelsAreFound) {
  EXPECT_EQ(compare(version_3(), version_4("0102 03 09 06 06 05")), "different\n- dev s.t.c: 4 | 9");
  EXPECT_EQ(compare(version_4("0102 03 04 06 06 0a"), version_3()), "different\n- dev d: 10 | 5");
}

TEST(SectionComparison, AStateByteOfTheSentinelsValueIsState) {
  EXPECT_EQ(compare(version_3("0102 03 06 05"), version_4("0102 03 06 06 06 05")), "same");
  EXPECT_EQ(compare(version_3("0102 03 06 05"), version_4()), "different\n- dev s.t.c: 6 | 4");
}

TEST(SectionComparison, UndescribedBodiesOfOneVersionAreTheirBytes) {
  EXPECT_EQ(compare(undescribed(3, "0102030405"), version_3()), "same");
  EXPECT_EQ(compare(undescribed(3, "0102030405"), version_4()), "same");
  EXPECT_EQ(compare(version_4(), undescribed(3, "0102030705")), "different\n- dev s.t.c: 4 | 7");
  EXPECT_EQ(compare(undescribed(4, "010206"), undescribed(4, "010206")), "same");
  EXPECT_EQ(compare(undescribed(4, "010206"), undescribed(4, "010207")), "different\n- dev @2: 06 | 07");
}

TEST(SectionComparison, UndescribedSentinelsLeaveADoubt) {
  EXPECT_EQ(compare(version_3(), undescribed(4, "0102 03 04 06 06 05")), "sentinels: same");
  EXPECT_EQ(compare(undescribed(4, "0102 03 04 06 06 05"), version_4()), "sentinels: same");
  EXPECT_EQ(compare(undescribed(3, "010203"), undescribed(4, "06010203")), "sentinels: same");
  EXPECT_EQ(compare(version_3(), undescribed(4, "0102 03 04 06 07 05")), "different\n- dev @4: 05 | 0705") << "no sentinel makes that up";
  EXPECT_EQ(compare(undescribed(3, "01060203"), undescribed(4, "010203")), "different\n- dev @1: 060203 | 0203") << "bytes of version 3 are no sentinels";
}

TEST(SectionComparison, AGuessedEndLeavesADoubt) {
  const auto guessed = undescribed(3, "0102", Boundary::scan);
  EXPECT_EQ(compare(guessed, undescribed(3, "010200")), "extent: same");
  EXPECT_EQ(compare(undescribed(4, "01060200"), guessed), "extent: same");
  EXPECT_EQ(compare(guessed, undescribed(3, "01")), "different\n- dev body: 0102 | 01") << "that end is not guessed";
  EXPECT_EQ(compare(guessed, undescribed(3, "0103")), "different\n- dev @1: 02 | 03");
}

TEST(SectionComparison, BodiesReadByTwoLayoutsLeaveADoubt) {
  const auto body = [](std::string_view bytes, std::string name) {
    const auto size = hex(bytes).size();
    FieldTree tree = tree_of("layout:dev", {leaf("a", "uint8", {0, 1}), leaf(std::move(name), "uint8", {1, 1})});
    if (size > 2) tree.fields.push_back(leaf("more", "uint8", {2, 1}));
    return section(3, 0, bytes, tree, Boundary::layout);
  };
  EXPECT_EQ(compare(body("0102", "old"), body("010200", "new")), "extent: same");
  EXPECT_EQ(compare(body("0102", "new"), body("010200", "new")), "different\n- dev more: absent | 0") << "one layout, and one field more";
}

TEST(SectionComparison, SubsectionsOfOneSideOnly) {
  const auto with = [](bool more) {
    const Offset at = 0x40;
    FieldTree tree = tree_of("description", {leaf("a", "uint8", {at, 1})});
    Field sub = leaf("dev/sub", "", {at + 1, 14}, Field::Kind::subsection);
    sub.version = 1;
    sub.header_size = 13;
    sub.fields = {leaf("x", "uint8", {at + 14, 1})};
    if (more) tree.subsections = {sub};
    return section(3, at, more ? "01 05 07 'dev/sub' 00000001 22" : "01", tree);
  };
  EXPECT_EQ(compare(with(true), with(false)), "different\n- dev dev/sub: present | absent");
  EXPECT_EQ(compare(with(true), with(true)), "same");
}

// An iterable section in several records: items count, not how they were dealt out.
SectionState iterable(const std::vector<std::vector<std::string>>& records) {
  std::optional<SectionState> taken;
  SectionStates states([&](SectionState&& state) { taken = std::move(state); });
  SectionHeader header;
  header.name = "dirty-bitmap";
  header.id = 9;
  for (std::size_t i = 0; i < records.size(); ++i) {
    header.type = i == 0 ? SectionType::start : i + 1 == records.size() ? SectionType::end : SectionType::part;
    states.on(SectionBegin{header, {}});
    for (const std::string& item : records[i]) states.on(BodyItem{"item", item, {}, as_bytes(item)});
    states.on(SectionEnd{header, {}, Boundary::self, {}, {}});
  }
  return std::move(taken.value());
}

TEST(SectionComparison, IterableSectionsAreTheirItems) {
  EXPECT_EQ(compare(iterable({{"one"}, {"two", "three"}, {}}), iterable({{"one", "two"}, {"three"}})), "same");
  EXPECT_EQ(compare(iterable({{"one"}, {"two", "three"}, {}}), iterable({{"one"}, {"two"}, {"tree"}})),
            "different\n- dirty-bitmap @6: item three | item tree");
  EXPECT_EQ(compare(iterable({{"one"}, {"two"}}), iterable({{"one"}, {}})), "different\n- dirty-bitmap @3: item two | absent");
}

TEST(SectionComparison, ManyPiecesStayBounded) {
  const auto items = [](std::size_t count, std::size_t changed) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(i == changed ? "changed " : "item " + std::to_string(i % 10));
    return iterable({texts, {}});
  };
  constexpr std::size_t many = 100'000, nowhere = ~std::size_t{0};
  EXPECT_LE(items(many, nowhere).pieces.size(), 8192u);
  EXPECT_EQ(compare(items(many, nowhere), items(many, nowhere)), "same");
  EXPECT_NE(compare(items(many, nowhere), items(many, 99'999)), "same");
}

}  // namespace
}  // namespace vmstate::test
