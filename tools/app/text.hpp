// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/base/field.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/offset_text.hpp"
#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// Text for people: collects lines, colours them where asked for, keeps control characters of a file away from the
/// terminal.
class Text {
 public:
  enum class Style : std::uint8_t { plain, bold, dim, red, yellow, green };
  Text(const Io& io, When color);
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { flush(); }

  Text& line(std::string_view text = {});
  Text& add(std::string_view text);
  std::string styled(std::string_view text, Style style) const;
  void flush();

 private:
  const Io& io_;
  bool color_;
  std::string buffer_;
};

/// Text of a file with everything unprintable shown as \xNN.
std::string printable(std::string_view text);
/// "512 B", "64 KiB", "16 MiB", "36.9 KiB": exact where it is a multiple of the unit, otherwise rounded.
std::string size_text(std::uint64_t bytes);
/// "1 CPU", "2 CPUs", "no CPUs"
std::string count_text(std::uint64_t count, std::string_view one);
/// A leaf's value in one line; long ones are shortened.
std::string value_text(const Field& field, Bytes bytes);
/// `text` broken behind commas where it would not fit into 120 columns; it begins at `column`, and so do its further lines.
std::string wrapped(std::string_view text, std::size_t column);
/// If the bytes are a zero-padded printable text: that text.
std::string_view padded_text(Bytes bytes);

/// All findings, each behind `prefix`: what is said of the file as a whole and of the outer layers comes first, since it
/// explains much of the rest; then those of the stream in its order.
void write_findings(Text& text, const Findings& findings, std::string_view prefix);
/// One finding in one line (and its hint in a second).
void write_finding(Text& text, const Finding& finding, std::string_view prefix);

}  // namespace vmstate::app
