// SPDX-License-Identifier: Apache-2.0
#include <lzma.h>

#include "parsers/source/codec_opener.hpp"

// `exec:xz -c > FILE`, libvirt's format 3.
namespace vmstate {
namespace {

constexpr std::uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0x00};
constexpr std::size_t stream_padding = 4;

class XzDecoder final : public MemberDecoder {
 public:
  ~XzDecoder() override { ::lzma_end(&stream_); }

  bool may_begin(std::uint8_t first) const override { return first == magic[0]; }
  bool restart(std::size_t memory) override { return ::lzma_stream_decoder(&stream_, memory, 0) == LZMA_OK; }
  // What it would have needed is what it says after it was refused.
  std::size_t memory() const override {
    return result_ == LZMA_MEMLIMIT_ERROR ? 0 : static_cast<std::size_t>(::lzma_memusage(&stream_));
  }
  std::size_t padding_unit() const override { return stream_padding; }

  DecodeStep step(Bytes& in, Room& out) override {
    stream_.next_in = in.data();
    stream_.avail_in = in.size();
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    result_ = ::lzma_code(&stream_, LZMA_RUN);
    advance(in, in.size() - stream_.avail_in);
    advance(out, out.size() - stream_.avail_out);
    switch (result_) {
      case LZMA_OK:
      case LZMA_BUF_ERROR: return DecodeStep::more;
      case LZMA_STREAM_END: return DecodeStep::member_end;
      case LZMA_FORMAT_ERROR: return DecodeStep::not_a_member;
      case LZMA_MEMLIMIT_ERROR:
      case LZMA_MEM_ERROR: return DecodeStep::too_large;
      default: return DecodeStep::corrupt;
    }
  }

  std::string_view problem() const override {
    switch (result_) {
      case LZMA_MEMLIMIT_ERROR: return "its dictionary takes more memory than is allowed";
      case LZMA_MEM_ERROR: return "not enough memory";
      case LZMA_OPTIONS_ERROR: return "it uses options that this decoder does not know";
      default: return "a block is damaged or its checksum does not fit";
    }
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret result_ = LZMA_OK;
};

std::string check_name(lzma_check check) {
  switch (check) {
    case LZMA_CHECK_NONE: return "none";
    case LZMA_CHECK_CRC32: return "crc32";
    case LZMA_CHECK_CRC64: return "crc64";
    case LZMA_CHECK_SHA256: return "sha256";
  }
  return "unknown (" + std::to_string(static_cast<unsigned>(check)) + ")";
}

class Xz final : public CodecOpener {
 public:
  std::string_view name() const override { return "xz"; }
  std::string_view description() const override { return "xz (several streams and padding between them)"; }
  bool recognises(Bytes head) const override { return as_text(head).starts_with(as_text(Bytes(magic))); }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return std::make_unique<XzDecoder>(); }
  void describe(Bytes head, Layer& layer) const override {
    lzma_stream_flags flags = {};
    if (head.size() >= LZMA_STREAM_HEADER_SIZE && ::lzma_stream_header_decode(&flags, head.data()) == LZMA_OK)
      layer.details.push_back({"check", check_name(flags.check)});
  }
};

}  // namespace

const Opener& opener_xz() {
  static const Xz opener;
  return opener;
}

}  // namespace vmstate
