// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

namespace vmstate::test {

inline ByteVector read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Regular files below corpus/<folder>, by path below it, in order.
inline std::map<std::string, std::filesystem::path> corpus_files(const std::string& folder) {
  const std::filesystem::path root = std::filesystem::path(VMSTATE_TEST_CORPUS) / folder;
  std::map<std::string, std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.is_regular_file()) files[std::filesystem::relative(entry.path(), root).string()] = entry.path();
  return files;
}

}  // namespace vmstate::test
