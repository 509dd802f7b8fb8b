// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/patched_source.hpp"

#include <algorithm>

namespace vmstate {

Offset PatchedSource::above(Offset lower_offset) const {
  return lower_offset > replaced_ ? lower_offset - replaced_ + patch_.size() : patch_.size();
}

std::optional<std::uint64_t> PatchedSource::size() const {
  const auto lower = lower_.size();
  if (!lower) return std::nullopt;
  return above(*lower);
}

Result<Bytes> PatchedSource::view(Offset at, std::size_t want) {
  if (at >= patch_.size()) return lower_.view(at - patch_.size() + replaced_, want);
  const auto from_patch = patch_.size() - static_cast<std::size_t>(at);
  const std::size_t from_lower = want > from_patch ? want - from_patch : 0;
  const auto rest = lower_.view(replaced_, from_lower);
  if (!rest) return tl::make_unexpected(rest.error());
  joined_.assign(patch_.end() - static_cast<std::ptrdiff_t>(from_patch), patch_.end());
  const auto taken = rest->first(std::min(from_lower, rest->size()));
  joined_.insert(joined_.end(), taken.begin(), taken.end());
  return Bytes(joined_);
}

SourceEnd PatchedSource::end() const {
  SourceEnd end = lower_.end();
  end.lower_offset = end.offset;
  end.offset = above(end.offset);
  return end;
}

}  // namespace vmstate
