// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "formats/base/cursor.hpp"
#include "parsers/source/codec_opener.hpp"

#ifdef VMSTATE_WITH_LZO
#include <lzo/lzo1x.h>
#endif

// The files of lzop 1.x: magic, header, blocks, a zero length. `exec:lzop -c > FILE`, libvirt's format 4.
namespace vmstate {
namespace {

using namespace std::string_view_literals;

constexpr auto magic = "\x89LZO\0\r\n\x1a\n"sv;

// Header flags.
constexpr std::uint32_t adler32_of_decoded = 0x001;
constexpr std::uint32_t adler32_of_coded = 0x002;
constexpr std::uint32_t extra_field = 0x040;
constexpr std::uint32_t crc32_of_decoded = 0x100;
constexpr std::uint32_t crc32_of_coded = 0x200;
constexpr std::uint32_t filtered = 0x800;
constexpr std::uint32_t header_crc32 = 0x1000;

constexpr std::uint16_t first_version_with_level = 0x0940;

struct Header {
  std::uint16_t version = 0;
  std::uint8_t method = 0;
  std::uint32_t flags = 0;
  std::uint32_t modified = 0;  // seconds since 1970
  std::string name;
  Bytes checked;  // what the checksum covers
  std::uint32_t checksum = 0;
};

// The header at the start of `bytes`, the magic included; nothing where `bytes` end before it does.
std::optional<Header> parse_header(Bytes bytes) {
  Cursor in(bytes);
  Header header;
  in.skip(magic.size(), "magic");
  header.version = in.be16("version");
  const bool with_level = header.version >= first_version_with_level;
  in.skip(2, "library version");
  if (with_level) in.skip(2, "version needed");
  header.method = in.u8("method");
  if (with_level) in.skip(1, "level");
  header.flags = in.be32("flags");
  if ((header.flags & filtered) != 0) in.skip(4, "filter");
  in.skip(4, "mode");
  header.modified = in.be32("modification time");
  if (with_level) in.skip(4, "modification time, high word");
  header.name = in.counted_text("name");
  const std::size_t end = in.consumed();
  header.checksum = in.be32("header checksum");
  if (!in) return std::nullopt;
  header.checked = bytes.subspan(magic.size(), end - magic.size());
  return header;
}

#ifdef VMSTATE_WITH_LZO

constexpr std::uint32_t largest_block = 64u << 20;  // lzop's own limit
constexpr std::uint32_t largest_extra = 64u << 10;

std::uint32_t adler32(Bytes bytes) { return ::lzo_adler32(1, bytes.data(), bytes.size()); }
std::uint32_t crc32(Bytes bytes) { return ::lzo_crc32(0, bytes.data(), bytes.size()); }

class LzopDecoder final : public MemberDecoder {
 public:
  bool may_begin(std::uint8_t first) const override { return first == static_cast<std::uint8_t>(magic[0]); }

  bool restart(std::size_t memory) override {
    allowed_ = memory;
    expect(Stage::start, magic.size());
    decoded_.clear();
    return true;
  }

  std::size_t memory() const override { return collected_.capacity() + decoded_.capacity(); }

  DecodeStep step(Bytes& in, Room& out) override {
    for (;;) {
      if (!deliver(out) || !collect(in)) return DecodeStep::more;
      if (const DecodeStep result = use_collected(); result != DecodeStep::more) return result;
    }
  }
  std::string_view problem() const override { return problem_; }

 private:
  // What collected_ will hold once it is wanted_ long.
  enum class Stage : std::uint8_t { start, header, extra_length, extra, block_size, block };

  void expect(Stage stage, std::size_t size) {
    stage_ = stage;
    wanted_ = size;
    collected_.clear();
  }

  // False: `out` is full.
  bool deliver(Room& out) {
    const std::size_t count = std::min(decoded_.size() - delivered_, out.size());
    std::copy_n(decoded_.begin() + static_cast<std::ptrdiff_t>(delivered_), count, out.begin());
    advance(out, count);
    delivered_ += count;
    if (delivered_ < decoded_.size()) return false;
    decoded_.clear();
    delivered_ = 0;
    return true;
  }

  // The buffer grows with the bytes that are there, not with the length that the file announces.
  bool collect(Bytes& in) {
    const std::size_t count = std::min(wanted_ - collected_.size(), in.size());
    collected_.insert(collected_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    advance(in, count);
    return collected_.size() == wanted_;
  }

  DecodeStep use_collected() {
    switch (stage_) {
      case Stage::start: return use_magic();
      case Stage::header: return use_header();
      case Stage::extra_length: return use_extra_length();
      case Stage::extra: expect(Stage::block_size, 4); return DecodeStep::more;
      case Stage::block_size: return use_block_size();
      case Stage::block: return use_block();
    }
    return DecodeStep::corrupt;
  }

  DecodeStep corrupt(std::string_view problem) {
    problem_ = problem;
    return DecodeStep::corrupt;
  }

  DecodeStep use_magic() {
    if (as_text(collected_) != magic) return DecodeStep::not_a_member;
    stage_ = Stage::header;
    ++wanted_;
    return DecodeStep::more;
  }

  // The header tells its length bit by bit, so it is collected byte by byte.
  DecodeStep use_header() {
    const auto header = parse_header(collected_);
    if (!header) {
      ++wanted_;
      return DecodeStep::more;
    }
    const std::uint32_t sum = (header->flags & header_crc32) != 0 ? crc32(header->checked) : adler32(header->checked);
    if (sum != header->checksum) return corrupt("the checksum of the header does not fit");
    if (header->method < 1 || header->method > 3) return corrupt("it uses an unknown method of compression");
    if ((header->flags & filtered) != 0) return corrupt("it uses a filter, which this decoder does not know");
    flags_ = header->flags;
    expect((flags_ & extra_field) != 0 ? Stage::extra_length : Stage::block_size, 4);
    return DecodeStep::more;
  }

  DecodeStep use_extra_length() {
    const std::uint32_t length = load_be32(collected_.data());
    if (length > largest_extra) return corrupt("the length of the extra field cannot be right");
    expect(Stage::extra, length + 4u);  // a checksum follows
    return DecodeStep::more;
  }

  bool has(std::uint32_t flag) const { return (flags_ & flag) != 0; }

  // Four bytes at first: the decoded size, zero ends the member. Then the coded size and the checksums as well.
  DecodeStep use_block_size() {
    Cursor in(collected_);
    decoded_size_ = in.be32("decoded size");
    if (decoded_size_ == 0) return DecodeStep::member_end;
    if (decoded_size_ > largest_block) return corrupt("the size of a block cannot be right");
    if (collected_.size() == 4) {
      wanted_ = 8;
      return DecodeStep::more;
    }
    coded_size_ = in.be32("coded size");
    if (coded_size_ == 0 || coded_size_ > decoded_size_) return corrupt("the coded size of a block cannot be right");
    if (std::size_t{decoded_size_} + coded_size_ > allowed_) {
      problem_ = "its blocks take more memory than is allowed";
      return DecodeStep::too_large;
    }
    expect(Stage::block, checksums_size() + coded_size_);
    return DecodeStep::more;
  }

  bool stored() const { return coded_size_ == decoded_size_; }
  // Stored blocks carry no checksum of their coded form.
  bool has_coded(std::uint32_t flag) const { return has(flag) && !stored(); }
  std::size_t checksums_size() const {
    return 4u *
           (has(adler32_of_decoded) + has(crc32_of_decoded) + has_coded(adler32_of_coded) + has_coded(crc32_of_coded));
  }

  DecodeStep use_block() {
    Cursor in(collected_);
    const auto read_if = [&](bool present) { return present ? std::optional(in.be32("checksum")) : std::nullopt; };
    const auto decoded_adler = read_if(has(adler32_of_decoded));
    const auto decoded_crc = read_if(has(crc32_of_decoded));
    const auto coded_adler = read_if(has_coded(adler32_of_coded));
    const auto coded_crc = read_if(has_coded(crc32_of_coded));
    const Bytes coded = in.rest();
    if ((coded_adler && *coded_adler != adler32(coded)) || (coded_crc && *coded_crc != crc32(coded)))
      return corrupt("the checksum of a compressed block does not fit");
    if (!decode(coded)) return corrupt("a block cannot be decompressed");
    if ((decoded_adler && *decoded_adler != adler32(decoded_)) || (decoded_crc && *decoded_crc != crc32(decoded_))) {
      decoded_.clear();
      return corrupt("the checksum of a decompressed block does not fit");
    }
    expect(Stage::block_size, 4);
    return DecodeStep::more;
  }

  // Into decoded_, which stays empty where it fails.
  bool decode(Bytes coded) {
    if (stored()) {
      decoded_.assign(coded.begin(), coded.end());
      return true;
    }
    decoded_.resize(decoded_size_);
    lzo_uint size = decoded_size_;
    const int result = ::lzo1x_decompress_safe(coded.data(), coded.size(), decoded_.data(), &size, nullptr);
    if (result == LZO_E_OK && size == decoded_size_) return true;
    decoded_.clear();
    return false;
  }

  std::size_t allowed_ = 0;
  Stage stage_ = Stage::start;
  std::size_t wanted_ = 0;
  std::vector<std::uint8_t> collected_;
  std::uint32_t flags_ = 0;
  std::uint32_t decoded_size_ = 0;
  std::uint32_t coded_size_ = 0;
  std::vector<std::uint8_t> decoded_;
  std::size_t delivered_ = 0;
  std::string_view problem_;
};

#endif  // VMSTATE_WITH_LZO

class Lzop final : public CodecOpener {
 public:
  std::string_view name() const override { return "lzop"; }
  std::string_view description() const override { return "lzop (several members)"; }
  bool recognises(Bytes head) const override { return as_text(head).starts_with(magic); }

#ifdef VMSTATE_WITH_LZO
  bool available() const override { return true; }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override {
    return ::lzo_init() == LZO_E_OK ? std::make_unique<LzopDecoder>() : nullptr;
  }
#else
  bool available() const override { return false; }

 protected:
  std::unique_ptr<MemberDecoder> make_decoder() const override { return nullptr; }
#endif

  void describe(Bytes head, Layer& layer) const override {
    const auto header = parse_header(head);
    if (!header) return;
    if (!header->name.empty()) layer.details.push_back({"original_name", header->name});
    if (header->modified != 0) layer.details.push_back({"modified", std::uint64_t{header->modified}});
  }
};

}  // namespace

const Opener& opener_lzop() {
  static const Lzop opener;
  return opener;
}

}  // namespace vmstate
