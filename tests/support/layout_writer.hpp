// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <random>
#include <string>

#include "formats/base/field.hpp"
#include "formats/layouts/layout.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {

/// Writes a body by a layout, with values that look like marks of the encoding, and notes what stands where. The same seed
/// gives the same values in both encodings. It shares no code with the decoder.
class LayoutWriter {
 public:
  LayoutWriter(std::uint32_t seed, bool sentinels) : random_(seed), sentinels_(sentinels) {}

  void write(const Layout& layout, std::uint32_t version) { body(layout, version, ""); }
  const ByteVector& bytes() const { return bytes_; }
  /// "path offset+size" of every leaf, "path{6} offset" of every sentinel, "path/name offset" of every subsection, in order.
  const std::vector<std::string>& notes() const { return notes_; }
  std::size_t sentinels() const { return sentinels_written_; }

 private:
  using Numbers = std::map<std::string, std::int64_t>;

  unsigned roll(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::uint8_t hostile() {
    constexpr std::uint8_t marks[] = {0x05, 0x06, 0x05, 0x06, 0x00, 0x01, 0x04, 0x7e};
    const unsigned which = roll(12);
    return which < 8 ? marks[which] : static_cast<std::uint8_t>(roll(256));
  }
  void note(const std::string& text) { notes_.push_back(text); }
  std::string here() const { return std::to_string(bytes_.size()); }

  static bool holds(const LayoutCondition& condition, std::int64_t value) {
    using Test = LayoutCondition::Test;
    const auto masked = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & condition.mask);
    switch (condition.test) {
      case Test::equal: return masked == condition.value;
      case Test::not_equal: return masked != condition.value;
      case Test::less: return masked < condition.value;
      case Test::less_equal: return masked <= condition.value;
      case Test::greater: return masked > condition.value;
      default: return masked >= condition.value;
    }
  }

  void body(const Layout& layout, std::uint32_t version, const std::string& path) {
    Numbers numbers;
    for (const LayoutField& field : layout.fields) {
      if (field.since && version < *field.since) continue;
      if (field.until && version > *field.until) continue;
      bool present = true;
      for (const LayoutCondition& condition : field.conditions) present = present && holds(condition, numbers[condition.number.name]);
      if (present) write_field(field, numbers, path + (path.empty() ? "" : ".") + field.name);
    }
    for (const Layout* subsection : layout.subsections)
      if (roll(2) == 0) write_subsection(*subsection, path);
  }

  void write_subsection(const Layout& layout, const std::string& path) {
    note(path + "/" + layout.name + " " + here());
    bytes_ = std::move(bytes_) + hex("05") + ByteVector{static_cast<std::uint8_t>(layout.name.size())} +
             ByteVector(layout.name.begin(), layout.name.end()) + hex("000000") + ByteVector{static_cast<std::uint8_t>(layout.version)};
    body(layout, layout.version, path + (path.empty() ? "" : "/") + layout.name);
  }

  void write_field(const LayoutField& field, Numbers& numbers, const std::string& path) {
    if (field.form == LayoutField::Form::list) return write_list(field, path);
    const std::uint64_t count =
        field.count.number ? (static_cast<std::uint64_t>(numbers[field.count.number->name]) * field.count.times + field.count.plus) / field.count.divide
                           : field.count.fixed;
    if (field.form == LayoutField::Form::value) return write_value(field, count, numbers, path);
    for (std::uint64_t i = 0; i < count; ++i) element(field, field.array ? path + "[" + std::to_string(i) + "]" : path);
  }

  void write_value(const LayoutField& field, std::uint64_t count, Numbers& numbers, const std::string& path) {
    const std::uint64_t size = count * field.element_size;
    if (field.array && count == 0) return;
    note(path + (field.array ? "[0] " : " ") + here() + "+" + std::to_string(size));
    if (field.named_later) {  // a small number in the last byte
      const auto value = static_cast<std::uint8_t>(roll(4));
      numbers[field.name] = value;
      bytes_.insert(bytes_.end(), size - 1, 0);
      bytes_.push_back(value);
      return;
    }
    for (std::uint64_t i = 0; i < size; ++i) bytes_.push_back(hostile());
  }

  void element(const LayoutField& field, const std::string& path) {
    body(*field.body, field.body->version, path);
    if (field.form != LayoutField::Form::structure || !sentinels_) return;
    note(path + "{6} " + here());
    bytes_.push_back(6);
    ++sentinels_written_;
  }

  void write_list(const LayoutField& field, const std::string& path) {
    const unsigned count = roll(3);
    for (unsigned i = 0; i < count; ++i) {
      const std::string inner = path + "[" + std::to_string(i) + "]";
      note(inner + "." + field.name + " follows " + here() + "+1");
      bytes_.push_back(1);
      element(field, inner);
    }
    note(path + " end " + here() + "+1");
    bytes_.push_back(0);
  }

  std::mt19937 random_;
  bool sentinels_;
  ByteVector bytes_;
  std::vector<std::string> notes_;
  std::size_t sentinels_written_ = 0;
};

/// The notes that a decoded tree gives, offsets from `base`.
inline void tree_notes(const std::vector<Field>& fields, const std::vector<Field>& subsections, const std::string& path, Offset base,
                       std::vector<std::string>& out) {
  for (const Field& field : fields) {
    const std::string inner = path + (path.empty() ? "" : ".") + field_label(field);
    if (field.kind != Field::Kind::structure) {
      out.push_back(inner + " " + std::to_string(field.range.offset - base) + "+" + std::to_string(field.range.size));
      continue;
    }
    tree_notes(field.fields, field.subsections, inner, base, out);
    if (field.sentinel) out.push_back(inner + "{6} " + std::to_string(field.range.end() - 1 - base));
  }
  for (const Field& field : subsections) {
    out.push_back(path + "/" + field.name + " " + std::to_string(field.range.offset - base));
    tree_notes(field.fields, field.subsections, path + (path.empty() ? "" : "/") + field.name, base, out);
  }
}

/// A file of layouts "p0" to "p5", each made of earlier ones, for random bodies.
inline std::string random_layouts(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto roll = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  constexpr std::string_view types[] = {"uint8", "int16", "uint32", "int64", "timer"};
  const auto head = [](const std::string& name) {
    return "{\"name\": \"" + name + "\", \"version\": 3, \"minimum\": 1, \"fields\": [";
  };
  std::string all;
  for (unsigned level = 0; level < 6; ++level) {
    const std::string name = "p" + std::to_string(level);
    std::string fields = R"({"name": "n", "type": "uint8"}, {"name": "m", "type": "uint32"})";
    for (unsigned i = 0, count = 1 + roll(5); i < count; ++i) {
      std::string field = ", {\"name\": \"f" + std::to_string(i) + "\", ";
      const std::string part = level == 0 ? "" : "p" + std::to_string(roll(level));
      const unsigned form = roll(level == 0 ? 2 : 6);
      if (form == 0) field += "\"type\": \"" + std::string(types[roll(5)]) + "\"";
      if (form == 1) field += roll(2) == 0 ? R"("type": "buffer", "size": {"field": "m", "times": 3, "plus": 1, "divide": 2})" : R"("type": "blob", "size": 7)";
      if (form == 2 || form == 5) field += "\"struct\": \"" + part + "\"";
      if (form == 3) field += "\"embedded\": \"" + part + "\"";
      if (form == 4) field += "\"list\": \"" + part + "\"";
      const bool may_count = form == 0 || form == 2 || form == 3;
      if (may_count && roll(2) == 0) field += roll(2) == 0 ? R"(, "count": "n")" : R"(, "count": 2)";
      if (roll(4) == 0) field += roll(2) == 0 ? R"(, "since": 2)" : R"(, "until": 2)";
      if (roll(4) == 0) field += R"(, "if": "m & 1 == 0 && n < 3")";
      fields += field + "}";
    }
    all += head(name) + fields + "], \"subsections\": [\"" + name + "/a\", \"" + name + "b\"]}, ";
    all += head(name + "/a") + R"({"name": "x", "type": "uint16"})" + (level == 0 ? "" : ", {\"name\": \"y\", \"struct\": \"p0\"}") + "]}, ";
    all += head(name + "b") + "]}" + (level == 5 ? "" : ", ");
  }
  return "{\"layouts\": [" + all + "]}";
}

}  // namespace vmstate::test
