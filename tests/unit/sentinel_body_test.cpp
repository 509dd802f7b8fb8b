// SPDX-License-Identifier: Apache-2.0
// Bodies of version 4 by their description: a byte 0x06 behind each struct element, then one sentinel wrong at a time.
#include <gtest/gtest.h>

#include "parsers/api/description.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

constexpr Offset base = 0x2000;

const std::string description_json = R"({"page_size": 4096, "devices": [{"name": "d", "instance_id": 0, "vmsd_name": "d", "version": 1,
  "fields": [
    {"name": "a", "type": "uint8", "size": 1},
    {"name": "regs", "array_len": 2, "type": "struct", "size": 2, "struct": {"vmsd_name": "reg", "version": 1, "fields": [
      {"name": "r", "type": "uint16", "size": 2}]}},
    {"name": "outer", "type": "struct", "size": 2, "struct": {"vmsd_name": "outer", "version": 1, "fields": [
      {"name": "inner", "type": "struct", "size": 1, "struct": {"vmsd_name": "inner", "version": 1, "fields": [
        {"name": "x", "type": "uint8", "size": 1}]}},
      {"name": "y", "type": "uint8", "size": 1}]}},
    {"name": "z", "type": "uint8", "size": 1}],
  "subsections": [
    {"vmsd_name": "d/part", "version": 1, "fields": [
      {"name": "n", "type": "uint8", "size": 1},
      {"name": "s", "type": "vstruct", "size": 1, "struct": {"vmsd_name": "s", "version": 1, "fields": [
        {"name": "v", "type": "uint8", "size": 1}]}}]}]}]})";

const ByteVector body =
    hex("a0"                          //  0 a
        "b0b1 06"                     //  1 regs[0].r
        "c0c1 06"                     //  4 regs[1].r
        "d0 06"                       //  7 outer.inner.x
        "e0 06"                       //  9 outer.y
        "f0"                          // 11 z
        "05 06 'd/part' 00000001"     // 12, 12 bytes
        "91"                          // 24 n
        "92 06");                     // 25 s.v

struct Sentinel {
  std::size_t at;
  std::string structure;
};
const std::vector<Sentinel> sentinels{{3, "regs[0]"}, {6, "regs[1]"}, {8, "outer.inner"}, {10, "outer"}, {26, "d/part.s"}};

DecodedBody decode(const ByteVector& bytes) {
  const auto description = VmDescription::parse(as_bytes(description_json), Limits{});
  EXPECT_TRUE(description.complete());
  return decode_by_description(description, description.device_node(0), bytes, base, {.sentinels = true}, Limits{});
}

ByteVector erased(ByteVector bytes, std::size_t at) {
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return bytes;
}
ByteVector doubled(ByteVector bytes, std::size_t at) {
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.at(at));
  return bytes;
}

// Values of all leaves, so that damage of a sentinel can be seen to spoil none of them.
std::string values(const DecodedBody& decoded, const ByteVector& bytes) {
  std::string text;
  walk_fields(decoded.tree, [&](const std::string& path, const Field& field) {
    if (field.kind != Field::Kind::scalar) return;
    text += path + "=";
    for (std::uint64_t i = 0; i < field.range.size; ++i)
      text += std::to_string(bytes.at(static_cast<std::size_t>(field.range.offset - base + i))) + ",";
    text += " ";
  });
  return text;
}
const std::string all_values =
    "a=160, regs[0].r=176,177, regs[1].r=192,193, outer.inner.x=208, outer.y=224, z=240, d/part.n=145, d/part.s.v=146, ";

void expect_problem(const DecodedBody& decoded, Code code, ByteRange range, const std::string& field) {
  ASSERT_EQ(decoded.problems.size(), 1u);
  const DecodeProblem& problem = decoded.problems[0];
  EXPECT_EQ(code_text(problem.code), code_text(code)) << problem.message;
  EXPECT_EQ(problem.range.offset, base + range.offset) << problem.message;
  EXPECT_EQ(problem.range.size, range.size) << problem.message;
  EXPECT_EQ(problem.field, field) << problem.message;
}

TEST(SentinelBody, EveryStructElementEndsInOne) {
  const auto decoded = decode(body);
  EXPECT_TRUE(decoded.problems.empty()) << decoded.problems[0].message;
  EXPECT_EQ(values(decoded, body), all_values);
  std::vector<std::pair<std::string, Offset>> ends;
  walk_fields(decoded.tree, [&](const std::string& path, const Field& field) {
    EXPECT_EQ(field.sentinel, field.kind == Field::Kind::structure) << path;
    if (field.sentinel) ends.emplace_back(path, field.range.end() - 1 - base);
  });
  std::ranges::sort(ends, {}, &std::pair<std::string, Offset>::second);
  ASSERT_EQ(ends.size(), sentinels.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    EXPECT_EQ(ends[i].first, sentinels[i].structure);
    EXPECT_EQ(ends[i].second, sentinels[i].at);
  }
}

TEST(SentinelBody, AReplacedSentinel) {
  for (const Sentinel& one : sentinels)
    for (const std::uint8_t byte : hex("00 05 07 7e ff")) {
      SCOPED_TRACE(one.structure + " " + std::to_string(byte));
      const ByteVector damaged = with_byte(body, one.at, byte);
      const auto decoded = decode(damaged);
      expect_problem(decoded, Code::sentinel_replaced, {one.at, 1}, one.structure);
      EXPECT_EQ(values(decoded, damaged), all_values);
    }
}

TEST(SentinelBody, AMissingSentinel) {
  for (const Sentinel& one : sentinels) {
    SCOPED_TRACE(one.structure);
    const ByteVector damaged = erased(body, one.at);
    const auto decoded = decode(damaged);
    expect_problem(decoded, Code::sentinel_missing, {one.at, 0}, one.structure);
    EXPECT_EQ(values(decoded, damaged), all_values);
  }
}

TEST(SentinelBody, ADoubledSentinel) {
  for (const Sentinel& one : sentinels) {
    SCOPED_TRACE(one.structure);
    const ByteVector damaged = doubled(body, one.at);
    const auto decoded = decode(damaged);
    expect_problem(decoded, Code::sentinel_doubled, {one.at + 1, 1}, one.structure);
    EXPECT_EQ(values(decoded, damaged), all_values);
  }
}

// Every sentinel replaced at once: each is told of, and no value is lost.
TEST(SentinelBody, AllOfThemReplaced) {
  ByteVector damaged = body;
  for (const Sentinel& one : sentinels) damaged[one.at] = 0x00;
  const auto decoded = decode(damaged);
  EXPECT_EQ(decoded.problems.size(), sentinels.size());
  for (const auto& problem : decoded.problems) EXPECT_EQ(problem.code, Code::sentinel_replaced);
  EXPECT_EQ(values(decoded, damaged), all_values);
}

// Data that look like sentinels, subsections, footers and ends are data.
TEST(SentinelBody, HostileValues) {
  for (const std::uint8_t byte : hex("00 05 06 7e")) {
    ByteVector hostile = body;
    for (const std::size_t at : {0, 1, 2, 4, 5, 7, 9, 11, 24, 25}) hostile[at] = byte;
    const auto decoded = decode(hostile);
    EXPECT_TRUE(decoded.problems.empty()) << decoded.problems[0].message;
    EXPECT_EQ(decoded.tree.fields.size(), 5u);
  }
}

TEST(SentinelBody, EveryPrefixIsTold) {
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto decoded = decode(ByteVector(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(decoded.problems.empty()) << size;
  }
}

// --- in a stream ------------------------------------------------------------------------------------------------------

struct SentinelStream {
  ByteVector bytes;
  Offset body_at;
};
SentinelStream stream_of(const ByteVector& device_body, bool footers) {
  StreamBuilder b;
  if (!footers) b.without_footers();
  b.header(4).configuration("testmachine");
  b.start(2, "ram", 4).mem_size({{"pc.ram", 0x1000}}).eos().footer(2);
  b.end(2).zero(0, "pc.ram").eos().footer(2);
  b.full(3, "d", 1).mark("body").raw(device_body).footer(3);
  b.eof().description_of(description_json);
  return {b.bytes(), b.at("body")};
}

StreamResult run(const ByteVector& stream) { return run_chain(std::make_unique<MemorySource>(stream)); }

TEST(SentinelBody, ASoundStreamHasNoFindings) {
  for (const bool footers : {true, false}) {
    const auto result = run(stream_of(body, footers).bytes);
    expect_codes(result, {});
    ASSERT_NE(result.section("d"), nullptr);
    EXPECT_EQ(result.section("d")->decoded_by, "description");
    EXPECT_EQ(result.section("d")->body.size, body.size());
  }
}

TEST(SentinelBody, FindingsSayWhichSentinelOfWhichSection) {
  for (const bool footers : {true, false})
    for (const Sentinel& one : sentinels) {
      SCOPED_TRACE(one.structure + (footers ? "" : " without footers"));
      const auto [replaced, at] = stream_of(with_byte(body, one.at, 0x11), footers);
      const auto expect_one = [&, at = at, &replaced = replaced](const ByteVector& stream, Code code, ByteRange range) {
        const auto result = run(stream);
        std::vector<Code> codes{code};
        if (stream.size() != replaced.size()) codes.push_back(Code::description_size_differs);
        expect_codes(result, codes);
        expect_finding(result, code, {at + range.offset, range.size});
        const Finding* finding = result.find(code);
        ASSERT_NE(finding, nullptr);
        EXPECT_EQ(finding->section, "d");
        EXPECT_EQ(finding->field, one.structure);
        EXPECT_EQ(finding->severity, Severity::error);
        EXPECT_EQ(result.end.kind, StreamEndKind::eof);
      };
      expect_one(replaced, Code::sentinel_replaced, {one.at, 1});
      expect_one(stream_of(erased(body, one.at), footers).bytes, Code::sentinel_missing, {one.at, 0});
      expect_one(stream_of(doubled(body, one.at), footers).bytes, Code::sentinel_doubled, {one.at + 1, 1});
    }
}

}  // namespace
}  // namespace vmstate::test
