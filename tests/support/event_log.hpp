// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "formats/base/events.hpp"

namespace vmstate::test {

/// Writes every event down as one line, "kind offset+size text", and keeps the bytes the events claim.
class EventLog final : public EventSink {
 public:
  /// `start`: where the first claim is expected.
  explicit EventLog(Offset start = 0) : next_(start) {}

  const std::vector<std::string>& lines() const { return lines_; }
  /// All lines as one text, for EXPECT_EQ with a readable difference.
  std::string text() const {
    std::string all;
    for (const auto& line : lines_) all += line + "\n";
    return all;
  }
  /// Claimed bytes in order, as far as events carry them.
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  /// End of the last claim.
  Offset end() const { return next_; }
  /// Claims with a hole or an overlap in front of them, or with other bytes than their range.
  const std::vector<std::string>& faults() const { return faults_; }

  void on(const StreamBegin& e) override { log("stream-begin", e.range, e.bytes, e.format, e.version); }
  void on(const Configuration& e) override { log("configuration", e.range, e.bytes, e.machine); }
  void on(const Command& e) override { log("command", e.range, e.bytes, e.name); }
  void on(const PackageEnd& e) override { note("package-end", e.offset); }
  void on(const SectionBegin& e) override {
    log("section-begin", e.header.range, e.bytes, to_string(e.header.type), section_label(e.header));
  }
  void on(const RamBlocks& e) override { note("ram-blocks", e.blocks.size()); }
  void on(const RamBlockEntry& e) override { log("ram-block-entry", e.range, e.bytes); }
  void on(const RamMappedBitmap& e) override { log("ram-bitmap", e.range, e.bytes); }
  void on(const RamMappedPages& e) override {
    claim("ram-padding", e.padding, {}, "");
    claim("ram-mapped", e.pages, {}, "");
  }
  void on(const RamPages& e) override { log("ram-pages", e.range, e.bytes, e.pages.size()); }
  void on(const Payload& e) override { log("payload", e.range, e.bytes, e.label); }
  void on(const DeviceState& e) override { log("device-state", e.range, e.bytes, e.header.name); }
  void on(const BodyItem& e) override {
    if (e.text.empty()) {
      log("item", e.range, e.bytes, e.kind);
    } else {
      log("item", e.range, e.bytes, std::string(e.kind) + ": " + e.text);
    }
  }
  void on(const SectionEnd& e) override {
    if (e.footer) {
      log("section-end", *e.footer, e.footer_bytes, to_string(e.boundary), section_label(e.header));
    } else {
      note("section-end", section_label(e.header));
    }
  }
  void on(const EndOfStream& e) override { claim("end-of-stream", e.range, {}, e.premature ? " premature" : ""); }
  void on(const DescriptionKnown& e) override { note("description-known", e.devices.size()); }
  void on(const Description& e) override { log("description", e.range, e.bytes); }
  void on(const Gap& e) override { claim("gap", e.range, {}, " " + std::string(e.reason)); }
  void on(const StreamEnd& e) override { note("stream-end", to_string(e.kind)); }

 private:
  template <class... Words>
  static std::string joined(const Words&... words) {
    std::ostringstream text;
    ((text << ' ' << words), ...);
    return text.str();
  }
  template <class... Words>
  void note(std::string_view kind, const Words&... words) {
    lines_.push_back(std::string(kind) + joined(words...));
  }
  template <class... Words>
  void log(std::string_view kind, ByteRange range, Bytes bytes, const Words&... words) {
    if (bytes.size() != range.size) fault(kind, range, "carries other bytes than its range");
    claim(kind, range, bytes, joined(words...));
  }
  void claim(std::string_view kind, ByteRange range, Bytes bytes, const std::string& words) {
    if (range.offset != next_) fault(kind, range, "does not begin at " + std::to_string(next_));
    next_ = range.end();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    lines_.push_back(std::string(kind) + " " + place(range) + words);
  }
  void fault(std::string_view kind, ByteRange range, const std::string& what) {
    faults_.push_back(std::string(kind) + " " + place(range) + " " + what);
  }
  static std::string place(ByteRange range) { return std::to_string(range.offset) + "+" + std::to_string(range.size); }

  Offset next_;
  std::vector<std::string> lines_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::string> faults_;
};

}  // namespace vmstate::test
