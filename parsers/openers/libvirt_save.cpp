// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "formats/base/cursor.hpp"
#include "formats/base/sub_source.hpp"
#include "formats/wire/libvirt_save.hpp"
#include "parsers/api/opener.hpp"

// docs/formats/libvirt_save.md
namespace vmstate {
namespace {

namespace wire = wire::libvirt_save;

constexpr std::size_t longest_evidence = 64;

struct Header {
  bool complete = false;
  bool big_endian = false;
  std::uint32_t version = 0;
  std::uint32_t data_length = 0;
  std::uint32_t was_running = 0;
  std::uint32_t format = 0;
  std::uint32_t cookie_offset = 0;
};

constexpr ByteRange word_range(std::size_t at) { return {at, wire::word_size}; }

std::uint32_t word_at(Bytes header, std::size_t at, bool big_endian) {
  const std::uint32_t word = load_be32(&header[at]);
  return big_endian ? word : __builtin_bswap32(word);
}

bool known_version(std::uint32_t version) { return version >= wire::oldest_version && version <= wire::newest_version; }

// The order in which the version makes sense. Where it does in neither, the length decides: the wrong order makes a
// huge number of it.
bool is_big_endian(Bytes header) {
  for (const bool big : {false, true})
    if (known_version(word_at(header, wire::version_at, big))) return big;
  return word_at(header, wire::data_length_at, true) < word_at(header, wire::data_length_at, false);
}

Header parse_header(Bytes bytes) {
  Header header;
  header.complete = as_text(bytes.first(wire::magic_size)) == wire::magic_complete;
  header.big_endian = is_big_endian(bytes);
  const auto word = [&](std::size_t at) { return word_at(bytes, at, header.big_endian); };
  header.version = word(wire::version_at);
  header.data_length = word(wire::data_length_at);
  header.was_running = word(wire::was_running_at);
  header.format = word(wire::format_at);
  header.cookie_offset = word(wire::cookie_offset_at);
  // Version 1 leaves the word undefined and is never compressed.
  if (header.version < wire::first_version_with_format) header.format = 0;
  return header;
}

std::string format_name(std::uint32_t format) {
  return format < wire::formats.size() ? std::string(wire::formats[format].name) : fmt::format("unknown ({})", format);
}

bool begins_with(Bytes data, std::string_view magic) { return as_text(data).substr(0, magic.size()) == magic; }

// Name of what the data begin like, or nothing.
std::optional<std::string_view> format_of(Bytes data) {
  for (const auto& format : wire::formats)
    if (begins_with(data, format.magic)) return format.name;
  for (const auto& format : wire::foreign_formats)
    if (begins_with(data, format.magic)) return format.name;
  return std::nullopt;
}

bool is_zero(std::uint8_t byte) { return byte == 0; }

// What is inside the non-zero part of `range` of `file`; empty when all of it is zero.
ByteRange nonzero_part(Bytes file, ByteRange range) {
  const Bytes bytes = file.subspan(range.offset, range.size);
  const auto first = std::ranges::find_if_not(bytes, is_zero);
  if (first == bytes.end()) return {range.offset, 0};
  const auto last = std::find_if_not(bytes.rbegin(), bytes.rend(), is_zero).base();
  return {range.offset + static_cast<Offset>(first - bytes.begin()), static_cast<std::uint64_t>(last - first)};
}

// A C string that begins at `at` and ends before `limit`, its NUL included if it has one.
struct StoredText {
  ByteRange range;
  std::string_view text;
  bool terminated = false;
};

StoredText text_at(Bytes file, Offset at, Offset limit) {
  const std::string_view rest = as_text(file.subspan(at, limit - at));
  const auto length = rest.find('\0');
  if (length == std::string_view::npos) return {{at, rest.size()}, rest, false};
  return {{at, length + 1}, rest.substr(0, length), true};
}

// One image on its way from bytes to a layer.
class Image {
 public:
  explicit Image(const OpenContext& context) : context_(context) {}

  Result<Opened> open();

 private:
  Result<void> read_area(std::uint64_t text_bytes);
  Finding& report(Code code, ByteRange range, std::string message);
  void check_header();
  void check_version();
  void check_rest_of_header();
  Result<void> find_content();
  bool length_is_credible() const;
  Result<void> search_content();
  void report_length(std::string_view what);
  void find_texts(Offset limit);
  void find_cookie(Offset limit);
  void list_parts();
  void add_part(ByteRange range, std::string label);
  void add_details();
  void add_domain();
  void check_compression();
  Opened opened();

  const OpenContext& context_;
  Bytes file_;  // from the first byte of the image on, at least to the first bytes of the content where there are any
  Header header_;
  StoredText xml_;
  std::optional<StoredText> cookie_;
  Offset content_ = 0;
  Layer layer_;
};

Result<Opened> Image::open() {
  layer_.kind = "libvirt-save";
  layer_.size = context_.lower.size();
  const auto header = context_.lower.view(0, wire::header_size);
  if (!header) return tl::make_unexpected(header.error());
  file_ = *header;
  if (file_.size() < wire::header_size) {
    report(
        Code::libvirt_bad_header, {0, file_.size()},
        fmt::format("the file ends after {} of the {} bytes of the libvirt header", file_.size(), wire::header_size));
    content_ = file_.size();
    layer_.parts.push_back({{0, file_.size()}, "libvirt header"});
    return opened();
  }
  header_ = parse_header(file_);
  check_header();
  if (auto found = find_content(); !found) return tl::make_unexpected(found.error());
  list_parts();
  add_details();
  add_domain();
  check_compression();
  return opened();
}

Finding& Image::report(Code code, ByteRange range, std::string message) {
  Finding& finding = context_.findings.add(code, range, std::move(message));
  finding.origin = context_.origin;
  if (range.end() <= file_.size()) {
    const Bytes evidence = file_.subspan(range.offset, std::min<std::uint64_t>(range.size, longest_evidence));
    finding.evidence.assign(evidence.begin(), evidence.end());
  }
  return finding;
}

void Image::check_header() {
  if (!header_.complete)
    report(Code::libvirt_incomplete, {0, wire::magic_size},
           "libvirt never marked this image as complete: the save was interrupted, or failed, before its end");
  check_version();
  check_rest_of_header();
}

void Image::check_version() {
  if (known_version(header_.version)) return;
  report(Code::libvirt_bad_header, word_range(wire::version_at),
         fmt::format("the version is {}, known are {} and {}", header_.version, wire::oldest_version,
                     wire::newest_version));
}

void Image::check_rest_of_header() {
  if (header_.was_running > 1)
    report(Code::libvirt_bad_header, word_range(wire::was_running_at),
           fmt::format("was_running is {}, libvirt writes 0 or 1 and takes this for 1", header_.was_running))
        .severity = Severity::warning;
  if (header_.format >= wire::formats.size())
    report(Code::libvirt_unknown_compression, word_range(wire::format_at),
           fmt::format("the header names format {}, known are 0 to {}", header_.format, wire::formats.size() - 1));
  const auto unused = nonzero_part(file_, ByteRange::between(wire::unused_at, wire::header_size));
  if (!unused.empty()) report(Code::padding_damaged, unused, "unused words of the libvirt header are not zero");
}

// Makes file_ the header, `text_bytes` behind it as far as Limits allow, and the first bytes of the data.
Result<void> Image::read_area(std::uint64_t text_bytes) {
  const auto text = static_cast<std::size_t>(std::min<std::uint64_t>(text_bytes, context_.limits.xml_text));
  const std::size_t want = wire::header_size + text + wire::longest_magic;
  const auto view = context_.lower.view(0, want);
  if (!view) return tl::make_unexpected(view.error());
  file_ = view->first(std::min(want, view->size()));
  return {};
}

bool Image::length_is_credible() const {
  return header_.data_length > 0 && header_.data_length <= context_.limits.xml_text &&
         wire::header_size + header_.data_length <= file_.size();
}

// Leaves texts and content_ set.
Result<void> Image::find_content() {
  if (auto read = read_area(header_.data_length); !read) return read;
  if (length_is_credible()) {
    content_ = wire::header_size + header_.data_length;
    find_texts(content_);
    if (format_of(file_.subspan(content_))) return {};
  }
  return search_content();
}

// The header's length leads to nothing known, so the texts are followed instead: they end in NULs, only zeros stand
// behind them, and no format of the data begins with a zero.
Result<void> Image::search_content() {
  const bool credible = length_is_credible();
  if (auto read = read_area(context_.limits.xml_text); !read) return read;
  find_texts(file_.size());
  const Offset behind_texts = cookie_ ? cookie_->range.end() : xml_.range.end();
  const Offset begin = nonzero_part(file_, ByteRange::between(behind_texts, file_.size())).offset;
  if (format_of(file_.subspan(begin))) {
    content_ = begin;
    report_length(
        fmt::format("leads to no data; they begin at {}, which makes it {}", begin, begin - wire::header_size));
    return {};
  }
  if (!credible) {
    content_ = file_.size();
    report_length(fmt::format("cannot be right: {} bytes follow the header",
                              context_.lower.size().value_or(file_.size()) - wire::header_size));
  }
  find_texts(content_);
  return {};
}

void Image::report_length(std::string_view what) {
  report(Code::libvirt_bad_header, word_range(wire::data_length_at),
         fmt::format("the header's length of XML and padding, {}, {}", header_.data_length, what));
}

void Image::find_texts(Offset limit) {
  xml_ = text_at(file_, wire::header_size, limit);
  cookie_.reset();
  find_cookie(limit);
}

void Image::find_cookie(Offset limit) {
  const Offset at = wire::header_size + Offset{header_.cookie_offset};
  if (header_.cookie_offset != 0 && at >= xml_.range.end() && at < limit) cookie_ = text_at(file_, at, limit);
}

// The pieces in front of the content, each byte in one of them.
void Image::list_parts() {
  add_part({0, wire::header_size}, "libvirt header");
  add_part(xml_.range, "domain XML");
  if (cookie_) {
    add_part(ByteRange::between(xml_.range.end(), cookie_->range.offset), "padding");
    add_part(cookie_->range, "libvirt cookie");
  } else if (header_.cookie_offset != 0) {
    report(Code::libvirt_bad_header, word_range(wire::cookie_offset_at),
           fmt::format("the cookie cannot begin at {} of the XML area: the XML fills {} of its {} bytes",
                       header_.cookie_offset, xml_.range.size, content_ - wire::header_size));
  }
  add_part(ByteRange::between(layer_.parts.back().range.end(), content_), "padding");
}

void Image::add_part(ByteRange range, std::string label) {
  if (range.empty()) return;
  if (label == "padding") {
    const auto odd = nonzero_part(file_, range);
    if (!odd.empty()) report(Code::padding_damaged, odd, "the padding behind the XML is not zero");
  }
  layer_.parts.push_back({range, std::move(label)});
}

void Image::add_details() {
  layer_.details = {
      {"magic", std::string(header_.complete ? wire::magic_complete : wire::magic_partial)},
      {"complete", header_.complete},
      {"version", std::uint64_t{header_.version}},
      {"byte_order", std::string(header_.big_endian ? "big-endian" : "little-endian")},
      {"was_running", header_.was_running != 0},
      {"format", format_name(header_.format)},
      {"data_len", std::uint64_t{header_.data_length}},
      {"cookie_offset", std::uint64_t{header_.cookie_offset}},
  };
  layer_.texts.emplace_back("xml", xml_.text);
  if (cookie_) layer_.texts.emplace_back("cookie", cookie_->text);
}

void Image::add_domain() {
  pugi::xml_document document;
  const auto parsed =
      document.load_buffer(xml_.text.data(), xml_.text.size(), pugi::parse_default, pugi::encoding_utf8);
  const auto domain = document.child("domain");
  // Text that the end of the file cuts is reported as that.
  const bool cut = !xml_.terminated && xml_.range.end() == file_.size();
  if (!parsed && !cut) {
    const auto at = std::min<std::uint64_t>(static_cast<std::uint64_t>(parsed.offset), xml_.text.size());
    report(Code::libvirt_xml_damaged, {xml_.range.offset + at, at < xml_.text.size() ? 1u : 0u},
           fmt::format("the domain XML does not parse at its byte {}: {}", at, parsed.description()));
  } else if (parsed && !domain) {
    report(Code::libvirt_xml_damaged, xml_.range, "the XML has no <domain> element at its top");
  }
  if (const auto name = domain.child("name"))
    layer_.details.push_back({"domain_name", std::string(name.child_value())});
  if (const auto machine = domain.child("os").child("type").attribute("machine"))
    layer_.details.push_back({"machine", std::string(machine.value())});
}

void Image::check_compression() {
  if (header_.format >= wire::formats.size()) return;
  const auto& stated = wire::formats[header_.format];
  const Bytes data = file_.subspan(content_);
  const auto found = format_of(data);
  if (!found || begins_with(data, stated.magic)) return;
  report(Code::libvirt_compression_differs, {content_, std::min(data.size(), wire::longest_magic)},
         fmt::format("the header says {}, the data begin like {}", stated.name, *found));
}

Opened Image::opened() {
  Opened opened;
  opened.content = std::make_unique<SubSource>(context_.lower, content_);
  opened.origin = std::make_shared<const Origin>(Origin{layer_.kind, context_.origin, content_});
  const Bytes head = file_.first(std::min<std::size_t>(file_.size(), static_cast<std::size_t>(content_)));
  layer_.head.assign(head.begin(), head.end());
  opened.layer = std::move(layer_);
  return opened;
}

class LibvirtSave final : public Opener {
 public:
  std::string_view name() const override { return "libvirt-save"; }
  std::string_view description() const override {
    return "libvirt save image: virsh save, managedsave, memory of an external snapshot";
  }
  bool recognises(Bytes head) const override {
    return begins_with(head, wire::magic_complete) || begins_with(head, wire::magic_partial);
  }
  Result<Opened> open(const OpenContext& context) const override { return Image(context).open(); }
};

}  // namespace

const Opener& opener_libvirt_save() {
  static const LibvirtSave opener;
  return opener;
}

}  // namespace vmstate
