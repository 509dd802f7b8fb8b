// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/api/opener.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate {
const Opener& opener_libvirt_save();
}

namespace vmstate::test {
namespace {

const ByteVector xml =
    hex("'<domain><name>tiny</name><os><type machine=\"pc-i440fx-7.2\">hvm</type></os></domain>' 00");
const ByteVector cookie = hex("'<cookie/>' 00");
const ByteVector padding(32, 0);
const ByteVector raw_data = hex("'QEVM' 00 00 00 03 07");
const ByteVector gzip_data = hex("1f 8b 08 00 00 00 00 00 00 03");

constexpr Offset header_size = 92;
const Offset cookie_at = header_size + xml.size();
const Offset padding_at = cookie_at + cookie.size();
const Offset data_at = padding_at + padding.size();

ByteVector word(std::uint32_t value, bool big_endian) {
  ByteVector bytes;
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? 3 - i : i)));
  return bytes;
}

// The fields of a header in their order.
struct HeaderFields {
  std::string magic = "LibvirtQemudSave";
  std::uint32_t version = 2;
  std::uint32_t data_length = static_cast<std::uint32_t>(data_at - header_size);
  std::uint32_t was_running = 1;
  std::uint32_t format = 0;
  std::uint32_t cookie_offset = static_cast<std::uint32_t>(xml.size());
  bool big_endian = false;
};

ByteVector header(const HeaderFields& fields) {
  return ByteVector(fields.magic.begin(), fields.magic.end())  // 0
         + word(fields.version, fields.big_endian)             // 16
         + word(fields.data_length, fields.big_endian)         // 20
         + word(fields.was_running, fields.big_endian)         // 24
         + word(fields.format, fields.big_endian)              // 28
         + word(fields.cookie_offset, fields.big_endian)       // 32
         + ByteVector(56, 0);                                  // 36  unused
}

ByteVector image(const HeaderFields& fields = {}, const ByteVector& data = raw_data) {
  return header(fields) + xml + cookie + padding + data;
}

struct Opening {
  Layer layer;
  ByteVector content;
  std::optional<Offset> shift;
  std::vector<Finding> findings;

  std::string detail(std::string_view key) const {
    for (const auto& entry : layer.details)
      if (entry.key == key) return std::visit([](const auto& value) { return text(value); }, entry.value);
    return "(none)";
  }
  std::string parts() const {
    std::string all;
    for (const auto& part : layer.parts)
      all += std::to_string(part.range.offset) + "+" + std::to_string(part.range.size) + " " + part.label + "\n";
    return all;
  }

 private:
  static std::string text(const std::string& value) { return value; }
  static std::string text(bool value) { return value ? "yes" : "no"; }
  static std::string text(std::uint64_t value) { return std::to_string(value); }
};

Opening open(const ByteVector& bytes, MemorySource::Options options = {}) {
  MemorySource source(bytes, options);
  const Limits limits;
  Findings findings(limits);
  const auto file = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  DecodingBudget budget(limits);
  auto opened = opener_libvirt_save().open({source, file, findings, limits, budget});
  EXPECT_TRUE(opened.has_value());
  const auto content = opened->content->view(0, bytes.size());
  EXPECT_TRUE(content.has_value());
  return {std::move(opened->layer), ByteVector(content->begin(), content->end()), opened->origin->shift,
          findings.all()};
}

void expect_clean(const Opening& opening) {
  for (const auto& finding : opening.findings) ADD_FAILURE() << code_text(finding.code) << " " << finding.message;
}

void expect_finding(const Opening& opening, Code code, ByteRange range) {
  ASSERT_EQ(opening.findings.size(), 1u);
  EXPECT_EQ(code_text(opening.findings[0].code), code_text(code)) << opening.findings[0].message;
  EXPECT_EQ(opening.findings[0].range.offset, range.offset) << opening.findings[0].message;
  EXPECT_EQ(opening.findings[0].range.size, range.size) << opening.findings[0].message;
  EXPECT_EQ(opening.findings[0].file_offset(), range.offset);
}

TEST(LibvirtSave, RecognisesBothMagics) {
  const Opener& opener = opener_libvirt_save();
  EXPECT_TRUE(opener.recognises(as_bytes("LibvirtQemudSave")));
  EXPECT_TRUE(opener.recognises(as_bytes("LibvirtQemudPart and more")));
  EXPECT_FALSE(opener.recognises(as_bytes("LibvirtQemudSav")));
  EXPECT_FALSE(opener.recognises(raw_data));
}

TEST(LibvirtSave, ReadsACompleteImage) {
  const auto opening = open(image());
  expect_clean(opening);
  EXPECT_EQ(opening.content, raw_data);
  EXPECT_EQ(opening.shift, data_at);
  EXPECT_EQ(opening.layer.kind, "libvirt-save");
  EXPECT_EQ(opening.layer.size, data_at + raw_data.size());
  EXPECT_EQ(opening.detail("magic"), "LibvirtQemudSave");
  EXPECT_EQ(opening.detail("complete"), "yes");
  EXPECT_EQ(opening.detail("version"), "2");
  EXPECT_EQ(opening.detail("byte_order"), "little-endian");
  EXPECT_EQ(opening.detail("was_running"), "yes");
  EXPECT_EQ(opening.detail("format"), "raw");
  EXPECT_EQ(opening.detail("data_len"), std::to_string(data_at - header_size));
  EXPECT_EQ(opening.detail("cookie_offset"), std::to_string(xml.size()));
  EXPECT_EQ(opening.detail("domain_name"), "tiny");
  EXPECT_EQ(opening.detail("machine"), "pc-i440fx-7.2");
}

TEST(LibvirtSave, EveryByteInFrontOfTheDataIsOnePart) {
  EXPECT_EQ(open(image()).parts(),
            "0+92 libvirt header\n"
            "92+84 domain XML\n"
            "176+10 libvirt cookie\n"
            "186+32 padding\n");
}

TEST(LibvirtSave, TextsComeWithoutTheirNul) {
  const auto texts = open(image()).layer.texts;
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].first, "xml");
  EXPECT_EQ(texts[0].second, as_text(xml).substr(0, xml.size() - 1));
  EXPECT_EQ(texts[1].first, "cookie");
  EXPECT_EQ(texts[1].second, "<cookie/>");
}

TEST(LibvirtSave, BigEndianHostsWriteBigEndianWords) {
  const auto opening = open(image({.big_endian = true}));
  expect_clean(opening);
  EXPECT_EQ(opening.content, raw_data);
  EXPECT_EQ(opening.detail("byte_order"), "big-endian");
  EXPECT_EQ(opening.detail("version"), "2");
}

TEST(LibvirtSave, VersionOneHasNoFormat) {
  for (const bool big_endian : {false, true}) {
    const auto opening = open(image({.version = 1, .format = 77, .cookie_offset = 0, .big_endian = big_endian}));
    EXPECT_EQ(opening.content, raw_data);
    EXPECT_EQ(opening.detail("version"), "1");
    EXPECT_EQ(opening.detail("format"), "raw");
  }
}

TEST(LibvirtSave, WithoutACookieTheRestIsPadding) {
  const auto opening =
      open(header({.cookie_offset = 0}) + xml + ByteVector(cookie.size() + padding.size(), 0) + raw_data);
  expect_clean(opening);
  EXPECT_EQ(opening.layer.texts.size(), 1u);
  EXPECT_EQ(opening.parts(),
            "0+92 libvirt header\n"
            "92+84 domain XML\n"
            "176+42 padding\n");
}

TEST(LibvirtSave, AllFormatsHaveNames) {
  const std::vector<std::pair<std::string, ByteVector>> formats = {
      {"raw", raw_data},
      {"gzip", gzip_data},
      {"bzip2", hex("'BZh91AY&SY'")},
      {"xz", hex("fd '7zXZ' 00 00 04")},
      {"lzop", hex("89 'LZO' 00 0d 0a 1a 0a")},
      {"zstd", hex("28 b5 2f fd 04")},
      {"sparse", raw_data},
  };
  for (std::uint32_t id = 0; id < formats.size(); ++id) {
    const auto opening = open(image({.format = id}, formats[id].second));
    expect_clean(opening);
    EXPECT_EQ(opening.detail("format"), formats[id].first);
    EXPECT_EQ(opening.content, formats[id].second);
  }
}

TEST(LibvirtSave, ReadsFromPipesAndInAnyPieces) {
  for (const std::size_t step : {1, 5, 4096}) {
    const auto opening = open(image(), {step, false, false});
    expect_clean(opening);
    EXPECT_EQ(opening.content, raw_data);
    EXPECT_EQ(opening.layer.size, std::nullopt);
  }
}

TEST(LibvirtSave, AnUnfinishedImageIsStillOpened) {
  const auto opening = open(image({.magic = "LibvirtQemudPart"}));
  expect_finding(opening, Code::libvirt_incomplete, {0, 16});
  EXPECT_EQ(opening.detail("complete"), "no");
  EXPECT_EQ(opening.content, raw_data);
}

TEST(LibvirtSave, UnknownVersion) {
  const auto opening = open(image({.version = 3}));
  expect_finding(opening, Code::libvirt_bad_header, {16, 4});
  EXPECT_EQ(opening.content, raw_data);
  expect_finding(open(image({.version = 0})), Code::libvirt_bad_header, {16, 4});
  // The byte order is then told by the length.
  EXPECT_EQ(open(image({.version = 3, .big_endian = true})).detail("byte_order"), "big-endian");
}

TEST(LibvirtSave, UnknownFormat) {
  const auto opening = open(image({.format = 7}, gzip_data));
  expect_finding(opening, Code::libvirt_unknown_compression, {28, 4});
  EXPECT_EQ(opening.detail("format"), "unknown (7)");
  EXPECT_EQ(opening.content, gzip_data);
}

TEST(LibvirtSave, DataOfAnotherFormatThanStated) {
  const auto opening = open(image({.format = 1}));
  expect_finding(opening, Code::libvirt_compression_differs, {data_at, 9});
  EXPECT_EQ(opening.content, raw_data);
  expect_finding(open(image({}, gzip_data)), Code::libvirt_compression_differs, {data_at, 9});
  expect_finding(open(image({.format = 5}, hex("04 22 4d 18 64 40 a7 00 00"))), Code::libvirt_compression_differs,
                 {data_at, 9});
}

TEST(LibvirtSave, UnknownDataAreLeftToOthers) {
  const auto data = hex("'qEVM' 00 00 00 03 07");
  const auto opening = open(image({}, data));
  expect_clean(opening);
  EXPECT_EQ(opening.content, data);
}

TEST(LibvirtSave, OddRunningWordIsAWarning) {
  const auto opening = open(image({.was_running = 256}));
  expect_finding(opening, Code::libvirt_bad_header, {24, 4});
  EXPECT_EQ(opening.findings[0].severity, Severity::warning);
  EXPECT_EQ(opening.detail("was_running"), "yes");
}

TEST(LibvirtSave, UnusedBytesThatAreNotZero) {
  expect_finding(open(with_byte(image(), 91, 0x20)), Code::padding_damaged, {91, 1});
  expect_finding(open(with_byte(image(), padding_at + 7, 0x20)), Code::padding_damaged, {padding_at + 7, 1});
}

TEST(LibvirtSave, DamagedLengthIsFoundByTheData) {
  for (const std::uint32_t length : {0u, 1u, 60u, 100u, 128u, 135u, 1000u, 0x40000081u, 0xffffffffu}) {
    SCOPED_TRACE(length);
    const auto opening = open(image({.data_length = length}));
    expect_finding(opening, Code::libvirt_bad_header, {20, 4});
    EXPECT_EQ(opening.content, raw_data);
    EXPECT_EQ(opening.shift, data_at);
    EXPECT_EQ(opening.layer.texts.size(), 2u);
  }
}

TEST(LibvirtSave, ImpossibleCookieOffset) {
  const auto no_cookie = header({.cookie_offset = 5}) + xml + ByteVector(42, 0) + raw_data;
  expect_finding(open(no_cookie), Code::libvirt_bad_header, {32, 4});
  const auto beyond = header({.cookie_offset = 0x80000000}) + xml + ByteVector(42, 0) + raw_data;
  expect_finding(open(beyond), Code::libvirt_bad_header, {32, 4});
  EXPECT_EQ(open(beyond).content, raw_data);
}

TEST(LibvirtSave, XmlThatDoesNotParse) {
  const auto opening = open(with_byte(image(), header_size, 'x'));
  ASSERT_EQ(opening.findings.size(), 1u);
  EXPECT_EQ(opening.findings[0].code, Code::libvirt_xml_damaged);
  EXPECT_TRUE(ByteRange({header_size, xml.size()}).contains(opening.findings[0].range));
  EXPECT_EQ(opening.content, raw_data);
  EXPECT_EQ(opening.layer.texts[0].second.size(), xml.size() - 1);
}

TEST(LibvirtSave, XmlOfSomethingElse) {
  const ByteVector other = hex("'<pool/>' 00");
  const auto opening = open(header({.data_length = 8, .cookie_offset = 0}) + other + raw_data);
  expect_finding(opening, Code::libvirt_xml_damaged, {header_size, 8});
  EXPECT_EQ(opening.detail("domain_name"), "(none)");
}

TEST(LibvirtSave, EveryPrefixOpens) {
  const auto whole = image();
  for (std::size_t length = 16; length < whole.size(); ++length) {
    SCOPED_TRACE(length);
    const auto opening = open(ByteVector(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    if (length >= data_at) {
      expect_clean(opening);
      EXPECT_EQ(opening.content.size(), length - data_at);
    } else {
      ASSERT_FALSE(opening.findings.empty());
      EXPECT_EQ(opening.findings[0].code, Code::libvirt_bad_header);
      EXPECT_EQ(opening.findings[0].range, length < header_size ? (ByteRange{0, length}) : (ByteRange{20, 4}));
      EXPECT_TRUE(opening.content.empty());
    }
  }
}

TEST(LibvirtSave, NoSingleByteMakesItFail) {
  const auto whole = image();
  for (std::size_t at = 16; at < data_at; ++at)
    for (const std::uint8_t value : hex("00 01 7f ff")) {
      const auto opening = open(with_byte(whole, at, value));
      EXPECT_EQ(opening.shift, data_at) << "byte " << at << " set to " << int{value};
    }
}

}  // namespace
}  // namespace vmstate::test
