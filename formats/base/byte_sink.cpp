// SPDX-License-Identifier: Apache-2.0
#include "formats/base/byte_sink.hpp"

#include <algorithm>

namespace vmstate {

Result<void> ByteSink::copy(ByteSource& from, ByteRange range) {
  constexpr std::size_t step = 1 << 20;
  for (Offset at = range.offset; at < range.end();) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(step, range.end() - at));
    const auto view = from.view(at, want);
    if (!view) return tl::make_unexpected(view.error());
    if (view->empty()) return {};
    const Bytes piece = view->first(std::min(want, view->size()));
    if (auto done = write(piece); !done) return done;
    at += piece.size();
  }
  return {};
}

}  // namespace vmstate
