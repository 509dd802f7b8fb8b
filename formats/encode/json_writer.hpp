// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Writes one JSON document piece by piece, so that a list of a million sections costs no memory. Commas and indentation
/// are its business, nesting is the caller's. Text that is not ASCII is escaped byte by byte (\u00XX): names in damaged
/// files are no UTF-8.
class JsonWriter {
 public:
  using Output = std::function<void(std::string_view)>;
  explicit JsonWriter(Output output) : output_(std::move(output)) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;
  ~JsonWriter() { flush(); }

  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool value) { raw(value ? "true" : "false"); }
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool>)
  void value(Integer number) {
    raw(std::to_string(number));
  }
  void hex(Bytes bytes);
  void null() { raw("null"); }

  template <class Value>
  void member(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }

  void flush();

 private:
  void begin(char bracket);
  void end(char bracket);
  void before_value();
  void raw(std::string_view text);
  void indent();
  void quoted(std::string_view text);

  Output output_;
  std::string buffer_;
  std::vector<bool> filled_;  ///< for each open bracket: whether something stands in it
  bool after_key_ = false;
};

/// Lower-case hexadecimal digits, two a byte.
std::string to_hex(Bytes bytes);

}  // namespace vmstate
