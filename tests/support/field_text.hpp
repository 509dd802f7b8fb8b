// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "formats/base/events.hpp"

namespace vmstate::test {

/// What devices say, without where it stands: for comparing streams of versions 3 and 4. Sentinels are counted, not shown.
/// A layout is chosen by what fits the bytes and may name them otherwise: there only the bytes count.
class FieldText final : public EventSink {
 public:
  void on(const DeviceState& e) override {
    names_ = e.tree.decoded_by == "description";
    const bool by_layout = e.tree.decoded_by.starts_with("layout:");
    text_ += section_label(e.header) + " version " + std::to_string(e.header.version) + " by " + (by_layout ? "layout" : e.tree.decoded_by) + "\n";
    list(e, e.tree.fields, 1);
    list(e, e.tree.subsections, 1);
    text_ += '\n';
  }

  const std::string& text() const { return text_; }
  /// Struct elements that end in a sentinel.
  std::uint64_t sentinels() const { return sentinels_; }

 private:
  void list(const DeviceState& e, const std::vector<Field>& fields, std::size_t depth) {
    for (const Field& field : fields) {
      sentinels_ += field.sentinel ? 1 : 0;
      if (names_) name(field, depth);
      const bool leaf = field.kind != Field::Kind::structure && field.kind != Field::Kind::subsection;
      if (leaf) text_ += as_text(bytes_of(e, field));
      list(e, field.fields, depth + 1);
      list(e, field.subsections, depth + 1);
    }
  }
  void name(const Field& field, std::size_t depth) {
    text_ += '\n' + std::string(depth, ' ') + field_label(field) + " " + field.type + " " + field.description + " " +
             std::to_string(static_cast<int>(field.kind)) + " v" + std::to_string(field.version) + " x" +
             std::to_string(field.count) + " +" + std::to_string(field.header_size) + " = ";
  }

  std::string text_;
  std::uint64_t sentinels_ = 0;
  bool names_ = false;
};

}  // namespace vmstate::test
