// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

namespace vmstate::test {

inline ByteVector read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// One real state file and what its manifest says of it.
struct RealFile {
  std::string name;  ///< "described/avr-uno.migr"
  boost::json::object entry;

  std::string path() const { return std::string(VMSTATE_TEST_STREAMS) + "/" + name; }
  std::string group() const { return name.substr(0, name.find('/')); }
  std::uint64_t size() const { return entry.at("size").to_number<std::uint64_t>(); }
  ByteVector bytes() const { return read_file(path()); }

  const boost::json::value* find(std::string_view key) const { return entry.if_contains(key); }
  /// What the monitor said, under whichever of its names the manifest has it.
  std::string truth(std::initializer_list<std::string_view> keys) const {
    const auto* all = find("truth");
    if (all == nullptr || !all->is_object()) return {};
    for (const auto key : keys)
      if (const auto* text = all->as_object().if_contains(key); text != nullptr && text->is_string())
        return std::string(text->as_string());
    return {};
  }
  bool has_capability(std::string_view name_of_capability) const {
    for (const std::string_view key : {"caps", "capabilities"})
      if (const auto* list = find(key); list != nullptr && list->is_array())
        for (const auto& one : list->as_array())
          if (one.as_string() == name_of_capability) return true;
    return false;
  }
  /// Version of the bare stream in the file, 0 where it is none.
  int stream_version() const {
    const auto* stream = find("stream");
    return stream == nullptr || !stream->is_object() ? 0 : stream->at("version").to_number<int>();
  }
  bool described() const { return stream_version() == 3 && find("stream")->at("description").as_bool(); }
};

/// All files of the manifest; empty where the real state files are not unpacked.
inline const std::vector<RealFile>& real_files() {
  static const std::vector<RealFile> files = [] {
    std::vector<RealFile> all;
    const std::string manifest = std::string(VMSTATE_TEST_STREAMS) + "/MANIFEST.json";
    if (!std::filesystem::exists(manifest)) return all;
    const ByteVector text = read_file(manifest);
    const auto parsed = boost::json::parse(std::string(text.begin(), text.end()));
    for (const auto& entry : parsed.as_array())
      all.push_back({std::string(entry.at("path").as_string()), entry.as_object()});
    return all;
  }();
  return files;
}

inline const RealFile& real_file(std::string_view name) {
  for (const RealFile& file : real_files())
    if (file.name == name) return file;
  throw std::runtime_error("the manifest has no " + std::string(name));
}

/// Whole version-3 streams with their own description, other than damaged ones.
inline std::vector<RealFile> described_files() {
  std::vector<RealFile> some;
  for (const RealFile& file : real_files())
    if (file.described() && file.group() != "damaged") some.push_back(file);
  return some;
}

/// Tests that need the real state files.
class RealStreams : public testing::Test {
 protected:
  void SetUp() override {
    if (!real_files().empty()) return;
    std::cerr << "SKIPPED: there are no real state files in " << VMSTATE_TEST_STREAMS
              << " (set VMSTATE_STREAMS, run ctest)\n";
    GTEST_SKIP();
  }
};

}  // namespace vmstate::test
