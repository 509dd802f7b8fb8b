// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "formats/base/events.hpp"

namespace vmstate {

/// A run of bytes with one label.
struct CoverageRun {
  ByteRange range;
  std::string_view label;    ///< "RAM pages", "device state", …
  std::string_view section;  ///< section_label() of the section it belongs to, or empty
  bool lost = false;         ///< bytes that belong to nothing
};

/// Says whose every byte of the stream is: neighbouring bytes with one label and one section are one run.
/// Keeps only the current run, so that it works for any size.
class Coverage final : public EventSink {
 public:
  /// `run` is called in stream order, without overlaps or holes as long as tiles() stays true.
  explicit Coverage(std::function<void(const CoverageRun&)> run) : run_(std::move(run)) {}

  void on(const StreamBegin& e) override;
  void on(const Configuration& e) override { claim(e.range, "configuration"); }
  void on(const Command& e) override { claim(e.range, "command"); }
  void on(const SectionBegin& e) override;
  void on(const RamBlockEntry& e) override { claim(e.range, "RAM block list"); }
  void on(const RamMappedBitmap& e) override { claim(e.range, "RAM page bitmap"); }
  void on(const RamMappedPages& e) override;
  void on(const RamPages& e) override { claim(e.range, "RAM pages"); }
  void on(const Payload& e) override { claim(e.range, e.label); }
  void on(const DeviceState& e) override { claim(e.range, "device state"); }
  void on(const BodyItem& e) override { claim(e.range, e.kind); }
  void on(const SectionEnd& e) override;
  void on(const EndOfStream& e) override { claim(e.range, "end of stream"); }
  void on(const Description& e) override { claim(e.range, "description"); }
  void on(const Gap& e) override;
  void on(const StreamEnd&) override { flush(); }

  /// Whether every claim began where the one before ended.
  bool tiles() const { return tiles_; }
  /// End of the last claim.
  Offset end() const { return next_; }

 private:
  void claim(ByteRange range, std::string_view label, bool lost = false);
  void flush();

  std::function<void(const CoverageRun&)> run_;
  ByteRange current_{};
  std::string label_;
  std::string current_section_;
  bool lost_ = false;
  std::string section_;
  Offset next_ = 0;
  bool tiles_ = true;
};

}  // namespace vmstate
