// SPDX-License-Identifier: Apache-2.0
#include "formats/encode/lzop_writer.hpp"

#ifdef VMSTATE_WITH_LZO
#include <algorithm>
#include <string_view>
#include <vector>

#include <lzo/lzo1x.h>

namespace vmstate {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t block_size = 256u << 10;

std::uint32_t adler32(Bytes bytes) { return ::lzo_adler32(1, bytes.data(), bytes.size()); }

class Words {
 public:
  Words& be32(std::uint32_t value) { return be16(static_cast<std::uint16_t>(value >> 16)).be16(static_cast<std::uint16_t>(value)); }
  Words& be16(std::uint16_t value) { return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value)); }
  Words& u8(std::uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

class LzopWriter final : public ByteSink {
 public:
  explicit LzopWriter(ByteSink& lower) : lower_(lower), work_(LZO1X_1_MEM_COMPRESS), coded_(block_size + block_size / 16 + 64 + 3) {}

  Result<void> write(Bytes bytes) override {
    while (!bytes.empty()) {
      const Bytes piece = bytes.first(std::min(bytes.size(), block_size - block_.size()));
      block_.insert(block_.end(), piece.begin(), piece.end());
      bytes = bytes.subspan(piece.size());
      if (block_.size() < block_size) continue;
      if (auto done = write_block(); !done) return done;
    }
    return {};
  }

  Result<void> finish() override {
    if (auto done = write_block(); !done) return done;
    if (auto done = lower_.write(Words().be32(0).bytes()); !done) return done;
    return lower_.finish();
  }

 private:
  Result<void> write_header() {
    constexpr auto magic = "\x89LZO\0\r\n\x1a\n"sv;
    constexpr std::uint16_t version = 0x1040;
    constexpr std::uint16_t version_needed = 0x0940;
    constexpr std::uint8_t method_lzo1x_1 = 1;
    constexpr std::uint8_t level = 5;
    constexpr std::uint32_t adler32_of_decoded = 1;
    constexpr std::uint32_t made_on_unix = 0x03000000;
    Words header;
    header.be16(version).be16(static_cast<std::uint16_t>(lzo_version())).be16(version_needed);
    header.u8(method_lzo1x_1).u8(level).be32(adler32_of_decoded | made_on_unix);
    header.be32(0).be32(0).be32(0).u8(0);  // mode, modification time, no name
    const std::uint32_t checksum = adler32(header.bytes());
    header.be32(checksum);
    if (auto done = lower_.write(as_bytes(magic)); !done) return done;
    return lower_.write(header.bytes());
  }

  Result<void> write_block() {
    if (!begun_) {
      begun_ = true;
      if (auto done = write_header(); !done) return done;
    }
    if (block_.empty()) return {};
    lzo_uint coded_size = 0;
    lzo1x_1_compress(block_.data(), block_.size(), coded_.data(), &coded_size, work_.data());
    // What does not become smaller stands as it is.
    const bool smaller = coded_size < block_.size();
    const Bytes content = smaller ? Bytes(coded_).first(coded_size) : Bytes(block_);
    Words head;
    head.be32(static_cast<std::uint32_t>(block_.size())).be32(static_cast<std::uint32_t>(content.size())).be32(adler32(block_));
    if (auto done = lower_.write(head.bytes()); !done) return done;
    auto done = lower_.write(content);
    block_.clear();
    return done;
  }

  ByteSink& lower_;
  std::vector<std::uint8_t> work_;
  std::vector<std::uint8_t> coded_;
  std::vector<std::uint8_t> block_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<ByteSink> lzop_writer(ByteSink& lower) { return std::make_unique<LzopWriter>(lower); }

}  // namespace vmstate
#endif
