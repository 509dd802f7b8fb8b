// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "formats/base/coverage.hpp"
#include "tools/app/inspection.hpp"

namespace vmstate::test {

/// A file without a name that holds `content`, for tools that take paths.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes content) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    while (descriptor_ >= 0 && !content.empty()) {
      const auto written = ::write(descriptor_, content.data(), content.size());
      if (written <= 0) throw std::runtime_error("a memory file does not take its content");
      content = content.subspan(static_cast<std::size_t>(written));
    }
    if (descriptor_ < 0) throw std::runtime_error("no memory file");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

struct SectionSeen {
  SectionHeader header;
  ByteRange body;
  std::optional<ByteRange> footer;
  Boundary boundary{};
  std::string label;  ///< name and instance
  Offset begin() const { return header.range.offset; }
  Offset end() const { return footer ? footer->end() : body.end(); }
  bool full() const { return header.type == SectionType::full; }
};

/// One leaf of device state. Arrays appear element by element.
struct FieldSeen {
  Field::Kind kind{};
  std::vector<std::uint8_t> bytes;
  /// The bytes as one big-endian number, as far as they fit.
  std::uint64_t number() const {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8 | byte;
    return value;
  }
};

struct DeviceSeen {
  std::string label;
  std::string decoded_by;
  ByteRange range;
  bool gap = false;                         ///< some bytes were not described
  std::map<std::string, FieldSeen> fields;  ///< by path, where asked for
  std::vector<ByteRange> leaves;            ///< where asked for
};

struct BlockSeen {
  std::string name;
  std::uint64_t size = 0;
  RamSummary::Pages pages;
};

/// Everything tests ask of one inspected file.
struct Inspected {
  bool recognised = false;
  int status = 0;
  std::optional<std::string> fault;
  app::StreamSummary stream;
  std::optional<std::string> run_state;
  std::vector<Layer> layers;
  std::vector<Finding> findings;
  std::vector<SectionSeen> sections;
  std::vector<DeviceSeen> devices;
  std::vector<BlockSeen> blocks;
  std::uint64_t page_size = 0;
  std::optional<Offset> end_byte;
  std::optional<ByteRange> description;
  std::uint64_t accounted = 0;   ///< bytes with a label
  std::uint64_t lost_bytes = 0;  ///< of these, bytes that belong to nothing
  bool tiles = true;

  const DeviceSeen* device(std::string_view label) const {
    const auto it = std::ranges::find(devices, label, &DeviceSeen::label);
    return it == devices.end() ? nullptr : &*it;
  }
  bool has(Code code) const { return std::ranges::find(findings, code, &Finding::code) != findings.end(); }
  /// Findings but the notes on what some loaders make of a sound file.
  std::vector<Finding> about_the_file() const {
    std::vector<Finding> kept;
    std::ranges::copy_if(findings, std::back_inserter(kept), [](const Finding& finding) {
      return static_cast<unsigned>(finding.code) / 10 != 62 || finding.severity != Severity::note;
    });
    return kept;
  }
  /// One line a finding, for messages of failed tests.
  std::string findings_text() const { return text_of(findings); }
  static std::string text_of(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings)
      text += "  " + code_text(finding.code) + " " + std::string(to_string(finding.severity)) + " " +
              std::to_string(finding.range.offset) + "+" + std::to_string(finding.range.size) + " [" + finding.section +
              "] " + finding.message + "\n";
    return text.empty() ? "  no findings\n" : text;
  }
};

/// Writes down what passes of a stream.
class Watcher final : public EventSink {
 public:
  Watcher(Inspected& seen, bool fields) : seen_(seen), fields_(fields) {}

  void on(const DeviceState& e) override {
    DeviceSeen& device = seen_.devices.emplace_back();
    device.label = section_label(e.header);
    device.decoded_by = e.tree.decoded_by;
    device.range = e.range;
    walk_fields(e.tree, [&](const std::string& path, const Field& field) {
      if (field.kind == Field::Kind::structure || field.kind == Field::Kind::subsection) return;
      device.gap = device.gap || field.kind == Field::Kind::gap;
      if (fields_) add_leaf(device, path, field, bytes_of(e, field));
    });
  }
  void on(const SectionEnd& e) override {
    seen_.sections.push_back({e.header, e.body, e.footer, e.boundary, section_label(e.header)});
  }
  void on(const EndOfStream& e) override {
    if (!e.premature) seen_.end_byte = e.range.offset;
  }
  void on(const Description& e) override { seen_.description = e.range; }

 private:
  static void add_leaf(DeviceSeen& device, const std::string& path, const Field& field, Bytes bytes) {
    device.leaves.push_back(field.range);
    if (field.count <= 1) {
      device.fields[path] = {field.kind, {bytes.begin(), bytes.end()}};
      return;
    }
    const std::string name = field.index ? path.substr(0, path.rfind('[')) : path;
    const std::size_t size = bytes.size() / field.count;
    for (std::uint32_t i = 0; i < field.count; ++i) {
      const Bytes element = bytes.subspan(i * size, size);
      device.fields[name + "[" + std::to_string(field.index.value_or(0) + i) + "]"] = {
          field.kind, {element.begin(), element.end()}};
    }
  }

  Inspected& seen_;
  bool fields_;
};

struct InspectOptions {
  bool fields = false;        ///< keep the leaves of device state
  EventSink* more = nullptr;  ///< sees the events as well
};

/// Inspects a file as the tools do.
inline Inspected inspect(const std::string& path, InspectOptions options = {}) {
  const app::CommonOptions common;
  app::Io io;
  io.out = io.err = [](std::string_view) {};
  app::Inspection inspection(path, common, io);
  Inspected seen;
  if (auto opened = inspection.open(); !opened) {
    seen.fault = opened.error().message;
    return seen;
  }
  Watcher watcher(seen, options.fields);
  Coverage coverage([&](const CoverageRun& run) {
    seen.accounted += run.range.size;
    if (run.lost) seen.lost_bytes += run.range.size;
  });
  EventSink nothing;
  Tee tee({&watcher, &coverage, options.more != nullptr ? options.more : &nothing});
  if (auto done = inspection.run(tee); !done) seen.fault = done.error().message;
  seen.recognised = inspection.recognised();
  seen.status = inspection.status();
  seen.stream = inspection.stream();
  seen.run_state = inspection.machine().run_state();
  seen.layers = inspection.layers();
  seen.findings = inspection.findings().all();
  for (const RamSummary::Block& block : inspection.ram().blocks())
    seen.blocks.push_back({block.block.name, block.block.size, block.pages()});
  seen.page_size = inspection.ram().page_size();
  seen.tiles = coverage.tiles();
  return seen;
}

inline Inspected inspect(Bytes content, InspectOptions options = {}) {
  const MemoryFile file(content);
  return inspect(file.path(), options);
}

}  // namespace vmstate::test
