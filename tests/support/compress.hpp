// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/support/hex.hpp"

// One complete member of each compressed format, with checksums where the format has them.
namespace vmstate::test {

inline void require(bool good) {
  if (!good) throw std::runtime_error("compressing failed");
}

inline ByteVector gzip_member(const ByteVector& data) {
  z_stream stream = {};
  require(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  ByteVector out(::deflateBound(&stream, static_cast<uLong>(data.size())) + 32);
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  require(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

inline ByteVector bzip2_member(const ByteVector& data) {
  constexpr int smallest_blocks = 1;  // 100 kB
  auto size = static_cast<unsigned>(data.size() + data.size() / 50 + 700);
  ByteVector out(size);
  std::string from(data.begin(), data.end());  // never null, which the library insists on
  require(::BZ2_bzBuffToBuffCompress(reinterpret_cast<char*>(out.data()), &size, from.data(),
                                     static_cast<unsigned>(from.size()), smallest_blocks, 0, 0) == BZ_OK);
  out.resize(size);
  return out;
}

inline ByteVector xz_member(const ByteVector& data, std::uint32_t preset = 1) {
  ByteVector out(::lzma_stream_buffer_bound(data.size()));
  std::size_t size = 0;
  require(::lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, nullptr, data.data(), data.size(), out.data(), &size,
                                    out.size()) == LZMA_OK);
  out.resize(size);
  return out;
}

inline ByteVector zstd_member(const ByteVector& data) {
  ZSTD_CCtx* const context = ::ZSTD_createCCtx();
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ByteVector out(::ZSTD_compressBound(data.size()) + 16);
  const std::size_t size = ::ZSTD_compress2(context, out.data(), out.size(), data.data(), data.size());
  ::ZSTD_freeCCtx(context);
  require(!::ZSTD_isError(size));
  out.resize(size);
  return out;
}

inline ByteVector lz4_member(const ByteVector& data) {
  LZ4F_preferences_t preferences = {};
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  ByteVector out(::LZ4F_compressFrameBound(data.size(), &preferences));
  const std::size_t size = ::LZ4F_compressFrame(out.data(), out.size(), data.data(), data.size(), &preferences);
  require(!::LZ4F_isError(size));
  out.resize(size);
  return out;
}

/// Stored blocks only: needs no liblzo2.
inline ByteVector lzop_member(const ByteVector& data) {
  constexpr std::size_t block = 64 << 10;
  const auto be32 = [](std::size_t value) {
    ByteVector word;
    for (int shift = 24; shift >= 0; shift -= 8) word.push_back(static_cast<std::uint8_t>(value >> shift));
    return word;
  };
  const auto adler = [](const std::uint8_t* bytes, std::size_t size) {
    return static_cast<std::size_t>(::adler32(1, bytes, static_cast<uInt>(size)));
  };
  const ByteVector header =
      hex("1040 20a0 0940 01 05"  // versions, method, level
          "00000001"              // flags: adler32 of decoded blocks
          "000081a4 00000000 00000000"
          "05 'state'");
  ByteVector out = hex("89 'LZO' 00 0d 0a 1a 0a") + header + be32(adler(header.data(), header.size()));
  for (std::size_t at = 0; at < data.size(); at += block) {
    const std::size_t size = std::min(block, data.size() - at);
    out = std::move(out) + be32(size) + be32(size) + be32(adler(&data[at], size));
    out.insert(out.end(), &data[at], &data[at] + size);
  }
  return std::move(out) + be32(0);
}

}  // namespace vmstate::test
