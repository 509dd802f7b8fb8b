// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "formats/base/byte_source.hpp"
#include "formats/base/origin.hpp"

namespace vmstate {

/// Walks forward through a source. A fault of the medium makes it behave as if the source ended there and is kept in
/// fault(): parsers read on without checking each call, the command asks once at the end.
class ForwardReader {
 public:
  ForwardReader(ByteSource& source, std::shared_ptr<const Origin> origin, Offset start = 0)
      : source_(source), origin_(std::move(origin)), position_(start) {}

  Offset position() const { return position_; }
  const std::shared_ptr<const Origin>& origin() const { return origin_; }
  ByteSource& source() { return source_; }

  /// At least `want` bytes from the current position, fewer only at the end; may be more. Valid until the next call.
  Bytes peek(std::size_t want) {
    if (view_.size() >= want && view_.size() > 0) return view_;
    refill(want);
    return view_;
  }
  /// `count` bytes or nothing.
  std::optional<Bytes> peek_exactly(std::size_t count) {
    const Bytes all = peek(count);
    if (all.size() < count) return std::nullopt;
    return all.first(count);
  }
  std::optional<std::uint8_t> peek_byte() {
    const Bytes all = peek(1);
    if (all.empty()) return std::nullopt;
    return all.front();
  }
  /// Moves on. Going beyond the end is allowed and shows at the next peek.
  void skip(std::uint64_t count) {
    position_ = checked_add(position_, count).value_or(~Offset{0});
    view_ = count <= view_.size() ? view_.subspan(static_cast<std::size_t>(count)) : Bytes{};
  }
  /// Moves on by at most `count` bytes, not beyond the end, and says how far.
  std::uint64_t skip_available(std::uint64_t count);
  /// Whether anything is left.
  bool at_end() { return peek(1).empty(); }
  /// Whether `count` bytes are left, without keeping them when the size of the source is known.
  bool has(std::uint64_t count);
  /// Bytes left, if the size of the source is known.
  std::optional<std::uint64_t> remaining() const;
  /// Goes to another offset of a seekable source.
  void seek(Offset at) {
    position_ = at;
    view_ = {};
  }

  const std::optional<Fault>& fault() const { return fault_; }
  SourceEnd end() const { return source_.end(); }

 private:
  void refill(std::size_t want);

  ByteSource& source_;
  std::shared_ptr<const Origin> origin_;
  Offset position_;
  Bytes view_;
  std::optional<Fault> fault_;
};

}  // namespace vmstate
