// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/base/byte_source.hpp"

namespace vmstate {

/// The bytes of another source from `start` on, counted from 0. `lower` outlives it. It has no end of its own: it ends
/// how and where the lower source ends.
class SubSource final : public ByteSource {
 public:
  SubSource(ByteSource& lower, Offset start) : lower_(lower), start_(start) {}

  std::optional<std::uint64_t> size() const override {
    const auto whole = lower_.size();
    if (!whole) return std::nullopt;
    return behind_start(*whole);
  }
  bool seekable() const override { return lower_.seekable(); }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override {
    const auto there = checked_add(start_, at);
    return there ? lower_.view(*there, want) : Result<Bytes>(Bytes{});
  }
  std::optional<StoredBytes> stored(Offset at) const override {
    const auto there = checked_add(start_, at);
    return there ? lower_.stored(*there) : std::nullopt;
  }
  SourceEnd end() const override {
    SourceEnd end = lower_.end();
    end.lower_offset = end.offset;
    end.offset = behind_start(end.offset);
    return end;
  }
  std::optional<Fault> health() const override { return lower_.health(); }
  std::optional<std::string> changed() const override { return lower_.changed(); }

 private:
  std::uint64_t behind_start(Offset at) const { return at > start_ ? at - start_ : 0; }

  ByteSource& lower_;
  Offset start_;
};

}  // namespace vmstate
