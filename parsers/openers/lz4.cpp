// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <lz4frame.h>

#include "parsers/source/codec_opener.hpp"
#include "parsers/source/skippable_frames.hpp"

// The LZ4 frame format. `exec:lz4 -c > FILE`.
namespace vmstate {
namespace {

constexpr std::string_view magic = "\x04\x22\x4d\x18";
constexpr std::size_t decoder_memory = 9u << 20;  // for the largest block, coded and decoded

class Lz4Decoder final : public MemberDecoder {
 public:
  Lz4Decoder() {
    if (::LZ4F_isError(::LZ4F_createDecompressionContext(&context_, LZ4F_VERSION))) context_ = nullptr;
  }
  ~Lz4Decoder() override { ::LZ4F_freeDecompressionContext(context_); }

  bool may_begin(std::uint8_t first) const override {
    return first == static_cast<std::uint8_t>(magic[0]) || may_begin_skippable_frame(first);
  }

  bool restart(std::size_t memory) override {
    if (context_ == nullptr || memory < decoder_memory) return false;
    ::LZ4F_resetDecompressionContext(context_);
    wanted_ = magic.size();
    return true;
  }

  std::size_t memory() const override { return decoder_memory; }

  // The library forgets what it decoded in a call that fails, so it gets no more than one block a call.
  DecodeStep step(Bytes& in, Room& out) override {
    while (!out.empty()) {
      std::size_t taken = std::min(wanted_, in.size());
      std::size_t put = out.size();
      const std::size_t result = ::LZ4F_decompress(context_, out.data(), &put, in.data(), &taken, nullptr);
      if (::LZ4F_isError(result)) return failed(result);
      advance(in, taken);
      advance(out, put);
      if (result == 0) return DecodeStep::member_end;
      wanted_ = result;
      if (taken == 0 && put == 0) break;
    }
    return DecodeStep::more;
  }
  std::string_view problem() const override { return problem_; }

 private:
  DecodeStep failed(std::size_t result) {
    problem_ = ::LZ4F_getErrorName(result);
    return problem_ == "ERROR_frameType_unknown" ? DecodeStep::not_a_member : DecodeStep::corrupt;
  }

  LZ4F_dctx* context_ = nullptr;
  std::size_t wanted_ = 0;
  std::string_view problem_;
};

class Lz4 final : public CodecOpener {
 public:
  std::string_view name() const override { return "lz4"; }
  std::string_view description() const override { return "lz4 frames (not the legacy frames of lz4 -l)"; }
  bool recognises(Bytes head) const override { return as_text(behind_skippable_frames(head)).starts_with(magic); }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return std::make_unique<Lz4Decoder>(); }
};

}  // namespace

const Opener& opener_lz4() {
  static const Lz4 opener;
  return opener;
}

}  // namespace vmstate
