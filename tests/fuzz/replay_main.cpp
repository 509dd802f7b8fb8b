// SPDX-License-Identifier: Apache-2.0
// replay FILE_OR_FOLDER…: gives each file to the driver, as a fuzzer would. Folders that do not exist hold nothing.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/driver.hpp"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& place) {
  std::vector<fs::path> files;
  if (fs::is_regular_file(place)) files.push_back(place);
  if (fs::is_directory(place))
    for (const auto& entry : fs::recursive_directory_iterator(place))
      if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  std::printf("%s\n", file.c_str());
  std::fflush(stdout);
  vmstate::fuzz_one(vmstate::as_bytes({bytes.data(), bytes.size()}));
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t replayed = 0;
  for (int i = 1; i < count; ++i)
    for (const fs::path& file : files_below(arguments[i])) {
      replay(file);
      ++replayed;
    }
  std::printf("%zu files replayed\n", replayed);
  return replayed > 0 ? 0 : 1;
}
