// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

// Totals by label, in the order in which the labels come: the answer fits a screen for any size.
class Totals {
 public:
  struct Total {
    std::string label;
    std::uint64_t bytes = 0;
    std::uint64_t runs = 0;
  };
  void add(const CoverageRun& run) {
    const auto [it, first] = index_.try_emplace(std::string(run.label), totals_.size());
    if (first) totals_.push_back({it->first});
    Total& total = totals_[it->second];
    total.bytes += run.range.size;
    ++total.runs;
    covered_ += run.range.size;
    if (!run.lost) claimed_ += run.range.size;
  }
  const std::vector<Total>& all() const { return totals_; }
  std::uint64_t covered() const { return covered_; }
  std::uint64_t claimed() const { return claimed_; }

 private:
  std::vector<Total> totals_;
  std::map<std::string, std::size_t> index_;
  std::uint64_t covered_ = 0;
  std::uint64_t claimed_ = 0;
};

// Everything that one byte of the stream, or of a layer around it, is.
class ByteAnswer final : public EventSink {
 public:
  explicit ByteAnswer(Offset at) : at_(at) {}
  struct Fact {
    std::string key;
    std::string text;
    std::function<void(JsonWriter&)> json;
  };
  const std::vector<Fact>& facts() const { return facts_; }

  /// The byte is a layer's own; `range` counts in the file.
  void set_layer_part(std::string_view layer, std::string_view label, ByteRange range) {
    add("layer", layer);
    add("label", label);
    add_range("range", range);
  }

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
    add_number("first page", e.first_page + (at_ - e.range.offset) * 8);
  }
  void on(const RamMappedPages& e) override {
    if (simple(e.padding, "padding") || !simple(e.pages, "mapped RAM pages")) return;
    if (e.block >= blocks_.size()) return;
    add("block", blocks_[e.block].name);
    add_offset("block offset", at_ - e.pages.offset);
  }
  void on(const RamPages& e) override {
    if (!e.range.contains(at_)) return;
    for (const RamPage& page : e.pages) {
      const ByteRange record{page.at, std::uint64_t{page.header_size} + page.payload_size};
      if (!record.contains(at_)) continue;
      add("label", "RAM pages");
      add("section", section_);
      add("record", to_string(page.kind));
      add_range("range", record);
      if (page.kind == RamKind::eos || page.kind == RamKind::flush || page.kind == RamKind::hook) return;
      if (page.block < blocks_.size()) add("block", blocks_[page.block].name);
      add_offset("page", page.offset);
      const std::uint64_t inside = at_ - page.at;
      if (inside < page.header_size)
        add("part", "word and block name");
      else if (page.kind == RamKind::data)
        add_offset("block offset", page.offset + inside - page.header_size);
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
    add_offset("body offset", at_ - e.range.offset);
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
    add_range("range", range);
    return true;
  }
  void add(std::string key, std::string_view text) {
    facts_.push_back({std::move(key), printable(text), [text = std::string(text)](JsonWriter& json) { json.value(text); }});
  }
  void add_offset(std::string key, Offset at) {
    facts_.push_back({std::move(key), offset_text(at), [at](JsonWriter& json) { json.value(at); }});
  }
  void add_number(std::string key, std::uint64_t number) {
    facts_.push_back({std::move(key), std::to_string(number), [number](JsonWriter& json) { json.value(number); }});
  }
  void add_range(std::string key, ByteRange range) {
    facts_.push_back({std::move(key), fmt::format("{} + {}", offset_text(range.offset), range.size), [range](JsonWriter& json) {
                        json.begin_object();
                        json.member("offset", range.offset);
                        json.member("size", range.size);
                        json.end_object();
                      }});
  }

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
    Field one = *deepest;
    if (deepest->count > 1) {
      const std::uint64_t size = deepest->range.size / deepest->count;
      const std::uint64_t element = (at_ - deepest->range.offset) / size;
      path = fmt::format("{}[{}]", path.substr(0, path.rfind('[')), deepest->index.value_or(0) + element);
      one.count = 1;
      one.range = {deepest->range.offset + element * size, size};
    }
    add("field", path);
    add("field type", one.type);
    add_range("field range", one.range);
    if (one.kind != Field::Kind::structure && one.kind != Field::Kind::subsection) add_value(one, bytes(one));
  }
  void add_value(const Field& field, Bytes bytes) {
    const std::vector<std::uint8_t> own(bytes.begin(), bytes.end());
    facts_.push_back({"value", value_text(field, bytes), [field, own](JsonWriter& json) { write_value(json, field_value(field, own)); }});
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

// The layer whose content does not stand in the file as such, or nothing.
std::string_view decompressing_layer(const Inspection& inspection) {
  std::string_view outermost;
  for (const Origin* origin = inspection.origin().get(); origin != nullptr; origin = origin->outer.get())
    if (origin->outer != nullptr && !origin->shift) outermost = origin->kind;
  return outermost;
}

// Answers for byte `at` of the file if it is one of the layers' own.
void answer_from_layers(const Inspection& inspection, Offset at, ByteAnswer& answer) {
  const std::string_view last = decompressing_layer(inspection);
  for (const Layer& layer : inspection.layers()) {
    for (const LayerPart& part : layer.parts) {
      const ByteRange range{checked_add(layer.offset, part.range.offset).value_or(part.range.offset), part.range.size};
      if (range.contains(at)) return answer.set_layer_part(layer.kind, part.label, range);
    }
    if (layer.kind == last) return;
  }
}

// Where the byte that is asked for stands, as far as it does.
struct Place {
  std::optional<Offset> in_stream;
  std::optional<Offset> in_file;
};
Place asked_place(const Inspection& inspection, const DumpOptions& options) {
  if (options.at) return {*options.at, inspection.file_offset(*options.at)};
  const auto start = inspection.file_offset(0);
  if (!start || *start > *options.file_offset) return {std::nullopt, options.file_offset};
  return {*options.file_offset - *start, options.file_offset};
}

void write_byte_json(const Inspection& inspection, const Place& place, const ByteAnswer& answer, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  write_file(json, inspection);
  json.key("byte");
  json.begin_object();
  if (place.in_stream) json.member("offset", *place.in_stream);
  if (place.in_file) json.member("file_offset", *place.in_file);
  for (const auto& fact : answer.facts()) {
    std::string name = fact.key;
    std::ranges::replace(name, ' ', '_');
    json.key(name);
    fact.json(json);
  }
  json.end_object();
  json.end_object();
}

Result<void> write_byte_text(const Place& place, const ByteAnswer& answer, const DumpOptions& options, const Io& io) {
  if (answer.facts().empty())
    return refused(options.at ? fmt::format("the stream has no byte at {}", offset_text(*options.at))
                              : fmt::format("nothing is known of a byte at {} of the file", offset_text(*options.file_offset)));
  Text text(io, options.color);
  const auto line = [&](std::string_view name, Offset at) { text.line(fmt::format("{:<14} {} ({})", name, offset_text(at), at)); };
  if (place.in_stream) line("offset", *place.in_stream);
  if (place.in_file) line("file offset", *place.in_file);
  for (const auto& fact : answer.facts()) text.line(fmt::format("{:<14} {}", fact.key, fact.text));
  return {};
}

Result<void> one_byte(Inspection& inspection, const DumpOptions& options, const Io& io) {
  Place place = asked_place(inspection, options);
  ByteAnswer answer(place.in_stream.value_or(0));
  EventSink nothing;
  if (auto done = inspection.run(place.in_stream ? static_cast<EventSink&>(answer) : nothing); !done) return done;
  if (answer.facts().empty()) {
    if (options.file_offset) place.in_stream.reset();
    if (options.at) place.in_file.reset();
    if (place.in_file) answer_from_layers(inspection, *place.in_file, answer);
  }
  if (!options.json) return write_byte_text(place, answer, options, io);
  write_byte_json(inspection, place, answer, io);
  return {};
}

// What is shown of the whole file: totals, and where bytes belong to nothing.
struct Account {
  static constexpr std::size_t most_listed = 100;
  Totals totals;
  std::vector<std::pair<ByteRange, std::string>> lost;
  std::uint64_t unlisted = 0;

  void add(const CoverageRun& run) {
    totals.add(run);
    if (!run.lost) return;
    if (lost.size() < most_listed)
      lost.emplace_back(run.range, std::string(run.section));
    else
      ++unlisted;
  }
};

void write_account(Text& text, const Inspection& inspection, const Account& account) {
  const Totals& totals = account.totals;
  text.line(text.styled(fmt::format("{:<26} {:>16} {:>8} {:>10}", "what", "bytes", "share", "runs"), Text::Style::bold));
  for (const Layer& layer : inspection.layers())
    for (const LayerPart& part : layer.parts)
      text.line(fmt::format("{:<26} {:>16} {:>8} {:>10}  {} layer", part.label, part.range.size, "", 1, layer.kind));
  const double all = static_cast<double>(std::max<std::uint64_t>(totals.covered(), 1));
  const auto share = [&](std::uint64_t bytes) { return fmt::format("{:.2f}%", 100.0 * static_cast<double>(bytes) / all); };
  for (const Totals::Total& total : totals.all())
    text.line(fmt::format("{:<26} {:>16} {:>8} {:>10}", total.label, total.bytes, share(total.bytes), total.runs));
  text.line(fmt::format("{:<26} {:>16} {:>8}", "explained of the stream", totals.claimed(), share(totals.claimed())));
  for (const auto& [range, section] : account.lost)
    text.line(fmt::format("  not explained: {} + {}{}", offset_text(range.offset), range.size,
                          section.empty() ? "" : " in " + printable(section)));
  if (account.unlisted > 0) text.line(fmt::format("  … and {} more places", account.unlisted));
}

}  // namespace

Result<void> bytes(Inspection& inspection, const DumpOptions& options, const Io& io) {
  if (options.at || options.file_offset) return one_byte(inspection, options, io);
  if (options.json) return bytes_json(inspection, io);
  Account account;
  Coverage coverage([&](const CoverageRun& run) { account.add(run); });
  if (auto done = inspection.run(coverage); !done) return done;
  Text text(io, options.color);
  if (inspection.has_stream()) write_account(text, inspection, account);
  if (!inspection.findings().all().empty()) write_findings_block(text, inspection);
  return {};
}

}  // namespace vmstate::app
