// SPDX-License-Identifier: Apache-2.0
#include "formats/encode/json_writer.hpp"

namespace vmstate {
namespace {
constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t enough = 64 << 10;
}  // namespace

std::string to_hex(Bytes bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

void JsonWriter::begin(char bracket) {
  before_value();
  buffer_ += bracket;
  filled_.push_back(false);
}

void JsonWriter::end(char bracket) {
  const bool filled = filled_.back();
  filled_.pop_back();
  if (filled) indent();
  buffer_ += bracket;
  if (filled_.empty()) buffer_ += '\n';
  if (buffer_.size() > enough || filled_.empty()) flush();
}

void JsonWriter::key(std::string_view name) {
  before_value();
  quoted(name);
  buffer_ += ": ";
  after_key_ = true;
}

void JsonWriter::value(std::string_view text) {
  before_value();
  quoted(text);
}

void JsonWriter::hex(Bytes bytes) { raw('"' + to_hex(bytes) + '"'); }

void JsonWriter::raw(std::string_view text) {
  before_value();
  buffer_ += text;
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (filled_.empty()) return;
  if (filled_.back()) buffer_ += ',';
  filled_.back() = true;
  indent();
}

void JsonWriter::indent() {
  buffer_ += '\n';
  buffer_.append(filled_.size(), ' ');
  if (buffer_.size() > enough) flush();
}

void JsonWriter::quoted(std::string_view text) {
  buffer_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      buffer_ += '\\';
      buffer_ += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      buffer_ += "\\u00";
      buffer_ += digits[byte >> 4];
      buffer_ += digits[byte & 15];
    } else {
      buffer_ += c;
    }
  }
  buffer_ += '"';
}

void JsonWriter::flush() {
  if (!buffer_.empty()) output_(buffer_);
  buffer_.clear();
}

}  // namespace vmstate
