// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>

#include "parsers/source/codec_opener.hpp"

// `exec:bzip2 -c > FILE`, libvirt's format 2, pbzip2 and lbzip2 (several members).
namespace vmstate {
namespace {

constexpr std::string_view magic = "BZh";
constexpr std::string_view block_magic = "\x31\x41\x59\x26\x53\x59";
constexpr std::string_view empty_magic = "\x17\x72\x45\x38\x50\x90";  // end mark, where there is no block
constexpr std::size_t decoder_memory = 4u << 20;                  // for the largest block

class Bzip2Decoder final : public MemberDecoder {
 public:
  ~Bzip2Decoder() override { close(); }

  bool may_begin(std::uint8_t first) const override { return first == static_cast<std::uint8_t>(magic[0]); }

  bool restart(std::size_t memory) override {
    close();
    open_ = memory >= decoder_memory && ::BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK;
    return open_;
  }

  std::size_t memory() const override { return open_ ? decoder_memory : 0; }

  DecodeStep step(Bytes& in, Room& out) override {
    stream_.next_in = const_cast<char*>(as_text(in).data());
    stream_.avail_in = static_cast<unsigned>(in.size());
    stream_.next_out = const_cast<char*>(as_text(out).data());
    stream_.avail_out = static_cast<unsigned>(out.size());
    const int result = ::BZ2_bzDecompress(&stream_);
    advance(in, in.size() - stream_.avail_in);
    advance(out, out.size() - stream_.avail_out);
    switch (result) {
      case BZ_OK: return DecodeStep::more;
      case BZ_STREAM_END: return DecodeStep::member_end;
      case BZ_DATA_ERROR_MAGIC: return DecodeStep::not_a_member;
      case BZ_MEM_ERROR: problem_ = "not enough memory"; return DecodeStep::too_large;
      default: problem_ = "a block is damaged or its checksum does not fit"; return DecodeStep::corrupt;
    }
  }
  std::string_view problem() const override { return problem_; }

 private:
  void close() {
    if (open_) ::BZ2_bzDecompressEnd(&stream_);
    open_ = false;
    stream_ = {};
  }

  bz_stream stream_ = {};
  bool open_ = false;
  std::string_view problem_;
};

class Bzip2 final : public CodecOpener {
 public:
  std::string_view name() const override { return "bzip2"; }
  std::string_view description() const override { return "bzip2 (also pbzip2, several members)"; }
  bool recognises(Bytes head) const override {
    const std::string_view text = as_text(head);
    if (!text.starts_with(magic) || text.size() < 10 || text[3] < '1' || text[3] > '9') return false;
    const auto behind = text.substr(4);
    return behind.starts_with(block_magic) || behind.starts_with(empty_magic);
  }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return std::make_unique<Bzip2Decoder>(); }
  void describe(Bytes head, Layer& layer) const override {
    layer.details.push_back({"block_size", (std::uint64_t{head[3]} - '0') * 100'000});
  }
};

}  // namespace

const Opener& opener_bzip2() {
  static const Bzip2 opener;
  return opener;
}

}  // namespace vmstate
