// SPDX-License-Identifier: Apache-2.0
#include "tools/app/glob.hpp"

#include <algorithm>

#include <fnmatch.h>

namespace vmstate::app {
namespace {

// Field paths hold brackets ("dev[1]"), which are no character classes here.
std::string literal_brackets(const std::string& pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '[' || c == ']') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

bool matches_any(const std::vector<std::string>& patterns, const std::string& text) {
  if (patterns.empty()) return true;
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return fnmatch(literal_brackets(pattern).c_str(), text.c_str(), 0) == 0;
  });
}

}  // namespace vmstate::app
