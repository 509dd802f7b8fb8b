// SPDX-License-Identifier: Apache-2.0
// Streams of random devices, written in both versions by the rules of the format: each is made of the other exactly.
#include <gtest/gtest.h>


#include "tests/support/random_devices.hpp"
#include "tests/support/rewrite_in_memory.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

using Target = SentinelWriter::Target;

struct Pair {
  ByteVector legacy;
  ByteVector sentinel;
  std::uint64_t elements = 0;
};

enum class Framing { footers, no_footers, package };

ByteVector stream_of(const std::vector<RandomDevice>& devices, std::uint32_t version, Framing framing) {
  StreamBuilder b;
  if (framing == Framing::no_footers) b.without_footers();
  b.header(version).configuration("random");
  b.start(2, "ram", 4).mem_size({{"pc.ram", 0x1000}}).eos().footer(2);
  b.end(2).zero(0, "pc.ram").eos().footer(2);
  const auto write_devices = [&](StreamBuilder& to) {
    std::uint32_t id = 3;
    for (const RandomDevice& device : devices) {
      to.full(id, device.name(), 1).raw(version == 3 ? device.legacy() : device.sentinel()).footer(id);
      ++id;
    }
  };
  if (framing == Framing::package)
    b.package(write_devices);
  else
    write_devices(b);
  std::string list;
  for (const RandomDevice& device : devices) list += (list.empty() ? "" : ", ") + device.json();
  return b.eof().description_of("{\"page_size\": 4096, \"devices\": [" + list + "]}").bytes();
}

Pair random_pair(std::uint64_t seed, Framing framing) {
  std::mt19937_64 random(seed);
  std::vector<RandomDevice> devices;
  Pair pair;
  for (std::uint64_t i = 0, count = 1 + random() % 4; i < count; ++i) {
    devices.emplace_back("random" + std::to_string(i), random);
    pair.elements += devices.back().elements();
  }
  pair.legacy = stream_of(devices, 3, framing);
  pair.sentinel = stream_of(devices, 4, framing);
  return pair;
}

std::string said_of(const RewriteInMemory& parsed) {
  std::string text;
  for (const auto& obstacle : parsed.writer.obstacles()) text += "obstacle in " + obstacle.section + ": " + obstacle.reason + "\n";
  for (const Finding& finding : parsed.findings) text += code_text(finding.code) + " [" + finding.section + "] " + finding.message + "\n";
  return text;
}

void expect_exact(const ByteVector& from, const ByteVector& to, Target target, std::uint64_t elements) {
  const RewriteInMemory parsed(from, target);
  ASSERT_TRUE(parsed.recognised);
  EXPECT_EQ(parsed.errors(), 0u) << said_of(parsed);
  ASSERT_TRUE(parsed.writer.obstacles().empty()) << said_of(parsed);
  EXPECT_EQ(parsed.writer.edits().inserted() + parsed.writer.edits().removed(), elements);
  EXPECT_EQ(parsed.fields.sentinels(), target == Target::legacy ? elements : 0u);
  EXPECT_TRUE(parsed.written() == to) << "other bytes than the writer of that version writes";
}

class Rewrite : public testing::TestWithParam<Framing> {};

TEST_P(Rewrite, EachVersionIsMadeOfTheOther) {
  std::uint64_t elements = 0;
  for (std::uint64_t seed = 1; seed <= 400 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Pair pair = random_pair(seed, GetParam());
    elements += pair.elements;
    expect_exact(pair.legacy, pair.sentinel, Target::sentinel, pair.elements);
    expect_exact(pair.sentinel, pair.legacy, Target::legacy, pair.elements);
  }
  EXPECT_GT(elements, 4000u) << "the devices are too simple to prove anything";
}

TEST_P(Rewrite, DevicesSayTheSameInBoth) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Pair pair = random_pair(seed, GetParam());
    const RewriteInMemory legacy(pair.legacy, Target::sentinel), sentinel(pair.sentinel, Target::legacy);
    EXPECT_TRUE(legacy.fields.text() == sentinel.fields.text()) << "seed " << seed;
  }
}

// A changed byte may be taken for data or be an obstacle; what is rewritten can always be turned back.
TEST_P(Rewrite, DamageIsKeptOrRefused) {
  std::mt19937_64 random(77);
  std::size_t rewritten = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Pair pair = random_pair(seed % 50 + 1, GetParam());
    for (const Target target : {Target::sentinel, Target::legacy}) {
      const Target back = target == Target::sentinel ? Target::legacy : Target::sentinel;
      ByteVector damaged = target == Target::sentinel ? pair.legacy : pair.sentinel;
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<std::uint8_t>(random());
      const RewriteInMemory parsed(damaged, target);
      if (!parsed.writer.obstacles().empty()) {
        ++refused;
        continue;
      }
      const RewriteInMemory turned(parsed.written(), back);
      ASSERT_TRUE(turned.writer.obstacles().empty()) << said_of(parsed) << "then\n" << said_of(turned);
      ASSERT_TRUE(turned.written() == damaged) << said_of(parsed) << "then\n" << said_of(turned);
      ++rewritten;
    }
  }
  EXPECT_GT(rewritten, 50u);
  EXPECT_GT(refused, 20u);
}

INSTANTIATE_TEST_SUITE_P(, Rewrite, testing::Values(Framing::footers, Framing::no_footers, Framing::package),
                         [](const testing::TestParamInfo<Framing>& framing) {
                           return framing.param == Framing::footers ? "footers" : framing.param == Framing::package ? "package" : "without_footers";
                         });

// Structs nested deeper than they are decoded have ends that nobody put there.
TEST(RewriteNesting, DeeperThanDecodedIsRefused) {
  for (const unsigned depth : {1u, 10u, 31u, 32u, 33u, 40u}) {
    SCOPED_TRACE(depth);
    std::string json = R"({"name": "x", "type": "uint8", "size": 1})";
    for (unsigned i = 0; i < depth; ++i)
      json = R"({"name": "s", "type": "struct", "struct": {"vmsd_name": "s", "version": 1, "fields": [)" + json + R"(]}, "size": 1})";
    StreamBuilder b;
    b.header().configuration("deep").start(2, "ram", 4).mem_size({{"r", 0x1000}}).eos().footer(2).end(2).zero(0, "r").eos().footer(2);
    b.full(3, "deep", 1).u8(6).footer(3).eof();
    b.description_of(R"({"page_size": 4096, "devices": [{"name": "deep", "instance_id": 0, "vmsd_name": "deep", "version": 1, "fields": [)" +
                     json + "]}]}");
    const RewriteInMemory parsed(b.bytes(), Target::sentinel);
    if (depth <= Limits{}.nesting) {
      EXPECT_TRUE(parsed.writer.obstacles().empty()) << said_of(parsed);
      EXPECT_EQ(parsed.writer.edits().inserted(), depth);
    } else {
      EXPECT_FALSE(parsed.writer.obstacles().empty());
    }
  }
}

}  // namespace
}  // namespace vmstate::test
