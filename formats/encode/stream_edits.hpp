// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "formats/base/byte_sink.hpp"

namespace vmstate {

/// How one stream becomes another: places where sentinels are put in or left out and words that change. What lies between
/// is moved as it is.
class StreamEdits {
 public:
  /// What happens at one offset of the original, in this order: bytes are left out, a word or sentinels are written.
  struct Edit {
    Offset at = 0;
    std::uint32_t removed = 0;           ///< bytes of the original
    std::uint32_t sentinels = 0;         ///< bytes 0x06 written
    std::optional<std::uint32_t> word;   ///< written big-endian
  };

  void insert_sentinel(Offset at);
  void remove_sentinel(Offset at);
  /// Replaces four bytes. Answers the number of the edit, for set_word().
  std::size_t replace_word(Offset at, std::uint32_t word);
  void set_word(std::size_t edit, std::uint32_t word) { edits_[edit].word = word; }

  /// In the order of their offsets, provided they were made so.
  const std::vector<Edit>& list() const { return edits_; }
  std::uint64_t inserted() const { return inserted_; }
  std::uint64_t removed() const { return removed_; }

  /// Writes the edited stream: the bytes of `original` up to its end, changed where the edits say so.
  [[nodiscard]] Result<void> apply(ByteSource& original, ByteSink& out) const;

 private:
  std::vector<Edit> edits_;
  std::uint64_t inserted_ = 0;  ///< sentinels
  std::uint64_t removed_ = 0;   ///< sentinels
};

}  // namespace vmstate
