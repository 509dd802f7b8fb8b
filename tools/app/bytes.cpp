// SPDX-License-Identifier: Apache-2.0
#include <map>

#include <fmt/format.h>

#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

// Totals by label, runs kept apart only where bytes are lost: the answer fits a screen for any size.
class Totals {
 public:
  struct Total {
    std::uint64_t bytes = 0;
    std::uint64_t runs = 0;
    bool lost = false;
  };
  void add(const CoverageRun& run) {
    Total& total = totals_[std::string(run.label)];
    total.bytes += run.range.size;
    ++total.runs;
    total.lost = run.lost;
    covered_ += run.range.size;
    if (!run.lost) claimed_ += run.range.size;
  }
  const std::map<std::string, Total>& all() const { return totals_; }
  std::uint64_t covered() const { return covered_; }
  std::uint64_t claimed() const { return claimed_; }

 private:
  std::map<std::string, Total> totals_;
  std::uint64_t covered_ = 0;
  std::uint64_t claimed_ = 0;
};

// Everything that one byte of the stream is.
class ByteAnswer final : public EventSink {
 public:
  explicit ByteAnswer(Offset at) : at_(at) {}
  struct Fact {
    std::string key;
    std::string value;
  };
  const std::vector<Fact>& facts() const { return facts_; }

  void on(const StreamBegin& e) override { simple(e.range, "stream header"); }
  void on(const Configuration& e) override {
    if (simple(e.range, "configuration")) tree(*e.tree, [&](const Field& field) {
      return e.bytes.subspan(static_cast<std::size_t>(field.range.offset - e.range.offset), static_cast<std::size_t>(field.range.size));
    });
  }
  void on(const Command& e) override {
    if (simple(e.range, "command")) add("command", e.name);
  }
  void on(const SectionBegin& e) override {
    section_ = section_label(e.header);
    if (simple(e.header.range, "section header")) add("section", section_);
  }
  void on(const RamBlocks& e) override {
    for (const RamBlock& block : e.blocks.subspan(std::min(blocks_.size(), e.blocks.size()))) blocks_.push_back(block);
  }
  void on(const RamBlockEntry& e) override {
    if (!simple(e.range, "RAM block list")) return;
    add("section", section_);
    if (e.block && *e.block < blocks_.size()) add("block", blocks_[*e.block].name);
  }
  void on(const RamMappedBitmap& e) override {
    if (!simple(e.range, "RAM page bitmap")) return;
    if (e.block < blocks_.size()) add("block", blocks_[e.block].name);
    add("pages", fmt::format("{} to {}", e.first_page + (at_ - e.range.offset) * 8, e.first_page + (at_ - e.range.offset) * 8 + 7));
  }
  void on(const RamMappedPages& e) override {
    if (simple(e.padding, "padding") || !simple(e.pages, "mapped RAM pages")) return;
    if (e.block >= blocks_.size()) return;
    add("block", blocks_[e.block].name);
    add("block offset", offset_text(at_ - e.pages.offset));
  }
  void on(const RamPages& e) override {
    if (!e.range.contains(at_)) return;
    for (const RamPage& page : e.pages) {
      const ByteRange record{page.at, std::uint64_t{page.header_size} + page.payload_size};
      if (!record.contains(at_)) continue;
      add("label", "RAM pages");
      add("section", section_);
      add("record", fmt::format("{} at {}", to_string(page.kind), offset_text(page.at)));
      if (page.kind == RamKind::eos || page.kind == RamKind::flush || page.kind == RamKind::hook) return;
      if (page.block < blocks_.size()) add("block", blocks_[page.block].name);
      add("page", offset_text(page.offset));
      const std::uint64_t inside = at_ - page.at;
      if (inside < page.header_size)
        add("part", "word and block name");
      else if (page.kind == RamKind::data)
        add("block offset", offset_text(page.offset + inside - page.header_size));
      else
        add("part", "payload");
      return;
    }
  }
  void on(const Payload& e) override {
    if (simple(e.range, e.label)) add("section", section_);
  }
  void on(const DeviceState& e) override {
    if (!simple(e.range, "device state")) return;
    add("section", section_);
    add("body offset", offset_text(at_ - e.range.offset));
    tree(e.tree, [&](const Field& field) { return bytes_of(e, field); });
  }
  void on(const BodyItem& e) override {
    if (!simple(e.range, e.kind)) return;
    add("section", section_);
    add("content", e.text);
  }
  void on(const SectionEnd& e) override {
    if (e.footer && simple(*e.footer, "section footer")) add("section", section_);
  }
  void on(const EndOfStream& e) override { simple(e.range, "end of stream"); }
  void on(const Description& e) override { simple(e.range, "description"); }
  void on(const Gap& e) override {
    if (simple(e.range, e.kind == Gap::Kind::trailing ? "trailing bytes" : e.kind == Gap::Kind::padding ? "padding" : "lost"))
      add("reason", e.reason);
  }

 private:
  bool simple(ByteRange range, std::string_view label) {
    if (!range.contains(at_)) return false;
    add("label", label);
    add("range", fmt::format("{} + {}", offset_text(range.offset), range.size));
    return true;
  }
  void add(std::string key, std::string_view value) { facts_.push_back({std::move(key), std::string(value)}); }

  template <class BytesOf>
  void tree(const FieldTree& fields, BytesOf&& bytes) {
    const Field* deepest = nullptr;
    std::string path;
    walk_fields(fields, [&](const std::string& here, const Field& field) {
      if (!field.range.contains(at_)) return;
      deepest = &field;
      path = here;
    });
    if (deepest == nullptr) return;
    if (deepest->count > 1) {
      const std::uint64_t element = (at_ - deepest->range.offset) / (deepest->range.size / deepest->count);
      path = fmt::format("{}[{}]", path.substr(0, path.rfind('[')), deepest->index.value_or(0) + element);
    }
    add("field", path);
    add("field type", deepest->type);
    add("field range", fmt::format("{} + {}", offset_text(deepest->range.offset), deepest->range.size));
    if (deepest->kind != Field::Kind::structure && deepest->kind != Field::Kind::subsection)
      add("value", value_text(*deepest, bytes(*deepest)));
  }

  Offset at_;
  std::string section_;
  std::vector<RamBlock> blocks_;
  std::vector<Fact> facts_;
};

void write_run(JsonWriter& json, const CoverageRun& run, std::optional<Offset> file_offset) {
  json.begin_object();
  json.member("offset", run.range.offset);
  json.member("size", run.range.size);
  if (file_offset) json.member("file_offset", *file_offset);
  json.member("label", run.label);
  if (!run.section.empty()) json.member("section", run.section);
  if (run.lost) json.member("lost", true);
  json.end_object();
}

Result<void> bytes_json(Inspection& inspection, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  json.key("bytes");
  json.begin_array();
  Totals totals;
  Coverage coverage([&](const CoverageRun& run) {
    totals.add(run);
    write_run(json, run, inspection.file_offset(run.range.offset));
  });
  auto done = inspection.run(coverage);
  json.end_array();
  json.key("coverage");
  json.begin_object();
  json.member("accounted", totals.covered());
  json.member("explained", totals.claimed());
  json.member("tiles", coverage.tiles());
  json.end_object();
  json.key("layer_bytes");
  json.begin_array();
  for (const Layer& layer : inspection.layers())
    for (const LayerPart& part : layer.parts) {
      json.begin_object();
      json.member("layer", layer.kind);
      json.member("offset", part.range.offset);
      json.member("size", part.range.size);
      json.member("label", part.label);
      json.end_object();
    }
  json.end_array();
  write_file(json, inspection);
  write_stream(json, inspection);
  write_findings(json, inspection.findings());
  json.end_object();
  return done;
}

Result<void> bytes_at(Inspection& inspection, const DumpOptions& options, const Io& io) {
  ByteAnswer answer(*options.at);
  if (auto done = inspection.run(answer); !done) return done;
  const auto file_offset = inspection.file_offset(*options.at);
  if (options.json) {
    JsonWriter json(io.out);
    json.begin_object();
    write_schema(json);
    json.key("byte");
    json.begin_object();
    json.member("offset", *options.at);
    if (file_offset) json.member("file_offset", *file_offset);
    for (const auto& [key, value] : answer.facts()) {
      std::string name = key;
      for (char& c : name)
        if (c == ' ') c = '_';
      json.member(name, value);
    }
    json.end_object();
    json.end_object();
    return {};
  }
  Text text(io, options.color);
  text.line(fmt::format("{:<14} {} ({})", "offset", offset_text(*options.at), *options.at));
  if (file_offset) text.line(fmt::format("{:<14} {} ({})", "file offset", offset_text(*file_offset), *file_offset));
  for (const auto& [key, value] : answer.facts()) text.line(fmt::format("{:<14} {}", key, printable(value)));
  if (answer.facts().empty()) text.line("the stream has no such byte");
  return {};
}

}  // namespace

Result<void> bytes(Inspection& inspection, const DumpOptions& options, const Io& io) {
  if (options.at) return bytes_at(inspection, options, io);
  if (options.json) return bytes_json(inspection, io);
  Totals totals;
  std::vector<std::pair<ByteRange, std::string>> lost;
  constexpr std::size_t most_listed = 100;
  Coverage coverage([&](const CoverageRun& run) {
    totals.add(run);
    if (run.lost && lost.size() < most_listed) lost.emplace_back(run.range, std::string(run.section));
  });
  if (auto done = inspection.run(coverage); !done) return done;
  Text text(io, options.color);
  text.line(text.styled(fmt::format("{:<26} {:>16} {:>8} {:>10}", "what", "bytes", "share", "runs"), Text::Style::bold));
  for (const Layer& layer : inspection.layers())
    for (const LayerPart& part : layer.parts)
      text.line(fmt::format("{:<26} {:>16} {:>8} {:>10}  {} layer", part.label, part.range.size, "", 1, layer.kind));
  const double all = static_cast<double>(std::max<std::uint64_t>(totals.covered(), 1));
  for (const auto& [label, total] : totals.all())
    text.line(fmt::format("{:<26} {:>16} {:>7.2f}% {:>10}", label, total.bytes, 100.0 * static_cast<double>(total.bytes) / all, total.runs));
  text.line(fmt::format("{:<26} {:>16} {:>7.2f}%  explained: {} bytes", "stream", totals.covered(), 100.0, totals.claimed()));
  for (const auto& [range, section] : lost)
    text.line(fmt::format("  not explained: {} + {}{}", offset_text(range.offset), range.size,
                          section.empty() ? "" : " in " + printable(section)));
  if (!inspection.findings().all().empty()) write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
