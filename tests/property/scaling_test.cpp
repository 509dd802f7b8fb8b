// SPDX-License-Identifier: Apache-2.0
// Hostile inputs: twice the bytes take about twice the time, never four times.
#include <gtest/gtest.h>

#include <ctime>
#include <functional>

#include "tests/support/stream_builder.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

struct Hostile {
  std::string name;
  std::function<void(StreamBuilder&, std::size_t)> write;  ///< some `n` records
  std::size_t n;
};
void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

void open_ram(StreamBuilder& b) { b.start(2, "ram", 4).mem_size({{"r", 0x10000}}).eos().footer(2).end(2).zero(0, "r"); }

const std::vector<Hostile> hostile{
    {"full_sections", [](StreamBuilder& b, std::size_t n) {
       for (std::uint32_t i = 0; i < n; ++i) b.full(i, "dev", 1, i).fill(2, 0xab).footer(i);
     }, 10000},
    {"full_sections_of_one_name", [](StreamBuilder& b, std::size_t n) {
       for (std::uint32_t i = 0; i < n; ++i) b.full(3, "dev", 1).fill(2, 0xab).footer(3);
     }, 10000},
    {"full_sections_without_footers", [](StreamBuilder& b, std::size_t n) {
       b.without_footers();
       for (std::uint32_t i = 0; i < n; ++i) b.full(i % 1000, "device", 1, i).fill(2, 0xab);
     }, 10000},
    {"described_sections", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::uint32_t i = 0; i < n; ++i) b.device(i, "dev", 1, {{"x", "uint8", hex("01")}}, i);
       b.eof().description();
     }, 4000},
    {"missing_devices", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::uint32_t i = 0; i < n; ++i) b.describe("dev", 1, {{"x", "uint8", hex("01")}}, i);
       b.eof().description();
     }, 4000},
    {"sections_in_reverse", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::uint32_t i = 0; i < n; ++i) b.describe("dev", 1, {{"x", "uint8", hex("01")}}, i);
       for (auto i = static_cast<std::uint32_t>(n); i-- > 0;) b.full(i, "dev", 1, i).u8(1).footer(i);
       b.eof().description();
     }, 4000},
    {"instances_far_apart", [](StreamBuilder& b, std::size_t n) {
       b.without_footers().start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos();
       for (std::uint32_t i = 0; i < n; ++i) b.full(i % 1000, "device" + std::to_string(i), 1, 16).fill(2, 0xab);
       b.eof();
     }, 4000},
    {"starts", [](StreamBuilder& b, std::size_t n) {
       for (std::uint32_t i = 0; i < n; ++i) b.start(i, "iterable", 1, i).fill(2, 0xab).footer(i);
     }, 10000},
    {"starts_and_devices", [](StreamBuilder& b, std::size_t n) {
       for (std::uint32_t i = 0; i < n; ++i) b.start(i, "vfio", 1, i).fill(2, 0xab).footer(i).full(100000 + i, "dev", 1, i).u8(7).footer(100000 + i);
     }, 4000},
    {"parts", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::size_t i = 0; i < n; ++i) b.part(2).eos().footer(2);
     }, 20000},
    {"parts_of_an_unknown_kind", [](StreamBuilder& b, std::size_t n) {
       b.start(3, "vfio", 1).fill(3, 0xab).footer(3);
       for (std::size_t i = 0; i < n; ++i) b.part(3).fill(9, 0xab).footer(3);
     }, 10000},
    {"parts_never_started", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.part(9).be64(0x1008).footer(9);
     }, 10000},
    {"commands", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.command(99, hex("00"));
     }, 20000},
    {"packages", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.u8(8).be16(7).be16(4).be32(0x7fffffff);
     }, 20000},
    {"ended_packages", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.package([](StreamBuilder& inner) { inner.full(5, "d", 1).u8(7).footer(5); });
     }, 10000},
    {"footers", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.footer(3);
     }, 20000},
    {"noise", [](StreamBuilder& b, std::size_t n) { b.fill(n, 0xee); }, 2000000},
    {"zeros", [](StreamBuilder& b, std::size_t n) { b.fill(n, 0); }, 2000000},
    {"zeros_and_ones", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.raw(hex("00 01"));
     }, 200000},
    {"false_ends", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.raw(hex("00 06 ffffffff 7b"));
     }, 50000},
    {"false_descriptions", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::size_t i = 0; i < n; ++i) b.u8(0).u8(6).be32(0xffffffff).text("{\"devices\": [");
     }, 20000},
    {"ended_descriptions", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::uint32_t i = 0; i < n; ++i) b.full(i, "dev", 1, i).u8(0).u8(6).be32(14).text("{\"devices\": []").footer(i);
     }, 5000},
    {"braces", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2).full(3, "dev", 1).fill(n, '{');
     }, 1000000},
    {"header_starts", [](StreamBuilder& b, std::size_t n) {
       for (std::size_t i = 0; i < n; ++i) b.raw(hex("04 00000001 ff"));
     }, 50000},
    {"short_names_and_many_devices", [](StreamBuilder& b, std::size_t n) {
       b.start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2);
       for (std::uint32_t i = 0; i < n; ++i) b.describe("described" + std::to_string(i), 1, {{"x", "uint8", hex("01")}});
       b.u8(0xee);
       for (std::uint32_t i = 0; i < n; ++i) b.full(i, "abc", 1).u8(0xee);
       b.eof().description();
     }, 8000},
    {"mapped_blocks", [](StreamBuilder& b, std::size_t n) {
       b.subsection("configuration/capabilities").be32(1).counted("mapped-ram").start(2, "ram", 4).be64(n * 0x1000 | 4);
       for (std::size_t i = 0; i < n; ++i) b.counted("block" + std::to_string(i)).be64(0x1000).be32(1).be64(4096).be64(0).be64(0);
     }, 1000},
    {"bad_page_words", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.be64(0x1001).zero(0x1000).zero(0x2000).zero(0x3000);
     }, 5000},
    {"lone_page_words", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.be64(0x1028);
     }, 50000},
    {"zeros_in_ram", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       b.fill(n, 0);
     }, 2000000},
    {"noise_in_ram", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.raw(hex("00 00 00 00 00 00 10 22 ee"));
     }, 100000},
    {"unknown_blocks", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.zero(0, "block" + std::to_string(i)).zero(0x1000).zero(0x2000);
     }, 3000},
    {"block_lists", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.mem_size({{"r", 0x10000}});
     }, 10000},
    {"small_compressed_pages", [](StreamBuilder& b, std::size_t n) {
       open_ram(b);
       for (std::size_t i = 0; i < n; ++i) b.compressed(0, hex("789c"));
     }, 20000},
};

class Scaling : public testing::TestWithParam<Hostile> {};

double seconds_for(const Hostile& hostile_input, std::size_t n, bool pipe) {
  StreamBuilder b;
  b.header().configuration("none");
  hostile_input.write(b, n);
  const std::clock_t begin = std::clock();
  // A file is mapped: its views cost nothing. A pipe's are copied by the source of the test, so it gives what it is asked for.
  MemorySource source(b.bytes(), {.step = pipe ? 65536u : 1u, .seekable = !pipe, .size_known = !pipe});
  const auto result = run_stream(source);
  EXPECT_EQ(result.claimed, b.size());
  EXPECT_TRUE(result.faults.empty());
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST_P(Scaling, IsLinear) {
  for (const bool pipe : {false, true}) {
    const double one = seconds_for(GetParam(), GetParam().n, pipe);
    const double four = seconds_for(GetParam(), 4 * GetParam().n, pipe);
    EXPECT_LT(four, 10 * one + 0.2) << (pipe ? "pipe: " : "file: ") << one << " s and " << four << " s";
    EXPECT_LT(four, 20) << (pipe ? "pipe" : "file");
  }
}
INSTANTIATE_TEST_SUITE_P(Hostile, Scaling, testing::ValuesIn(hostile), [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace vmstate::test
