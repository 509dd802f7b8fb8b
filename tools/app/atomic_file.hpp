// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "formats/base/bytes.hpp"
#include "formats/base/result.hpp"

namespace vmstate::app {

/// An output that is complete or absent: written beside its final name, synced, then renamed. Without commit() nothing
/// stays. An existing file of the name is refused unless `replace`.
class AtomicFile {
 public:
  [[nodiscard]] static Result<AtomicFile> create(const std::string& path, bool replace);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  [[nodiscard]] Result<void> write(Bytes bytes);
  [[nodiscard]] Result<void> commit();
  const std::string& path() const { return path_; }

 private:
  AtomicFile() = default;
  std::string path_;
  std::string temporary_;
  bool replace_ = false;
  int descriptor_ = -1;
};

}  // namespace vmstate::app
