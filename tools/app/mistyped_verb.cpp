// SPDX-License-Identifier: Apache-2.0
#include "tools/app/mistyped_verb.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <sys/stat.h>

namespace vmstate::app {
namespace {

constexpr std::size_t most_changes = 2;  // two swapped letters are two changes

// How many letters have to be put in, taken out or changed to turn one word into the other.
std::size_t changes_between(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

bool exists(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0;
}

}  // namespace

std::optional<std::string> mistyped_verb(const std::string& word, const std::vector<std::string>& verbs) {
  std::optional<std::string> nearest;
  std::size_t fewest = most_changes + 1;
  for (const std::string& verb : verbs) {
    const std::size_t changes = changes_between(word, verb);
    if (changes == 0) return std::nullopt;
    // Short words are near to everything: at least half of the letters have to be right.
    if (changes >= fewest || changes * 2 > verb.size()) continue;
    fewest = changes;
    nearest = verb;
  }
  return nearest && !exists(word) ? nearest : std::nullopt;
}

}  // namespace vmstate::app
