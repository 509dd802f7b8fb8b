// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/base/forward_reader.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate::test {
namespace {

ByteVector counting(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

// Gives bytes up to `good`, then fails once, then would give bytes again.
class FailingSource final : public ByteSource {
 public:
  explicit FailingSource(std::size_t good) : bytes_(counting(good)) {}
  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  bool seekable() const override { return true; }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override {
    ++calls;
    if (at + want > bytes_.size() && !failed_) {
      failed_ = true;
      return medium_fault("broken");
    }
    return Bytes(bytes_).subspan(static_cast<std::size_t>(std::min<Offset>(at, bytes_.size())));
  }
  SourceEnd end() const override { return {}; }
  unsigned calls = 0;

 private:
  ByteVector bytes_;
  bool failed_ = false;
};

TEST(ForwardReader, PeeksWithoutMoving) {
  MemorySource source(counting(10), {.step = 1});
  ForwardReader in(source, nullptr, 2);
  EXPECT_EQ(in.peek(3).size(), 3u);
  EXPECT_EQ(in.peek(3)[0], 2u);
  EXPECT_EQ(in.peek_byte(), 2u);
  EXPECT_EQ(in.position(), 2u);
  in.skip(7);
  EXPECT_EQ(in.peek_byte(), 9u);
  EXPECT_EQ(in.peek(5).size(), 1u);
  EXPECT_EQ(in.peek_exactly(2), std::nullopt);
  EXPECT_FALSE(in.at_end());
  in.skip(1);
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(in.peek_byte(), std::nullopt);
}

TEST(ForwardReader, SkippingBeyondTheEndShowsAtTheNextPeek) {
  MemorySource source(counting(10));
  ForwardReader in(source, nullptr);
  in.skip(11);
  EXPECT_EQ(in.position(), 11u);
  EXPECT_TRUE(in.peek(1).empty());
  in.skip(~std::uint64_t{0});
  EXPECT_EQ(in.position(), ~std::uint64_t{0});
  EXPECT_TRUE(in.at_end());
}

TEST(ForwardReader, SkipAvailableStopsAtTheEnd) {
  for (const bool size_known : {true, false}) {
    MemorySource source(counting(10), {.step = 3, .size_known = size_known});
    ForwardReader in(source, nullptr);
    EXPECT_EQ(in.skip_available(4), 4u);
    EXPECT_EQ(in.skip_available(~std::uint64_t{0}), 6u);
    EXPECT_EQ(in.position(), 10u);
    EXPECT_EQ(in.skip_available(1), 0u);
    EXPECT_EQ(in.position(), 10u);
  }
}

TEST(ForwardReader, HasAnswersForFilesAndPipes) {
  for (const bool size_known : {true, false}) {
    MemorySource source(counting(10), {.step = 1, .size_known = size_known});
    ForwardReader in(source, nullptr, 4);
    EXPECT_TRUE(in.has(0));
    EXPECT_TRUE(in.has(6));
    EXPECT_FALSE(in.has(7));
    EXPECT_FALSE(in.has(~std::uint64_t{0}));
    EXPECT_EQ(in.position(), 4u);
  }
}

TEST(ForwardReader, KnowsWhatRemainsOnlyOfKnownSizes) {
  MemorySource file(counting(10));
  ForwardReader in(file, nullptr, 4);
  EXPECT_EQ(in.remaining(), 6u);
  in.skip(100);
  EXPECT_EQ(in.remaining(), 0u);
  MemorySource pipe(counting(10), {.size_known = false});
  EXPECT_EQ(ForwardReader(pipe, nullptr).remaining(), std::nullopt);
}

TEST(ForwardReader, AFaultIsTheEndAndStays) {
  FailingSource source(8);
  ForwardReader in(source, nullptr);
  EXPECT_EQ(in.peek(8).size(), 8u);
  EXPECT_FALSE(in.fault());
  in.skip(8);
  EXPECT_TRUE(in.peek(1).empty());
  ASSERT_TRUE(in.fault());
  EXPECT_EQ(in.fault()->message, "broken");
  const unsigned calls = source.calls;
  in.seek(0);
  EXPECT_TRUE(in.peek(4).empty()) << "a source that failed is not asked again";
  EXPECT_EQ(source.calls, calls);
}

TEST(ForwardReader, SeekGoesBack) {
  MemorySource source(counting(10), {.step = 1});
  ForwardReader in(source, nullptr);
  in.skip(9);
  EXPECT_EQ(in.peek_byte(), 9u);
  in.seek(1);
  EXPECT_EQ(in.peek_byte(), 1u);
}

}  // namespace
}  // namespace vmstate::test
