// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "tools/app/glob.hpp"
#include "tools/app/json_parts.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

bool wanted_device(const DumpOptions& options, const SectionHeader& header) {
  return matches_any(options.devices, header.name) || matches_any(options.devices, section_label(header)) ||
         (header.instance == 0 && matches_any(options.devices, header.name + "#0"));
}

// Path of one element of an array that is one node; `path` is that of the node.
std::string element_path(const Field& field, const std::string& path, std::uint32_t element) {
  return fmt::format("{}[{}]", path.substr(0, path.rfind('[')), field.index.value_or(0) + element);
}

// Writes `devices` of the JSON document as they pass.
class JsonState final : public EventSink {
 public:
  JsonState(JsonWriter& json, const Inspection& inspection, const DumpOptions& options)
      : json_(json), inspection_(inspection), options_(options) {}
  bool shown() const { return shown_; }

  void on(const DeviceState& e) override {
    if (!wanted_device(options_, e.header)) return;
    if (!holds_selected(e.tree)) return;
    shown_ = true;
    json_.begin_object();
    json_.member("name", e.header.name);
    json_.member("instance", e.header.instance);
    json_.member("version", e.header.version);
    place(e.range);
    json_.member("decoded_by", e.tree.decoded_by);
    list("fields", e.tree.fields, e, {});
    list("subsections", e.tree.subsections, e, {});
    json_.end_object();
  }

 private:
  void place(ByteRange range) {
    json_.member("offset", range.offset);
    json_.member("size", range.size);
    if (const auto at = inspection_.file_offset(range.offset)) json_.member("file_offset", *at);
  }

  void list(std::string_view key, const std::vector<Field>& fields, const DeviceState& e, const std::string& path) {
    json_.key(key);
    json_.begin_array();
    for (const Field& field : fields) {
      const bool part = field.kind == Field::Kind::subsection;
      const std::string here = path.empty() ? field_label(field) : path + (part ? "/" : ".") + field_label(field);
      part ? subsection(field, e, here) : any_field(field, e, here);
    }
    json_.end_array();
  }

  void subsection(const Field& field, const DeviceState& e, const std::string& path) {
    if (!selected(field, path)) return;
    json_.begin_object();
    json_.member("name", field.name);
    json_.member("version", field.version);
    place(field.range);
    list("fields", field.fields, e, path);
    list("subsections", field.subsections, e, path);
    json_.end_object();
  }

  void any_field(const Field& field, const DeviceState& e, const std::string& path) {
    if (!selected(field, path)) return;
    if (field.kind == Field::Kind::structure) return structure(field, e, path);
    const Bytes bytes = bytes_of(e, field);
    if (field.count == 1) return leaf(field, bytes, field.index, field.range, 0);
    const std::uint64_t size = field.range.size / field.count;
    for (std::uint32_t i = 0; i < field.count; ++i)
      if (matches_any(options_.fields, element_path(field, path, i)))
        leaf(field, bytes, field.index.value_or(0) + i, {field.range.offset + i * size, size}, i);
  }

  void structure(const Field& field, const DeviceState& e, const std::string& path) {
    json_.begin_object();
    json_.member("name", field.name);
    if (field.index) json_.member("index", *field.index);
    json_.member("type", field.type);
    if (!field.description.empty()) {
      json_.member("vmsd_name", field.description);
      json_.member("version", field.version);
    }
    place(field.range);
    list("fields", field.fields, e, path);
    if (!field.subsections.empty()) list("subsections", field.subsections, e, path);
    json_.end_object();
  }

  void leaf(const Field& field, Bytes bytes, std::optional<std::uint32_t> index, ByteRange range, std::uint32_t element) {
    json_.begin_object();
    json_.member("name", field.name);
    if (index) json_.member("index", *index);
    json_.member("type", field.type);
    place(range);
    json_.key("value");
    write_value(json_, field_value(field, bytes, element));
    if (field.kind == Field::Kind::opaque)
      if (const auto text = padded_text(bytes); text.size() >= 3) json_.member("text", text);
    json_.end_object();
  }

  bool holds_selected(const FieldTree& tree) const {
    const auto wanted = [&](const Field& field) { return selected(field, field_label(field)); };
    return options_.fields.empty() || std::ranges::any_of(tree.fields, wanted) || std::ranges::any_of(tree.subsections, wanted);
  }

  // With --field a node is shown when it matches or holds something that does.
  bool selected(const Field& field, const std::string& path) const {
    if (options_.fields.empty() || matches_any(options_.fields, path)) return true;
    for (std::uint32_t i = 0; field.count > 1 && i < field.count; ++i)
      if (matches_any(options_.fields, element_path(field, path, i))) return true;
    for (const auto* list : {&field.fields, &field.subsections})
      for (const Field& inner : *list)
        if (selected(inner, path + (inner.kind == Field::Kind::subsection ? "/" : ".") + field_label(inner))) return true;
    return false;
  }

  JsonWriter& json_;
  const Inspection& inspection_;
  const DumpOptions& options_;
  bool shown_ = false;
};

class TextState final : public EventSink {
 public:
  TextState(Text& text, const DumpOptions& options) : text_(text), options_(options) {}
  bool shown() const { return shown_; }

  void on(const DeviceState& e) override {
    if (!wanted_device(options_, e.header)) return;
    if (!options_.fields.empty()) return flat(e);
    shown_ = true;
    text_.line(fmt::format("{}  version {}, {} bytes at {}{}", text_.styled(printable(section_label(e.header)), Text::Style::bold),
                           e.header.version, e.range.size, offset_text(e.range.offset),
                           e.tree.decoded_by == "opaque" ? ", not described" : ""));
    list(e.tree.fields, e, 1);
    list(e.tree.subsections, e, 1);
  }

 private:
  void list(const std::vector<Field>& fields, const DeviceState& e, std::size_t depth) {
    for (const Field& field : fields) {
      const std::string indent(depth * 2, ' ');
      const bool nested = field.kind == Field::Kind::structure || field.kind == Field::Kind::subsection;
      if (nested) {
        const std::string version = field.description.empty() ? "" : fmt::format("{} v{}", printable(field.description), field.version);
        text_.line(fmt::format("{}{}  {}", indent, label(field),
                               text_.styled(field.kind == Field::Kind::subsection ? fmt::format("subsection v{}", field.version) : version,
                                            Text::Style::dim)));
        list(field.fields, e, depth + 1);
        list(field.subsections, e, depth + 1);
        continue;
      }
      const std::size_t width = indent.size() < 34 ? 34 - indent.size() : 1;
      const std::string name = fmt::format("{}{:<{}} {:<14} ", indent, label(field), width, printable(field.type));
      const std::string value = value_text(field, bytes_of(e, field));
      text_.line(name + (field.count > 1 ? wrapped(value, name.size()) : value));
    }
  }

  // "env.segs[3]", arrays kept as one line "env.regs[0..15]".
  static std::string label(const Field& field) {
    if (field.count > 1)
      return printable(fmt::format("{}[{}..{}]", field.name, field.index.value_or(0), field.index.value_or(0) + field.count - 1));
    return printable(field_label(field));
  }

  // One line a matching leaf: device, path, value.
  void flat(const DeviceState& e) {
    walk_fields(e.tree, [&](const std::string& path, const Field& field) {
      if (field.kind == Field::Kind::structure || field.kind == Field::Kind::subsection) return;
      const Bytes bytes = bytes_of(e, field);
      if (field.count == 1) {
        if (matches_any(options_.fields, path)) line(e, path, value_text(field, bytes));
        return;
      }
      for (std::uint32_t i = 0; i < field.count; ++i) {
        const std::string element = element_path(field, path, i);
        if (!matches_any(options_.fields, element)) continue;
        Field one = field;
        one.count = 1;
        const std::size_t size = bytes.size() / field.count;
        line(e, element, value_text(one, bytes.subspan(i * size, size)));
      }
    });
  }

  void line(const DeviceState& e, const std::string& path, const std::string& value) {
    shown_ = true;
    text_.line(fmt::format("{} {} = {}", printable(section_label(e.header)), printable(path), value));
  }

  Text& text_;
  const DumpOptions& options_;
  bool shown_ = false;
};

// An empty answer to a pattern is said, not left to guessing.
Result<void> unless_nothing_matched(bool shown, const Inspection& inspection, const DumpOptions& options) {
  if (shown || !inspection.has_stream() || (options.devices.empty() && options.fields.empty())) return {};
  if (options.fields.empty()) return refused("no device matches; the verb sections lists their names");
  return refused("no field of such a device matches; state without --field shows their names, inside structures they are joined by dots");
}

Result<void> state_json(Inspection& inspection, const DumpOptions& options, const Io& io) {
  JsonWriter json(io.out);
  json.begin_object();
  write_schema(json);
  json.key("devices");
  json.begin_array();
  JsonState sink(json, inspection, options);
  auto done = inspection.run(sink);
  json.end_array();
  write_file(json, inspection);
  write_stream(json, inspection);
  write_findings(json, inspection.findings());
  json.end_object();
  if (done) return unless_nothing_matched(sink.shown(), inspection, options);
  return done;
}

}  // namespace

Result<void> state(Inspection& inspection, const DumpOptions& options, const Io& io) {
  if (options.json) return state_json(inspection, options, io);
  Text text(io, options.color);
  TextState sink(text, options);
  if (auto done = inspection.run(sink); !done) return done;
  if (!inspection.findings().all().empty() && options.fields.empty()) write_findings_block(text, inspection);
  return unless_nothing_matched(sink.shown(), inspection, options);
}

}  // namespace vmstate::app
