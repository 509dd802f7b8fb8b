// SPDX-License-Identifier: Apache-2.0
#include "formats/encode/stream_edits.hpp"

#include <array>

#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

constexpr std::uint32_t word_size = 4;

Result<void> write_sentinels(std::uint32_t count, ByteSink& out) {
  std::array<std::uint8_t, 256> block;
  block.fill(wire::qevm::sentinel);
  while (count > 0) {
    const auto piece = std::min<std::uint32_t>(count, block.size());
    if (auto done = out.write(Bytes(block).first(piece)); !done) return done;
    count -= piece;
  }
  return {};
}

Result<void> write_word(std::uint32_t word, ByteSink& out) {
  const std::array<std::uint8_t, word_size> bytes{static_cast<std::uint8_t>(word >> 24), static_cast<std::uint8_t>(word >> 16),
                                                  static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)};
  return out.write(bytes);
}

}  // namespace

void StreamEdits::insert_sentinel(Offset at) {
  ++inserted_;
  if (!edits_.empty() && edits_.back().at == at && edits_.back().sentinels > 0)
    ++edits_.back().sentinels;
  else
    edits_.push_back({at, 0, 1, std::nullopt});
}

void StreamEdits::remove_sentinel(Offset at) {
  ++removed_;
  if (!edits_.empty() && edits_.back().removed > 0 && !edits_.back().word && edits_.back().at + edits_.back().removed == at)
    ++edits_.back().removed;
  else
    edits_.push_back({at, 1, 0, std::nullopt});
}

std::size_t StreamEdits::replace_word(Offset at, std::uint32_t word) {
  edits_.push_back({at, word_size, 0, word});
  return edits_.size() - 1;
}

Result<void> StreamEdits::apply(ByteSource& original, ByteSink& out) const {
  constexpr Offset to_the_end = std::numeric_limits<Offset>::max();
  Offset next = 0;
  for (const Edit& edit : edits_) {
    if (auto done = out.copy(original, ByteRange::between(next, edit.at)); !done) return done;
    if (auto done = edit.word ? write_word(*edit.word, out) : write_sentinels(edit.sentinels, out); !done) return done;
    next = edit.at + edit.removed;
  }
  return out.copy(original, ByteRange::between(next, original.size().value_or(to_the_end)));
}

}  // namespace vmstate
