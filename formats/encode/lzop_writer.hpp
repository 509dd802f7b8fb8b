// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "formats/base/byte_sink.hpp"

namespace vmstate {

/// Writes an lzop 1.x file: LZO1X-1 in blocks of 256 KiB, each with an Adler-32 of its content. `lower` outlives it.
std::unique_ptr<ByteSink> lzop_writer(ByteSink& lower);

}  // namespace vmstate
