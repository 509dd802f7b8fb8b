// SPDX-License-Identifier: Apache-2.0
#include "formats/base/forward_reader.hpp"

namespace vmstate {

void ForwardReader::refill(std::size_t want) {
  view_ = {};
  if (fault_) return;
  auto view = source_.view(position_, want);
  if (!view) {
    fault_ = view.error();
    return;
  }
  view_ = *view;
}

bool ForwardReader::has(std::uint64_t count) {
  if (const auto left = remaining()) return *left >= count;
  constexpr std::uint64_t largest = std::uint64_t{64} << 20;
  return count <= largest && peek(static_cast<std::size_t>(count)).size() >= count;
}

std::uint64_t ForwardReader::skip_available(std::uint64_t count) {
  if (const auto left = remaining()) {
    const std::uint64_t size = std::min(count, *left);
    skip(size);
    return size;
  }
  constexpr std::size_t step = 1 << 20;
  std::uint64_t done = 0;
  while (done < count) {
    const std::uint64_t size = std::min<std::uint64_t>(peek(static_cast<std::size_t>(std::min<std::uint64_t>(count - done, step))).size(), count - done);
    if (size == 0) break;
    skip(size);
    done += size;
  }
  return done;
}

std::optional<std::uint64_t> ForwardReader::remaining() const {
  const auto size = source_.size();
  if (!size) return std::nullopt;
  return *size > position_ ? *size - position_ : 0;
}

}  // namespace vmstate
