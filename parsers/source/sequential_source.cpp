// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/sequential_source.hpp"

#include <algorithm>

namespace vmstate {
namespace {

// Produced in one go: small enough to stay in the processor's cache until the reader comes to it.
constexpr std::size_t chunk = 256u << 10;

}  // namespace

Result<Bytes> SequentialSource::view(Offset at, std::size_t want) {
  if (auto gone = go_to(at); !gone) return tl::make_unexpected(gone.error());
  if (buffer_.end() < at) return Bytes{};
  while (buffer_.size() < want && produce_more(want - buffer_.size())) {
  }
  if (fault_ && buffer_.size() == 0) return tl::make_unexpected(*fault_);
  return buffer_.bytes();
}

Result<void> SequentialSource::go_to(Offset at) {
  if (at < buffer_.begin()) return refused("bytes of a source that only goes forward were asked for again");
  while (buffer_.end() < at) {
    buffer_.restart(buffer_.end());
    if (!produce_more(1)) break;
  }
  buffer_.drop_before(std::min(at, buffer_.end()));
  if (fault_ && buffer_.end() < at) return tl::make_unexpected(*fault_);
  return {};
}

// False: nothing more comes.
bool SequentialSource::produce_more(std::size_t want) {
  if (stopped_) return false;
  const std::size_t goal = std::max(want, chunk);
  Result<std::size_t> count = std::size_t{0};
  if (buffer_.reserve(goal))
    count = produce(buffer_.room().first(goal));
  else
    count = medium_fault("not enough memory to look " + std::to_string(want) + " bytes ahead");
  if (!count) fault_ = count.error();
  stopped_ = !count || *count == 0;
  if (!stopped_) buffer_.append(*count);
  return !stopped_;
}

}  // namespace vmstate
