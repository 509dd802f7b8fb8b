// SPDX-License-Identifier: Apache-2.0
#include "formats/encode/compressor.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/bzip2.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <lz4frame.h>

#include "formats/encode/lzop_writer.hpp"

namespace vmstate {
namespace {

namespace io = boost::iostreams;

// The end of a Boost pipeline. What goes wrong below is kept aside: an exception would pass through foreign code.
struct LowerEnd {
  using char_type = char;
  using category = io::sink_tag;

  std::streamsize write(const char* text, std::streamsize size) {
    if (*result) *result = lower->write(as_bytes({text, static_cast<std::size_t>(size)}));
    return size;
  }

  ByteSink* lower;
  Result<void>* result;
};

class BoostCompressor final : public ByteSink {
 public:
  template <class Filter>
  BoostCompressor(const Filter& filter, ByteSink& lower) : lower_(lower) {
    pipeline_.push(filter);
    pipeline_.push(LowerEnd{&lower_, &result_});
  }
  ~BoostCompressor() override {
    // Unfinished work is thrown away together with its output.
    result_ = refused("abandoned");
    try {
      pipeline_.reset();
    } catch (const std::exception&) {
      // The filter's last words concern nobody.
    }
  }

  Result<void> write(Bytes bytes) override {
    return guarded([&] { pipeline_.sputn(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size())); });
  }
  Result<void> finish() override {
    auto done = guarded([&] { pipeline_.reset(); });
    ended_ = true;
    return done ? lower_.finish() : done;
  }

 private:
  // Nothing more is asked of a pipeline that failed or was ended.
  template <class Action>
  Result<void> guarded(const Action& action) {
    if (!result_) return result_;
    if (ended_) return medium_fault("the compressor has ended");
    try {
      action();
    } catch (const std::exception& error) {
      if (result_) result_ = medium_fault(std::string("the compressor failed: ") + error.what());
    }
    return result_;
  }

  ByteSink& lower_;
  Result<void> result_;
  bool ended_ = false;
  io::filtering_streambuf<io::output> pipeline_;
};

// Boost has no lz4.
class Lz4Compressor final : public ByteSink {
 public:
  explicit Lz4Compressor(ByteSink& lower) : lower_(lower) {
    preferences_.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences_.frameInfo.blockSizeID = LZ4F_max4MB;
    if (LZ4F_isError(LZ4F_createCompressionContext(&context_, LZ4F_VERSION)) != 0) context_ = nullptr;
  }
  ~Lz4Compressor() override { LZ4F_freeCompressionContext(context_); }

  Result<void> write(Bytes bytes) override {
    if (auto begun = begin(); !begun) return begun;
    while (!bytes.empty()) {
      const Bytes piece = bytes.first(std::min(bytes.size(), piece_size));
      bytes = bytes.subspan(piece.size());
      const auto done = pass(LZ4F_compressUpdate(context_, room_.data(), room_.size(), piece.data(), piece.size(), nullptr));
      if (!done) return done;
    }
    return {};
  }
  Result<void> finish() override {
    if (auto begun = begin(); !begun) return begun;
    if (auto done = pass(LZ4F_compressEnd(context_, room_.data(), room_.size(), nullptr)); !done) return done;
    return lower_.finish();
  }

 private:
  static constexpr std::size_t piece_size = 1u << 20;

  Result<void> begin() {
    if (!room_.empty()) return {};
    if (context_ == nullptr) return medium_fault("no memory for the lz4 compressor");
    room_.resize(LZ4F_compressBound(piece_size, &preferences_) + LZ4F_HEADER_SIZE_MAX);
    return pass(LZ4F_compressBegin(context_, room_.data(), room_.size(), &preferences_));
  }
  Result<void> pass(std::size_t made) {
    if (LZ4F_isError(made) != 0) return medium_fault(std::string("the lz4 compressor failed: ") + LZ4F_getErrorName(made));
    return lower_.write(Bytes(room_).first(made));
  }

  ByteSink& lower_;
  LZ4F_cctx* context_ = nullptr;
  LZ4F_preferences_t preferences_ = LZ4F_INIT_PREFERENCES;
  std::vector<std::uint8_t> room_;
};

using Make = std::unique_ptr<ByteSink> (*)(ByteSink& lower);
struct Codec {
  std::string_view name;
  Make make;
};

template <class Filter>
std::unique_ptr<ByteSink> with_boost(ByteSink& lower) {
  return std::make_unique<BoostCompressor>(Filter(), lower);
}

const std::array codecs{
    Codec{"gzip", with_boost<io::gzip_compressor>}, Codec{"bzip2", with_boost<io::bzip2_compressor>},
    Codec{"xz", with_boost<io::lzma_compressor>},   Codec{"zstd", with_boost<io::zstd_compressor>},
    Codec{"lz4", [](ByteSink& lower) -> std::unique_ptr<ByteSink> { return std::make_unique<Lz4Compressor>(lower); }},
#ifdef VMSTATE_WITH_LZO
    Codec{"lzop", lzop_writer},
#endif
};

const Codec* find_codec(std::string_view name) {
  const auto it = std::ranges::find(codecs, name, &Codec::name);
  return it == codecs.end() ? nullptr : &*it;
}

}  // namespace

bool can_compress(std::string_view codec) { return find_codec(codec) != nullptr; }

std::unique_ptr<ByteSink> compressor(std::string_view codec, ByteSink& lower) {
  const Codec* known = find_codec(codec);
  return known == nullptr ? nullptr : known->make(lower);
}

}  // namespace vmstate
