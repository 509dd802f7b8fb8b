// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "parsers/source/transport_damage.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

// Like the contents of a guest: all values, zeros more often than others.
ByteVector state(std::size_t size) {
  std::mt19937 random(3);
  ByteVector bytes = hex("'QEVM' 00 00 00 03 07");
  while (bytes.size() < size) {
    const auto value = random();
    bytes.push_back(value % 3 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(value >> 8));
  }
  return bytes;
}

std::optional<Code> diagnosis(const ByteVector& bytes) {
  const auto damage = diagnose_transport(bytes);
  return damage ? std::optional(damage->code) : std::nullopt;
}

ByteVector text_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(TransportDamage, FindsNothingInHealthyBytes) {
  for (const std::size_t size : {0u, 1u, 9u, 100u, 5000u, 300'000u})
    EXPECT_EQ(diagnosis(state(size)), std::nullopt) << size;
  EXPECT_EQ(diagnosis(ByteVector(300'000, 0)), std::nullopt);
}

TEST(TransportDamage, FindsCarriageReturnsBeforeAllLineFeeds) {
  ByteVector changed;
  for (const auto byte : state(20'000)) {
    if (byte == '\n') changed.push_back('\r');
    changed.push_back(byte);
  }
  const auto damage = diagnose_transport(changed);
  ASSERT_TRUE(damage);
  EXPECT_EQ(damage->code, Code::text_mode);
  EXPECT_EQ(changed.at(damage->range.offset), '\r');
  EXPECT_EQ(changed.at(damage->range.offset + 1), '\n');
  changed.push_back('\n');
  EXPECT_EQ(diagnosis(changed), std::nullopt) << "one line feed was let alone";
}

TEST(TransportDamage, FindsLatin1WrittenAsUtf8) {
  ByteVector changed;
  for (const auto byte : state(20'000)) {
    if (byte >= 0x80) changed.push_back(byte < 0xc0 ? 0xc2 : 0xc3);
    changed.push_back(byte < 0xc0 ? byte : byte - 0x40);
  }
  EXPECT_EQ(diagnosis(changed), Code::utf8_mangled);
  changed.pop_back();
  EXPECT_EQ(diagnosis(changed), Code::utf8_mangled);
  EXPECT_EQ(diagnosis(changed + hex("ff 00 00 00")), std::nullopt);
}

TEST(TransportDamage, FindsReplacementCharacters) {
  ByteVector changed;
  for (const auto byte : state(20'000))
    changed = std::move(changed) + (byte < 0x80 ? ByteVector{byte} : hex("ef bf bd"));
  const auto damage = diagnose_transport(changed);
  ASSERT_TRUE(damage);
  EXPECT_EQ(damage->code, Code::utf8_mangled);
  EXPECT_NE(damage->message.find("lost"), std::string::npos);
}

TEST(TransportDamage, FindsBytesOfSevenBits) {
  ByteVector changed = state(60'000);
  for (auto& byte : changed) byte &= 0x7f;
  EXPECT_EQ(diagnosis(changed), Code::high_bits_stripped);
  changed.push_back(0x80);
  EXPECT_EQ(diagnosis(changed), std::nullopt);
}

TEST(TransportDamage, FindsBase64) {
  const auto damage =
      diagnose_transport(text_of("UUVWTQAAAAMHAAAADXBjLWk0NDBmeC03LjIBAAAAAgNyYW0AAAAAAAAABAAAAAAB\n"
                                 "TSAEFTAwMDA6MDA6MDIuMC92Z2EudnJhbQAAAAABAAAABnBjLnJhbQAAAAABAAAA\n"));
  ASSERT_TRUE(damage);
  EXPECT_EQ(damage->code, Code::base64_text);
  EXPECT_NE(damage->message.find("QEMU"), std::string::npos);
}

TEST(TransportDamage, FindsHttpChunks) {
  const ByteVector body = state(3000);
  ByteVector changed = text_of("3e8\r\n") + ByteVector(body.begin(), body.begin() + 1000) + text_of("\r\n7d0;x=y\r\n") +
                       ByteVector(body.begin() + 1000, body.begin() + 3000) + text_of("\r\n0\r\n\r\n");
  const auto damage = diagnose_transport(changed);
  ASSERT_TRUE(damage);
  EXPECT_EQ(damage->code, Code::http_chunks);
  EXPECT_EQ(damage->range, (ByteRange{0, 5}));
  changed.erase(changed.begin() + 10);
  EXPECT_EQ(diagnosis(changed), std::nullopt) << "the borders do not fit";
}

TEST(TransportDamage, LetsTextBeText) {
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines +=
        "gr\xc3\xbc\xc3\x9f"
        "e an alle\r\n";
  EXPECT_EQ(diagnosis(text_of(lines)), std::nullopt);
}

}  // namespace
}  // namespace vmstate::test
