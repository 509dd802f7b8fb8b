// SPDX-License-Identifier: Apache-2.0
// Every byte of every input is claimed exactly once, and the claims together are the input.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <ctime>
#include <random>

#include "tests/support/corpus.hpp"
#include "tests/support/stream_run.hpp"
#include "tests/support/tiny_stream.hpp"

namespace vmstate::test {
namespace {

void expect_identity(const StreamResult& result, const ByteVector& input) {
  ASSERT_EQ(result.bytes.size(), input.size());
  std::size_t at = 0;
  const auto expect_equal_up_to = [&](std::size_t end) {
    const auto begin = static_cast<std::ptrdiff_t>(at), last = static_cast<std::ptrdiff_t>(end);
    EXPECT_TRUE(std::equal(input.begin() + begin, input.begin() + last, result.bytes.begin() + begin)) << at << " to " << end;
  };
  for (const ByteRange& gap : result.uncarried) {
    expect_equal_up_to(static_cast<std::size_t>(gap.offset));
    at = static_cast<std::size_t>(gap.end());
  }
  expect_equal_up_to(input.size());
}

TEST(Tiling, OfEveryCorpusFile) {
  unsigned streams = 0;
  for (const char* folder : {"streams", "malformed", "regressions"})
    for (const auto& [name, path] : corpus_files(folder)) {
      SCOPED_TRACE(name);
      const ByteVector bytes = read_file(path);
      for (const bool pipe : {false, true}) expect_identity(run_stream(bytes, {}, pipe ? pipe_like : MemorySource::Options{}), bytes);
      const auto opened = run_chain(std::make_unique<MemorySource>(bytes));
      EXPECT_TRUE(opened.faults.empty());
      if (opened.recognised) ++streams;
    }
  EXPECT_GT(streams, 50u);
}

TEST(Tiling, EventsOfASoundStreamCarryEverythingButItsEndByte) {
  for (const char* name : {"q72-none.migr", "q72-pc.migr", "q72-isapc-compress.migr", "hand-postcopy.migr"}) {
    const ByteVector bytes = read_file(std::filesystem::path(VMSTATE_TEST_CORPUS) / "streams" / name);
    const auto result = run_stream(bytes);
    ASSERT_EQ(result.uncarried.size(), 1u) << name;
    EXPECT_EQ(result.uncarried[0].size, 1u);
    EXPECT_EQ(bytes[static_cast<std::size_t>(result.uncarried[0].offset)], 0);
    expect_identity(result, bytes);
  }
}

// One change of the kinds that media, transfers and hands make.
void damage(ByteVector& bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % std::max<std::size_t>(limit, 1)); };
  const std::size_t at = below(bytes.size());
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const std::size_t run = std::min(std::size_t{1} << below(11), bytes.size() - at);
  const auto run_end = place + static_cast<std::ptrdiff_t>(run);
  if (bytes.empty()) return;
  switch (below(9)) {
    case 0: *place = static_cast<std::uint8_t>(random()); break;
    case 1: *place ^= static_cast<std::uint8_t>(1u << below(8)); break;
    case 2: std::fill(place, run_end, std::uint8_t{0}); break;
    case 3: std::fill(place, run_end, std::uint8_t{0xff}); break;
    case 4: bytes.erase(place, run_end); break;
    case 5: bytes.insert(place, run, static_cast<std::uint8_t>(random())); break;
    case 6: {
      const ByteVector copy(place, run_end);
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), copy.begin(), copy.end());
      break;
    }
    case 7: {
      constexpr std::uint8_t telling[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x7e, '{', '}'};
      *place = telling[below(std::size(telling))];
      break;
    }
    default: bytes.resize(at); break;
  }
}

void expect_sound_under_damage(const ByteVector& original, unsigned rounds, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (unsigned round = 0; round < rounds; ++round) {
    ByteVector bytes = original;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) damage(bytes, random);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    const std::clock_t begin = std::clock();
    const auto result = run_stream(bytes, {}, round % 2 == 0 ? MemorySource::Options{} : pipe_like);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 5) << "time in proportion to " << bytes.size() << " bytes";
    expect_identity(result, bytes);
    for (const Finding& finding : result.findings) {
      EXPECT_FALSE(finding.message.empty());
      EXPECT_LE(finding.evidence.size(), 64u);
      EXPECT_LE(finding.range.offset, bytes.size()) << finding.message;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Tiling, OfThousandsOfDamagedStreams) {
  expect_sound_under_damage(tiny_stream().bytes(), 4000, 1);
  expect_sound_under_damage(small_stream().bytes(), 1500, 2);
  expect_sound_under_damage(small_stream(false).bytes(), 1500, 3);
}

TEST(Tiling, OfDamagedRealStreams) {
  std::uint64_t seed = 10;
  for (const char* name : {"q72-none.migr", "q72-pc.migr", "q72-pc-2.3.migr", "q72-pc-nodescription.migr", "q72-isapc-compress.migr", "hand-postcopy.migr",
                           "hand-configuration.migr", "0.10.6-t-default-S.v3", "1.2.2-t-usb.v3"})
    expect_sound_under_damage(read_file(std::filesystem::path(VMSTATE_TEST_CORPUS) / "streams" / name), 150, ++seed);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  constexpr long kilobytes = 1;
  EXPECT_LT(usage.ru_maxrss, 700'000 * kilobytes) << "streams of some kilobytes";
}

}  // namespace
}  // namespace vmstate::test
