// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/base/events.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {

/// A section body and its field tree, made together: every call appends bytes and the node that covers them.
class BodyMaker {
 public:
  explicit BodyMaker(Offset base = 1000) : base_(base) { open_.emplace_back(); }

  BodyMaker& leaf(const std::string& name, const ByteVector& bytes) {
    Field field;
    field.kind = Field::Kind::opaque;
    field.name = name;
    field.range = {end(), bytes.size()};
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    open_.back().fields.push_back(std::move(field));
    return *this;
  }
  BodyMaker& structure(const std::string& name, const std::string& description, bool sentinel = false) {
    Field field;
    field.kind = Field::Kind::structure;
    field.name = name;
    field.description = description;
    field.sentinel = sentinel;
    return open(std::move(field));
  }
  BodyMaker& subsection(const std::string& name, std::uint32_t version = 1) {
    Field field;
    field.kind = Field::Kind::subsection;
    field.name = field.description = name;
    field.version = version;
    field.header_size = static_cast<std::uint32_t>(2 + name.size() + 4);
    open(std::move(field));
    bytes_.push_back(5);
    bytes_.push_back(static_cast<std::uint8_t>(name.size()));
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    for (const unsigned shift : {24u, 16u, 8u, 0u}) bytes_.push_back(static_cast<std::uint8_t>(version >> shift));
    return *this;
  }
  /// Ends the innermost structure or subsection.
  BodyMaker& done() {
    Field field = std::move(open_.back());
    open_.pop_back();
    if (field.sentinel) bytes_.push_back(6);
    field.range.size = end() - field.range.offset;
    auto& siblings = field.kind == Field::Kind::subsection ? open_.back().subsections : open_.back().fields;
    siblings.push_back(std::move(field));
    return *this;
  }

  Offset end() const { return base_ + bytes_.size(); }
  ByteRange range() const { return {base_, bytes_.size()}; }
  const ByteVector& bytes() const { return bytes_; }
  FieldTree tree() const {
    FieldTree tree;
    tree.decoded_by = "description";
    tree.fields = open_.front().fields;
    tree.subsections = open_.front().subsections;
    return tree;
  }

 private:
  BodyMaker& open(Field field) {
    field.range.offset = end();
    open_.push_back(std::move(field));
    return *this;
  }

  Offset base_;
  ByteVector bytes_;
  std::vector<Field> open_;  ///< the first stands for the section
};

}  // namespace vmstate::test
