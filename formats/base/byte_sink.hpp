// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "formats/base/bytes.hpp"
#include "formats/base/byte_source.hpp"
#include "formats/base/result.hpp"

namespace vmstate {

/// Takes the bytes of an output in order.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  [[nodiscard]] virtual Result<void> write(Bytes bytes) = 0;
  /// Takes the bytes of `range` of a source, up to the source's end where that comes first. A file that gives and a file
  /// that takes may move them without anybody looking at them.
  [[nodiscard]] virtual Result<void> copy(ByteSource& from, ByteRange range);
  /// Everything was written. A layer writes its end, and finishes the sink below.
  [[nodiscard]] virtual Result<void> finish() { return {}; }
};

}  // namespace vmstate
