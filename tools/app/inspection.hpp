// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/base/coverage.hpp"
#include "parsers/inspect/ambiguity.hpp"
#include "parsers/inspect/completeness.hpp"
#include "parsers/inspect/machine_summary.hpp"
#include "parsers/inspect/ram_summary.hpp"
#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// What the stream is, known when it ends.
struct StreamSummary {
  std::string format;
  std::uint32_t version = 0;
  std::optional<std::string> machine;
  std::vector<std::string> capabilities;
  std::optional<std::string> uuid;
  std::uint64_t page_size = 0;
  bool configuration = false;
  bool footers = false;
  bool description = false;
  StreamEndKind end = StreamEndKind::unreadable;
  std::uint64_t size = 0;
};

/// One file on its way through layers, parser and passes. Every verb looks at it with a sink of its own.
class Inspection {
 public:
  Inspection(std::string path, const CommonOptions& options, const Io& io);
  ~Inspection();

  /// Opens the file and peels its layers.
  [[nodiscard]] Result<void> open();
  /// Parses the stream, sending its events to the passes and to `sink`, then says how the layers ended and orders the
  /// findings. Without a recognised stream nothing is sent. A Fault: the medium failed, nothing may be trusted.
  [[nodiscard]] Result<void> run(EventSink& sink, ParseOptions parse_options = {});

  const std::string& path() const { return path_; }
  /// What people know the file by; a pipe that was copied to a file is still "-".
  const std::string& name() const { return name_.empty() ? path_ : name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  bool recognised() const { return chain_ != nullptr && chain_->stream() != nullptr; }
  /// After run(): at least the header of a stream was there.
  bool has_stream() const { return !stream_.format.empty(); }
  OpenChain& chain() { return *chain_; }
  const std::vector<Layer>& layers() const { return chain_->layers(); }
  std::optional<std::uint64_t> file_size() const;
  /// Of the innermost content, which is the stream.
  const std::shared_ptr<const Origin>& origin() const { return chain_->origin(); }
  /// Where byte `at` of the stream stands in the file, if it does.
  std::optional<Offset> file_offset(Offset at) const { return chain_->origin()->file_offset(at); }
  const StreamSummary& stream() const { return stream_; }
  const RamSummary& ram() const { return ram_; }
  const MachineSummary& machine() const { return machine_; }
  const Ambiguity& ambiguity() const { return ambiguity_; }
  Findings& findings() { return findings_; }
  const Findings& findings() const { return findings_; }
  /// The exit status that these findings deserve.
  int status() const;

 private:
  class Summary;
  class Progress;
  [[nodiscard]] Result<void> keep_sample();
  void diagnose_transport();

  std::string path_;
  std::string name_;
  const CommonOptions& options_;
  const Io& io_;
  Findings findings_;
  std::unique_ptr<OpenChain> chain_;
  std::vector<std::uint8_t> sample_;  ///< the stream's start, where it cannot be read again
  StreamSummary stream_;
  RamSummary ram_;
  MachineSummary machine_;
  Completeness completeness_;
  Ambiguity ambiguity_;
};

}  // namespace vmstate::app
