// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "formats/base/byte_source.hpp"

namespace vmstate {

/// The bytes of another source with its first ones replaced. `lower` outlives it.
class PatchedSource final : public ByteSource {
 public:
  /// `patch` stands for the first `replaced` bytes of `lower`.
  PatchedSource(ByteSource& lower, std::vector<std::uint8_t> patch, std::size_t replaced)
      : lower_(lower), patch_(std::move(patch)), replaced_(replaced) {}

  std::optional<std::uint64_t> size() const override;
  bool seekable() const override { return lower_.seekable(); }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override;
  SourceEnd end() const override;
  std::optional<Fault> health() const override { return lower_.health(); }

 private:
  Offset above(Offset lower_offset) const;

  ByteSource& lower_;
  std::vector<std::uint8_t> patch_;
  std::size_t replaced_;
  std::vector<std::uint8_t> joined_;  // patch and what follows it, for views that need both
};

}  // namespace vmstate
