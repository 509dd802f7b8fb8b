// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/encode/stream_edits.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate::test {
namespace {

const ByteVector original = hex("00 01 02 03 04 05 06 07 08 09");

ByteVector applied(const StreamEdits& edits, const ByteVector& bytes = original, MemorySource::Options how = {}) {
  MemorySource source(bytes, how);
  MemorySink out;
  const auto done = edits.apply(source, out);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(out.finished(), 0u) << "more may follow: finishing is the caller's";
  return out.bytes();
}

TEST(StreamEdits, NothingToDoIsACopy) {
  EXPECT_EQ(applied(StreamEdits()), original);
  EXPECT_EQ(applied(StreamEdits(), {}), ByteVector());
}

TEST(StreamEdits, InsertsSentinels) {
  StreamEdits edits;
  edits.insert_sentinel(0);
  edits.insert_sentinel(4);
  edits.insert_sentinel(4);
  edits.insert_sentinel(10);
  EXPECT_EQ(applied(edits), hex("06 00 01 02 03 06 06 04 05 06 07 08 09 06"));
  EXPECT_EQ(edits.inserted(), 4u);
  EXPECT_EQ(edits.removed(), 0u);
  EXPECT_EQ(edits.list().size(), 3u) << "those of one place are one edit";
}

TEST(StreamEdits, ManySentinelsAtOnePlace) {
  StreamEdits edits;
  for (int i = 0; i < 1000; ++i) edits.insert_sentinel(1);
  EXPECT_EQ(applied(edits), hex("00") + ByteVector(1000, 0x06) + ByteVector(original.begin() + 1, original.end()));
  EXPECT_EQ(edits.list().size(), 1u);
}

TEST(StreamEdits, RemovesSentinels) {
  StreamEdits edits;
  edits.remove_sentinel(0);
  edits.remove_sentinel(4);
  edits.remove_sentinel(5);
  edits.remove_sentinel(9);
  EXPECT_EQ(applied(edits), hex("01 02 03 06 07 08"));
  EXPECT_EQ(edits.removed(), 4u);
  EXPECT_EQ(edits.list().size(), 3u) << "neighbours are one edit";
}

TEST(StreamEdits, ReplacesWords) {
  StreamEdits edits;
  EXPECT_EQ(edits.replace_word(0, 4), 0u);
  const std::size_t later = edits.replace_word(5, 0);
  edits.set_word(later, 0xdeadbeef);
  EXPECT_EQ(applied(edits), hex("00 00 00 04 04 de ad be ef 09"));
  EXPECT_EQ(edits.inserted() + edits.removed(), 0u);
}

// A word is no run of sentinels that one behind it may join.
TEST(StreamEdits, AWordAndSentinelsSideBySide) {
  StreamEdits put;
  put.replace_word(2, 0xaabbccdd);
  put.insert_sentinel(6);
  put.replace_word(6, 0x11223344);
  EXPECT_EQ(applied(put), hex("00 01 aa bb cc dd 06 11 22 33 44"));
  StreamEdits take;
  take.replace_word(2, 0xaabbccdd);
  take.remove_sentinel(6);
  EXPECT_EQ(applied(take), hex("00 01 aa bb cc dd 07 08 09"));
}

TEST(StreamEdits, WorksHoweverTheBytesArrive) {
  StreamEdits edits;
  edits.replace_word(4, 4);
  edits.insert_sentinel(9);
  edits.insert_sentinel(10);
  const ByteVector expected = hex("00 01 02 03 00 00 00 04 08 06 09 06");
  for (const std::size_t step : {1, 3, 4096})
    for (const bool seekable : {true, false}) {
      const bool size_known = seekable;
      EXPECT_EQ(applied(edits, original, {step, seekable, size_known}), expected) << step;
    }
}

TEST(StreamEdits, AFullDiskIsTold) {
  StreamEdits edits;
  edits.replace_word(2, 7);
  edits.insert_sentinel(8);
  const std::size_t whole = original.size() + 1;
  for (std::size_t room = 0; room < whole; ++room) {
    MemorySource source(original);
    FullSink out(room);
    const auto done = edits.apply(source, out);
    ASSERT_FALSE(done) << room;
    EXPECT_EQ(done.error().message, "the disk is full");
    EXPECT_EQ(out.refused(), 1u) << "nothing is written behind what is missing";
  }
}

TEST(StreamEdits, AnUnreadableOriginalIsTold) {
  StreamEdits edits;
  edits.insert_sentinel(8);
  MemorySource source(original, {.step = 1, .seekable = false, .size_known = false});
  ASSERT_TRUE(source.view(9, 1));  // from here on it cannot go back
  MemorySink out;
  const auto done = edits.apply(source, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "the test source cannot go back");
}

// The steps of a file of gigabytes are not what decides the result.
TEST(StreamEdits, MovesMoreThanOnePiece) {
  ByteVector large((3u << 20) + 17);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  StreamEdits edits;
  edits.insert_sentinel((1u << 20) + 1);
  edits.remove_sentinel((2u << 20) - 1);
  ByteVector expected = large;
  expected.erase(expected.begin() + (2u << 20) - 1);
  expected.insert(expected.begin() + (1u << 20) + 1, 0x06);
  EXPECT_TRUE(applied(edits, large) == expected);
  EXPECT_TRUE(applied(edits, large, {61, false, false}) == expected);
}

}  // namespace
}  // namespace vmstate::test
