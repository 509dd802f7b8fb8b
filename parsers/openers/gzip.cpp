// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "formats/base/cursor.hpp"
#include "parsers/source/codec_opener.hpp"

// RFC 1952. `exec:gzip -c > FILE`, libvirt's format 1, pigz (several members).
namespace vmstate {
namespace {

constexpr std::uint8_t magic[] = {0x1f, 0x8b, 0x08};  // the third byte: deflate, the only method there is
constexpr std::size_t fixed_header = 10;
constexpr std::uint8_t flag_extra = 0x04;
constexpr std::uint8_t flag_name = 0x08;
constexpr std::uint8_t reserved_flags = 0xe0;

constexpr int gzip_window = 15 + 16;  // the largest window, gzip framing instead of zlib's
constexpr std::size_t decoder_memory = 64u << 10;

class GzipDecoder final : public MemberDecoder {
 public:
  GzipDecoder() : ready_(::inflateInit2(&stream_, gzip_window) == Z_OK) {}
  ~GzipDecoder() override { ::inflateEnd(&stream_); }

  bool may_begin(std::uint8_t first) const override { return first == magic[0]; }
  bool restart(std::size_t memory) override {
    return ready_ && memory >= decoder_memory && ::inflateReset2(&stream_, gzip_window) == Z_OK;
  }
  std::size_t memory() const override { return decoder_memory; }

  DecodeStep step(Bytes& in, Room& out) override {
    stream_.next_in = const_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    advance(in, in.size() - stream_.avail_in);
    advance(out, out.size() - stream_.avail_out);
    switch (result) {
      case Z_OK:
      case Z_BUF_ERROR: return DecodeStep::more;
      case Z_STREAM_END: return DecodeStep::member_end;
      case Z_MEM_ERROR: return DecodeStep::too_large;
      default: return stream_.total_in <= sizeof magic + 1 ? DecodeStep::not_a_member : DecodeStep::corrupt;
    }
  }
  std::string_view problem() const override { return stream_.msg != nullptr ? stream_.msg : "not enough memory"; }

 private:
  z_stream stream_ = {};
  bool ready_;
};

bool has_magic(Bytes head) {
  return head.size() >= 4 && head[0] == magic[0] && head[1] == magic[1] && head[2] == magic[2] &&
         (head[3] & reserved_flags) == 0;
}

// The name in the header, up to where `head` ends.
std::string_view original_name(Bytes head) {
  std::size_t at = fixed_header;
  if ((head[3] & flag_extra) != 0) {
    if (head.size() < at + 2) return {};
    at += 2u + head[at] + head[at + 1] * 256u;
  }
  if ((head[3] & flag_name) == 0 || head.size() <= at) return {};
  const std::string_view text = as_text(head.subspan(at));
  return text.substr(0, text.find('\0'));
}

class Gzip final : public CodecOpener {
 public:
  std::string_view name() const override { return "gzip"; }
  std::string_view description() const override { return "gzip (also pigz, several members)"; }
  bool recognises(Bytes head) const override { return has_magic(head); }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return std::make_unique<GzipDecoder>(); }
  void describe(Bytes head, Layer& layer) const override {
    if (head.size() < fixed_header) return;
    if (const auto name = original_name(head); !name.empty())
      layer.details.push_back({"original_name", std::string(name)});
    const std::uint32_t modified = __builtin_bswap32(load_be32(&head[4]));
    if (modified != 0) layer.details.push_back({"modified", std::uint64_t{modified}});
  }
};

}  // namespace

const Opener& opener_gzip() {
  static const Gzip opener;
  return opener;
}

}  // namespace vmstate
