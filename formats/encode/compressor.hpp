// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "formats/base/byte_sink.hpp"

namespace vmstate {

/// Whether compressor() knows a codec by this name: "gzip", "bzip2", "xz", "zstd", "lz4", "lzop".
bool can_compress(std::string_view codec);

/// Compresses what is written into `lower`, at the codec's ordinary level. `lower` outlives it; finish() ends the
/// compressed data and then finishes `lower`. Null for a codec that can_compress() does not know.
std::unique_ptr<ByteSink> compressor(std::string_view codec, ByteSink& lower);

}  // namespace vmstate
