// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include <zstd.h>
#include <zstd_errors.h>

#include "parsers/source/codec_opener.hpp"
#include "parsers/source/skippable_frames.hpp"

// RFC 8878. `exec:zstd -c > FILE`, libvirt's format 5, pzstd (several frames, skippable ones between them).
namespace vmstate {
namespace {

constexpr std::string_view magic = "\x28\xb5\x2f\xfd";
constexpr std::size_t memory_besides_window = 1u << 20;

class ZstdDecoder final : public MemberDecoder {
 public:
  ZstdDecoder() : context_(::ZSTD_createDCtx()) {}
  ~ZstdDecoder() override { ::ZSTD_freeDCtx(context_); }

  bool may_begin(std::uint8_t first) const override {
    return first == static_cast<std::uint8_t>(magic[0]) || may_begin_skippable_frame(first);
  }

  bool restart(std::size_t memory) override {
    if (context_ == nullptr || memory < 2 * memory_besides_window) return false;
    ::ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    allow_window(memory - memory_besides_window);
    wanted_ = magic.size();
    return true;
  }

  // The library forgets what it decoded in a call that fails, so it gets no more than one block a call.
  DecodeStep step(Bytes& in, Room& out) override {
    while (!out.empty()) {
      ZSTD_inBuffer input = {in.data(), std::min(wanted_, in.size()), 0};
      ZSTD_outBuffer output = {out.data(), out.size(), 0};
      const std::size_t result = ::ZSTD_decompressStream(context_, &output, &input);
      advance(in, input.pos);
      advance(out, output.pos);
      if (::ZSTD_isError(result)) return failed(result);
      if (result == 0) return DecodeStep::member_end;
      wanted_ = result;
      if (input.pos == 0 && output.pos == 0) break;
    }
    return DecodeStep::more;
  }
  std::size_t memory() const override { return ::ZSTD_sizeof_DCtx(context_); }
  std::string_view problem() const override { return problem_; }

 private:
  // The library takes limits that are powers of two.
  void allow_window(std::size_t memory) {
    const int largest = ::ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
    const int log = std::min(static_cast<int>(std::bit_width(memory)) - 1, largest);
    ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, log);
  }

  DecodeStep failed(std::size_t result) {
    problem_ = ::ZSTD_getErrorName(result);
    switch (::ZSTD_getErrorCode(result)) {
      case ZSTD_error_prefix_unknown: return DecodeStep::not_a_member;
      case ZSTD_error_frameParameter_windowTooLarge: problem_ = "its window takes more memory than is allowed"; [[fallthrough]];
      case ZSTD_error_memory_allocation: return DecodeStep::too_large;
      default: return DecodeStep::corrupt;
    }
  }

  ZSTD_DCtx* context_;
  std::size_t wanted_ = 0;
  std::string_view problem_;
};

class Zstd final : public CodecOpener {
 public:
  std::string_view name() const override { return "zstd"; }
  std::string_view description() const override {
    return "zstd (several frames, skippable frames, windows up to 128 MiB)";
  }
  bool recognises(Bytes head) const override { return as_text(behind_skippable_frames(head)).starts_with(magic); }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return std::make_unique<ZstdDecoder>(); }
  void describe(Bytes head, Layer& layer) const override {
    const Bytes frame = behind_skippable_frames(head);
    const auto size = ::ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR)
      layer.details.push_back({"stated_size", std::uint64_t{size}});
  }
};

}  // namespace

const Opener& opener_zstd() {
  static const Zstd opener;
  return opener;
}

}  // namespace vmstate
