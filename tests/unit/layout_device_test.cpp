// SPDX-License-Identifier: Apache-2.0
// Bodies decoded by a layout: byte arrays line by line in both encodings, then one thing wrong at a time.
#include <gtest/gtest.h>

#include <map>

#include "formats/layouts/catalogue.hpp"
#include "parsers/api/layout_decoder.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

constexpr Offset base = 0x1000;

const LayoutCatalogue& disk_layouts() {
  static const LayoutCatalogue made = std::move(*LayoutCatalogue::of({{"disk.json", R"({"layouts": [
    {"name": "disk", "version": 3, "minimum": 1, "subsections": ["disk/media"], "fields": [
      {"name": "dev", "struct": "PCI"},
      {"name": "channels", "type": "uint8"},
      {"name": "channel", "struct": "channel", "count": "channels"},
      {"name": "format", "type": "uint16", "since": 2},
      {"name": "small", "type": "uint16", "if": "format == 0"},
      {"name": "wide", "type": "uint32", "count": 2, "if": "format & 0x8000 != 0"},
      {"name": "log", "embedded": "log", "since": 3},
      {"name": "requests", "list": "request", "since": 3}]},
    {"name": "PCI", "version": 2, "fields": [{"name": "id", "type": "int32"}]},
    {"name": "channel", "version": 1, "subsections": ["channel/status", "channel current"], "fields": [
      {"name": "cmd", "type": "uint8"}, {"name": "part", "struct": "part"}]},
    {"name": "part", "version": 1, "fields": [{"name": "x", "type": "uint8"}]},
    {"name": "channel/status", "version": 1, "fields": [{"name": "status", "type": "uint8"}]},
    {"name": "channel current", "version": 1, "fields": [{"name": "part", "struct": "part"}]},
    {"name": "log", "version": 1, "fields": [{"name": "used", "type": "uint8"}, {"name": "text", "type": "buffer", "size": "used"}]},
    {"name": "request", "version": 1, "fields": [{"name": "sector", "type": "uint16"}]},
    {"name": "disk/media", "version": 2, "fields": [{"name": "changed", "type": "bool"}]}]})"}}));
  return made;
}

const Layout& disk() { return *disk_layouts().for_section("disk")[0]; }

const std::string_view plain_body =
    "00000007"                               //  0 dev.id
    "02"                                     //  4 channels
    "c8 01"                                  //  5 channel[0]: cmd, part.x
    "05 0e 'channel/status' 00000001 60"     //  7 its subsection
    "05 02"                                  // 28 channel[1]: cmd (5, as data), part.x
    "05 0f 'channel current' 00000001 33"    // 30 its subsection: part.x
    "0000"                                   // 52 format
    "1234"                                   // 54 small
    "03 'abc'"                               // 56 log: used, text
    "01 0101 01 0202 00"                     // 60 requests
    "05 0a 'disk/media' 00000002 01";        // 67 subsection

const std::string_view sentinel_body =
    "00000007 06"                            //  0 dev.id, sentinel
    "02"                                     //  5 channels
    "c8 01 06"                               //  6 channel[0]: cmd, part.x, sentinel of part
    "05 0e 'channel/status' 00000001 60 06"  //  9 its subsection, sentinel of channel[0] at 30
    "05 02 06"                               // 31 channel[1]: cmd, part.x, sentinel of part at 33
    "05 0f 'channel current' 00000001 33 06 06"  // 34 its subsection: part.x, sentinel of part at 56, of channel[1] at 57
    "0000 1234 03 'abc'"                     // 58 format, small, log
    "01 0101 01 0202 00"                     // 66 requests
    "05 0a 'disk/media' 00000002 01";        // 73 subsection

// What follows a body in these tests.
const ByteVector next_section = hex("04 00000009 05 'timer' 00000000 00000002");

std::string listing(const LayoutDecoding& decoding) {
  std::string text;
  walk_fields(decoding.tree, [&](const std::string& path, const Field& field) {
    const bool inner = field.kind == Field::Kind::structure || field.kind == Field::Kind::subsection;
    text += path + (inner ? (field.sentinel ? " {6} " : " {} ") : " ") + std::to_string(field.range.offset - base) + "+" +
            std::to_string(field.range.size) + "\n";
  });
  return text;
}

// Every byte up to decoding.size is in exactly one leaf, header or sentinel.
void expect_tiles(const LayoutDecoding& decoding) {
  std::map<Offset, std::uint64_t> pieces;
  walk_fields(decoding.tree, [&](const std::string& path, const Field& field) {
    if (field.sentinel) {
      EXPECT_TRUE(pieces.try_emplace(field.range.end() - 1, 1u).second) << path;
    }
    if (field.kind == Field::Kind::structure || field.range.empty()) return;
    const bool subsection = field.kind == Field::Kind::subsection;
    EXPECT_TRUE(pieces.try_emplace(field.range.offset, subsection ? field.header_size : field.range.size).second) << path;
  });
  Offset next = base;
  for (const auto& [at, size] : pieces) {
    EXPECT_EQ(at, next);
    next = at + size;
  }
  EXPECT_EQ(next, base + decoding.size);
}

LayoutDecoding decode(const ByteVector& bytes, bool sentinels, std::uint32_t version = 3, const Limits& limits = {}) {
  return decode_by_layout({disk(), bytes, base, version, {sentinels}}, limits);
}

// The whole way: what follows the body is known.
LayoutDecoding mend(const ByteVector& body, bool sentinels) {
  const ByteVector bytes = body + next_section;
  auto decoding = decode_damaged_by_layout({disk(), bytes, base, 3, {sentinels}},
                                           [&](std::uint64_t size) { return size == body.size(); }, Limits{});
  expect_tiles(decoding);
  return decoding;
}

std::string problems(const LayoutDecoding& decoding) {
  std::string text;
  for (const DecodeProblem& problem : decoding.problems)
    text += code_text(problem.code) + " " + std::to_string(problem.range.offset - base) + "+" +
            std::to_string(problem.range.size) + " " + problem.field + "\n";
  return text;
}

TEST(LayoutDevice, PlainBodyIsReadFieldByField) {
  const ByteVector body = hex(plain_body);
  const auto decoding = decode(body + next_section, false);
  EXPECT_EQ(decoding.stop, LayoutStop::none);
  EXPECT_EQ(decoding.size, body.size());
  EXPECT_EQ(decoding.tree.decoded_by, "layout:disk");
  EXPECT_EQ(listing(decoding),
            "dev {} 0+4\ndev.id 0+4\nchannels 4+1\n"
            "channel[0] {} 5+23\nchannel[0].cmd 5+1\nchannel[0].part {} 6+1\nchannel[0].part.x 6+1\n"
            "channel[0]/channel/status {} 7+21\nchannel[0]/channel/status.status 27+1\n"
            "channel[1] {} 28+24\nchannel[1].cmd 28+1\nchannel[1].part {} 29+1\nchannel[1].part.x 29+1\n"
            "channel[1]/channel current {} 30+22\nchannel[1]/channel current.part {} 51+1\nchannel[1]/channel current.part.x 51+1\n"
            "format 52+2\nsmall 54+2\nlog {} 56+4\nlog.used 56+1\nlog.text 57+3\n"
            "requests[0] {} 60+3\nrequests[0].requests follows 60+1\nrequests[0].sector 61+2\n"
            "requests[1] {} 63+3\nrequests[1].requests follows 63+1\nrequests[1].sector 64+2\nrequests end 66+1\n"
            "disk/media {} 67+17\ndisk/media.changed 83+1\n");
  expect_tiles(decoding);
  EXPECT_EQ(problems(decoding), "");
}

TEST(LayoutDevice, SentinelsEndStructElementsAndNothingElse) {
  const ByteVector body = hex(sentinel_body);
  const auto decoding = decode(body + next_section, true);
  EXPECT_EQ(decoding.stop, LayoutStop::none);
  EXPECT_EQ(decoding.size, body.size());
  EXPECT_EQ(decoding.sentinels, 6u);
  EXPECT_EQ(listing(decoding),
            "dev {6} 0+5\ndev.id 0+4\nchannels 5+1\n"
            "channel[0] {6} 6+25\nchannel[0].cmd 6+1\nchannel[0].part {6} 7+2\nchannel[0].part.x 7+1\n"
            "channel[0]/channel/status {} 9+21\nchannel[0]/channel/status.status 29+1\n"
            "channel[1] {6} 31+27\nchannel[1].cmd 31+1\nchannel[1].part {6} 32+2\nchannel[1].part.x 32+1\n"
            "channel[1]/channel current {} 34+23\nchannel[1]/channel current.part {6} 55+2\nchannel[1]/channel current.part.x 55+1\n"
            "format 58+2\nsmall 60+2\nlog {} 62+4\nlog.used 62+1\nlog.text 63+3\n"
            "requests[0] {} 66+3\nrequests[0].requests follows 66+1\nrequests[0].sector 67+2\n"
            "requests[1] {} 69+3\nrequests[1].requests follows 69+1\nrequests[1].sector 70+2\nrequests end 72+1\n"
            "disk/media {} 73+17\ndisk/media.changed 89+1\n");
  expect_tiles(decoding);
}

TEST(LayoutDevice, VersionsAndConditionsDecideWhatIsThere) {
  EXPECT_EQ(listing(decode(hex("00000007 00"), false, 1)), "dev {} 0+4\ndev.id 0+4\nchannels 4+1\n")
      << "what version 1 does not carry counts as zero";
  const auto wide = decode(hex("00000007 00 8001 00000001 00000002"), false, 2);
  EXPECT_EQ(listing(wide), "dev {} 0+4\ndev.id 0+4\nchannels 4+1\nformat 5+2\nwide[0] 7+8\n");
  EXPECT_EQ(wide.tree.fields.back().count, 2u);
  EXPECT_EQ(listing(decode(hex("00000007 00 0001"), false, 2)), "dev {} 0+4\ndev.id 0+4\nchannels 4+1\nformat 5+2\n");
}

TEST(LayoutDevice, EveryPrefixRunsOutOfBytesWhereItIsCut) {
  for (const bool sentinels : {false, true}) {
    const ByteVector body = hex(sentinels ? sentinel_body : plain_body);
    // The last subsection may be missing: up to there a cut body is a shorter one.
    const std::size_t shortest = body.size() - 17;
    for (std::size_t size = 0; size < shortest; ++size) {
      const ByteVector cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
      const auto decoding = decode(cut, sentinels);
      EXPECT_NE(decoding.stop, LayoutStop::none) << size;
      expect_tiles(decoding);
    }
    EXPECT_EQ(decode(ByteVector(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(shortest)), sentinels).stop,
              LayoutStop::none);
  }
}

// Offsets of the sentinels of sentinel_body, with the path of the element that each of them ends.
const std::vector<std::pair<std::size_t, std::string>> sentinels_of_body = {
    {4, "dev"},  {8, "channel[0].part"}, {30, "channel[0]"}, {33, "channel[1].part"},
    {56, "channel[1].channel current.part"}, {57, "channel[1]"}};

TEST(LayoutDamage, AReplacedSentinelIsNamedAndTheRestStaysInStep) {
  const ByteVector body = hex(sentinel_body);
  const std::string sound = listing(decode(body, true));
  for (const auto& [at, path] : sentinels_of_body)
    for (const int byte : {0x00, 0x04, 0x05, 0x07, 0x86, 0xff}) {
      const auto decoding = mend(with_byte(body, at, static_cast<std::uint8_t>(byte)), true);
      EXPECT_EQ(problems(decoding), "VMS0650 " + std::to_string(at) + "+1 " + path + "\n") << at << " " << byte;
      EXPECT_EQ(listing(decoding), sound) << at;
    }
}

TEST(LayoutDamage, ARemovedSentinelIsNamed) {
  const ByteVector body = hex(sentinel_body);
  for (const auto& [at, path] : sentinels_of_body) {
    ByteVector damaged = body;
    damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(at));
    const auto decoding = mend(damaged, true);
    // Of two in a row either may be the lost one: the first one found stands for the inner struct.
    const bool inner_of_two = at == 56;
    EXPECT_EQ(problems(decoding), "VMS0651 " + std::to_string(inner_of_two ? 57 : at) + "+0 " +
                                      (inner_of_two ? "channel[1]" : path) + "\n") << at;
    EXPECT_EQ(decoding.size, damaged.size()) << at;
  }
}

TEST(LayoutDamage, ADoubledSentinelIsNamed) {
  const ByteVector body = hex(sentinel_body);
  for (const auto& [at, path] : sentinels_of_body) {
    ByteVector damaged = body;
    damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(at), 0x06);
    const auto decoding = mend(damaged, true);
    ASSERT_EQ(decoding.problems.size(), 1u) << at;
    EXPECT_EQ(decoding.problems[0].code, Code::sentinel_doubled) << at;
    // In a row of equal bytes the last one is the surplus.
    const std::size_t surplus = at == 56 ? 58 : at + 1;
    EXPECT_EQ(decoding.problems[0].range, (ByteRange{base + surplus, 1})) << at;
    EXPECT_EQ(decoding.size, damaged.size()) << at;
  }
}

TEST(LayoutDamage, TwoSentinelsInOneSectionAreFound) {
  ByteVector body = with_byte(hex(sentinel_body), 57, 0x77);
  body.erase(body.begin() + 4);
  EXPECT_EQ(problems(mend(body, true)), "VMS0651 4+0 dev\nVMS0650 56+1 channel[1]\n");
}

TEST(LayoutDamage, WhatNothingExplainsIsLeftAsItIs) {
  ByteVector body = hex(sentinel_body);
  body.insert(body.begin() + 2, 0x99);  // in dev.id
  const auto decoding = mend(body, true);
  EXPECT_EQ(decoding.stop, LayoutStop::sentinel);
  EXPECT_EQ(decoding.size, 4u);
  EXPECT_EQ(decoding.stopped_in, "dev");
  EXPECT_EQ(decoding.repairs, 0u);
}

TEST(LayoutSubsections, OnlyKnownNamesAreTakenOthersAreASecondReading) {
  // Behind dev: channels = 5, then 10 "PCIxxxxxxx" … as data of the fields that follow.
  const auto lone = decode(hex("00000007 05 0005 0005 0005 0005 0005 0001"), false, 2);
  EXPECT_EQ(lone.stop, LayoutStop::none);
  EXPECT_TRUE(lone.tree.lookalikes.empty());

  const ByteVector forged = hex("00000007" "05" "04 'PCI/' 0000 0001 'x' 0001");
  const auto decoding = decode(forged, false, 2);
  EXPECT_EQ(decoding.stop, LayoutStop::none);
  EXPECT_EQ(decoding.size, forged.size());
  ASSERT_EQ(decoding.tree.lookalikes.size(), 1u);
  EXPECT_EQ(decoding.tree.lookalikes[0].name, "PCI/");
  EXPECT_EQ(decoding.tree.lookalikes[0].parent, "PCI");
  EXPECT_EQ(decoding.tree.lookalikes[0].field, "dev");
  EXPECT_EQ(decoding.tree.lookalikes[0].range, (ByteRange{base + 4, 10}));
  expect_tiles(decoding);
}

TEST(LayoutSubsections, AKnownNameThatIsDataIsFoundByWhatFollows) {
  // channel[1] and format are 05 0e 'c' 'h', and the section ends there: what follows completes the name of a subsection.
  const ByteVector data_body = hex("00000007 02 c8 01" "05 0e" "'ch'");
  const ByteVector bytes = data_body + hex("'annel/status' 00000001 60 0001 0001");
  const auto decoding = decode_damaged_by_layout({disk(), bytes, base, 2, {false}},
                                                 [&](std::uint64_t size) { return size == data_body.size(); }, Limits{});
  EXPECT_EQ(problems(decoding), "VMS0526 7+20 channel[0]\n");
  EXPECT_EQ(decoding.size, data_body.size());
  ASSERT_EQ(decoding.tree.lookalikes.size(), 1u);
  EXPECT_EQ(decoding.tree.lookalikes[0].name, "channel/status");
}

TEST(LayoutSubsections, RepeatedNewerAndUnknownOnesAreReported) {
  const ByteVector start = hex("00000007 00 0001");
  const auto twice = decode(start + hex("05 0a 'disk/media' 00000002 01 05 0a 'disk/media' 00000003 00"), false, 2);
  EXPECT_EQ(twice.stop, LayoutStop::none);
  EXPECT_EQ(problems(twice), "VMS0525 36+4 \n");
  const auto unknown = decode(hex("00000007 05 09 'PCI/extra' 00000001 06"), true);
  EXPECT_EQ(unknown.stop, LayoutStop::subsection);
  EXPECT_EQ(problems(unknown), "VMS0523 4+15 dev\n");
}

TEST(LayoutValues, OddValuesAreReportedLikeThoseOfADescription) {
  const auto decoding = decode(hex("00000007 00 0001 05 0a 'disk/media' 00000002 02"), false, 2);
  EXPECT_EQ(problems(decoding), "VMS0607 23+1 disk/media.changed\n");
}

TEST(LayoutLimits, HostileLayoutsCostNothing) {
  const auto hostile = [](const std::string& layouts) {
    auto made = LayoutCatalogue::of({{"h.json", R"({"layouts": [)" + layouts + "]}"}});
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return std::move(*made);
  };
  const ByteVector bytes(64, 0xff);
  const auto stop_of = [&](const LayoutCatalogue& made, bool sentinels = false) {
    const auto decoding = decode_by_layout({*made.for_section("h")[0], bytes, base, 1, {sentinels}}, Limits{});
    expect_tiles(decoding);
    return decoding.stop;
  };
  // Four thousand million elements of nothing; of much; a count of all ones; a size beyond any number.
  EXPECT_EQ(stop_of(hostile(R"({"name": "h", "version": 1, "fields": [{"name": "a", "struct": "e", "count": 4294967296}]},
                               {"name": "e", "version": 1, "fields": []})")), LayoutStop::limit);
  EXPECT_EQ(stop_of(hostile(R"({"name": "h", "version": 1, "fields": [{"name": "a", "type": "b", "size": 4294967296, "count": 4294967296}]})")),
            LayoutStop::data);
  EXPECT_EQ(stop_of(hostile(R"({"name": "h", "version": 1, "fields": [{"name": "n", "type": "int64"}, {"name": "a", "type": "uint8", "count": "n"}]})")),
            LayoutStop::data);
  EXPECT_EQ(stop_of(hostile(R"({"name": "h", "version": 1, "fields": [{"name": "n", "type": "uint64"},
                               {"name": "a", "type": "b", "size": {"field": "n", "times": 4294967295}}]})")), LayoutStop::data);
  // Thirty levels, each with the next one four times: a tree nobody can count.
  std::string tree;
  for (int i = 0; i < 30; ++i)
    tree += R"({"name": ")" + std::string(i == 0 ? "h" : "p" + std::to_string(i)) + R"(", "version": 1, "fields": [{"name": "a", "struct": "p)" +
            std::to_string(i + 1) + R"(", "count": 4}]},)";
  EXPECT_EQ(stop_of(hostile(tree + R"({"name": "p30", "version": 1, "fields": []})")), LayoutStop::limit);
  // Elements without bytes still need their sentinel.
  EXPECT_EQ(stop_of(hostile(R"({"name": "h", "version": 1, "fields": [{"name": "a", "struct": "e", "count": 9}]},
                               {"name": "e", "version": 1, "fields": []})"), true), LayoutStop::sentinel);
}

}  // namespace
}  // namespace vmstate::test
