// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "parsers/inspect/ram_comparison.hpp"
#include "parsers/inspect/state_comparison.hpp"
#include "tools/app/inspection.hpp"

namespace vmstate::app {

/// One of the two files of a comparison, read as often as it takes.
class ComparedFile {
 public:
  /// `side`: "left" or "right".
  ComparedFile(std::string path, std::string side, const CommonOptions& options, const Io& io)
      : path_(std::move(path)), side_(std::move(side)), options_(options), io_(io) {}

  /// The first pass, which also judges the file: what keeps it from being compared as a whole becomes a doubt.
  [[nodiscard]] Result<void> read_first(EventSink& state, RamDigest& ram, Comparison& out);
  /// A further pass.
  [[nodiscard]] Result<void> read_again(EventSink& sink);
  /// Whether the file can be read more than once.
  bool repeatable() const { return repeatable_; }
  const std::string& side() const { return side_; }
  RamAbsence absence() const { return absence_; }

 private:
  void judge(const Inspection& inspection, bool lost, Comparison& out);

  std::string path_;
  std::string side_;
  const CommonOptions& options_;
  const Io& io_;
  RamAbsence absence_;
  bool repeatable_ = false;
  unsigned passes_ = 0;
};

/// Compares two files: devices in the first pass, memory in as many as it takes.
class StatePair {
 public:
  StatePair(const std::string& left, const std::string& right, const CommonOptions& options, const Io& io);
  [[nodiscard]] Result<Comparison> compare();

 private:
  [[nodiscard]] Result<void> compare_memory(std::unique_ptr<RamDigest> left, std::unique_ptr<RamDigest> right);
  [[nodiscard]] Result<bool> resolve(ComparedFile& file, RamDigest& digest, const RamDigest& other);
  [[nodiscard]] Result<std::unique_ptr<RamDigest>> read_window(ComparedFile& file, std::uint64_t first);
  std::unique_ptr<RamDigest> window_at(std::uint64_t first);

  const CommonOptions& options_;
  ComparedFile left_;
  ComparedFile right_;
  Comparison out_;
  PageNumbers numbers_;
};

}  // namespace vmstate::app
