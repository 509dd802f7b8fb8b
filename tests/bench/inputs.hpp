// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace vmstate::bench {

/// What a generated guest's memory consists of.
struct Guest {
  std::uint64_t pages = 0;
  unsigned zero_percent = 0;  ///< of all pages; the others hold data
};

/// Paths of inputs in the build folder, made where they are missing. All are whole streams with a description.
std::string stream_file(const std::string& name, const Guest& guest);
std::string gzip_file(const std::string& name, const std::string& stream);
std::string zstd_file(const std::string& name, const std::string& stream);

std::uint64_t size_of_file(const std::string& path);

}  // namespace vmstate::bench
