// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <type_traits>

#include "parsers/inspect/page_map.hpp"

namespace vmstate::test {
namespace {

// What PageMap promises, without any of its cleverness.
class NaiveMap {
 public:
  explicit NaiveMap(std::uint64_t pages) : kinds_(static_cast<std::size_t>(pages), PageMap::never) { counts_[0] = pages; }

  std::uint8_t set(std::uint64_t page, std::uint8_t kind) {
    if (page >= kinds_.size()) return PageMap::never;
    auto& mine = kinds_[static_cast<std::size_t>(page)];
    const std::uint8_t before = mine;
    if (!coarse_ || before == PageMap::never) {
      --counts_[before == coarse_kind && coarse_ ? 0 : before];
      ++counts_[kind];
    }
    mine = coarse_ ? coarse_kind : kind;
    return before;
  }
  void coarsen() {
    coarse_ = true;
    for (auto& kind : kinds_)
      if (kind != PageMap::never) kind = coarse_kind;
  }
  std::uint64_t next_never(std::uint64_t from) const {
    while (from < kinds_.size() && kinds_[static_cast<std::size_t>(from)] != PageMap::never) ++from;
    return std::min<std::uint64_t>(from, kinds_.size());
  }
  const std::array<std::uint64_t, PageMap::kinds>& counts() const { return counts_; }

 private:
  static constexpr std::uint8_t coarse_kind = 1;
  std::vector<std::uint8_t> kinds_;
  std::array<std::uint64_t, PageMap::kinds> counts_{};
  bool coarse_ = false;
};

// Random passes over a block: runs of one kind, single pages, pages beyond the end, as migrations make them.
void compare_on_random_operations(std::uint64_t seed, std::uint64_t pages, bool coarsen) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::to_string(pages) + " pages");
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  PageMap map(pages);
  NaiveMap naive(pages);
  for (int step = 0; step < 200; ++step) {
    const auto kind = static_cast<std::uint8_t>(1 + below(6));
    const std::uint64_t from = below(pages + 3);
    const std::uint64_t count = below(4) == 0 ? 1 : below(pages / 2 + 2);
    for (std::uint64_t page = from; page < from + count; ++page) {
      const auto before = map.set(page, kind);
      ASSERT_EQ(before, naive.set(page, kind)) << "page " << page;
    }
    if (coarsen && step == 100) {
      map.coarsen();
      naive.coarsen();
    }
    ASSERT_EQ(map.counts(), naive.counts());
    const std::uint64_t probe = below(pages + 2);
    ASSERT_EQ(map.next_never(probe), std::max(naive.next_never(probe), std::min(probe, pages)));
  }
}

TEST(PageMap, BehavesLikeTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed)
    for (const std::uint64_t pages : {1ull, 2ull, 7ull, 300ull, 16383ull, 16384ull, 16385ull, 40000ull})
      compare_on_random_operations(seed, pages, seed % 2 == 0);
}

TEST(PageMap, ABlockInOrderOfOneKindCostsNextToNothing) {
  constexpr std::uint64_t pages = 1 << 20;
  PageMap map(pages);
  for (std::uint64_t page = 0; page < pages; ++page) map.set(page, 2);
  EXPECT_EQ(map.counts()[2], pages);
  EXPECT_EQ(map.counts()[PageMap::never], 0u);
  EXPECT_EQ(map.next_never(0), pages);
  EXPECT_LT(map.memory(), 64u << 10);
}

TEST(PageMap, MixedKindsCostHalfABytePerPage) {
  constexpr std::uint64_t pages = 1 << 20;
  PageMap map(pages);
  for (std::uint64_t page = 0; page < pages; ++page) map.set(page, static_cast<std::uint8_t>(1 + page % 2));
  EXPECT_GE(map.memory(), pages / 2);
  EXPECT_LT(map.memory(), pages / 2 + (64u << 10));
  EXPECT_EQ(map.counts()[1], pages / 2);
}

TEST(PageMap, CoarseningGivesTheMemoryBackAndKeepsTheCounts) {
  constexpr std::uint64_t pages = 1 << 20;
  PageMap map(pages);
  for (std::uint64_t page = 0; page < pages; ++page) map.set(page, static_cast<std::uint8_t>(1 + page % 3));
  const auto counts = map.counts();
  map.coarsen();
  EXPECT_EQ(map.counts(), counts);
  EXPECT_LT(map.memory(), 64u << 10);
  EXPECT_NE(map.set(5, 4), PageMap::never) << "a page that was sent stays sent";
  EXPECT_EQ(map.counts(), counts) << "and keeps its first kind";
}

TEST(PageMap, FrozenMapsIgnoreUntouchedStretches) {
  constexpr std::uint64_t chunk = 1 << 14;
  PageMap map(4 * chunk);
  map.set(0, 1);
  const std::size_t memory = map.memory();
  map.freeze();
  EXPECT_EQ(map.set(1, 1), PageMap::never);
  EXPECT_EQ(map.set(2 * chunk, 1), PageMap::never);
  EXPECT_EQ(map.counts()[1], 2u);
  EXPECT_EQ(map.memory(), memory);
  EXPECT_EQ(map.next_never(0), 2u);
}

TEST(PageMap, ScatteredPagesOfAHugeBlockStayBounded) {
  constexpr std::uint64_t pages = std::uint64_t{1} << 52;
  PageMap map(pages);
  for (std::uint64_t i = 0; i < 1000; ++i) map.set(i * (pages / 1000), 1);
  EXPECT_EQ(map.counts()[1], 1000u);
  EXPECT_EQ(map.counts()[PageMap::never], pages - 1000);
  EXPECT_LT(map.memory(), 16u << 20);
  EXPECT_EQ(map.set(pages, 1), PageMap::never);
  EXPECT_EQ(map.set(~std::uint64_t{0}, 1), PageMap::never);
}

TEST(PageMap, AMovedMapGoesOn) {
  PageMap first(100);
  for (std::uint64_t page = 0; page < 10; ++page) first.set(page, 1);
  PageMap second = std::move(first);
  second.set(10, 1);
  EXPECT_EQ(second.counts()[1], 11u);
  EXPECT_EQ(second.next_never(0), 11u);
}

static_assert(!std::is_copy_constructible_v<PageMap>, "a copy would share the chunk that was used last");

TEST(PageMap, AnEmptyBlockHasNoPages) {
  PageMap map;
  EXPECT_EQ(map.set(0, 1), PageMap::never);
  EXPECT_EQ(map.next_never(0), 0u);
}

}  // namespace
}  // namespace vmstate::test
