// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

namespace vmstate::test {

/// A device as a QEMU could describe it: fields, arrays, structs in structs, subsections, and bytes of the most awkward
/// kind. Written in both versions by the rules of the format alone.
class RandomDevice {
 public:
  RandomDevice(std::string name, std::mt19937_64& random) : random_(random) {
    root_.vmsd = std::move(name);
    fill(root_, 0);
    emit_body(root_);
  }

  const std::string& name() const { return root_.vmsd; }
  const ByteVector& legacy() const { return legacy_; }      ///< body in version 3
  const ByteVector& sentinel() const { return sentinel_; }  ///< body in version 4
  std::uint64_t elements() const { return elements_; }      ///< struct elements, each with a sentinel in version 4
  std::string json() const {
    return "{\"name\": \"" + name() + "\", \"instance_id\": 0, \"vmsd_name\": \"" + name() + "\", " + body_json(root_) + "}";
  }

 private:
  enum class Kind { leaf, structure, versioned_structure, temporary };
  struct Body;
  struct Entry {
    Kind kind = Kind::leaf;
    std::string name;
    std::string type;
    std::uint32_t size = 0;  ///< of one element of a leaf
    std::uint32_t count = 1;
    int index = -1;          ///< of an array that is listed element by element
    std::vector<Body> inner; ///< one
  };
  struct Body {
    std::string vmsd;
    std::vector<Entry> fields;
    std::vector<Body> subsections;
  };

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  void fill(Body& body, unsigned depth) {
    const std::uint32_t fields = below(5);
    for (std::uint32_t i = 0; i < fields; ++i) add_entry(body, "f" + std::to_string(i), depth);
    const std::uint32_t parts = depth < 4 && below(3) == 0 ? 1 + below(2) : 0;
    for (std::uint32_t i = 0; i < parts; ++i) {
      Body& part = body.subsections.emplace_back();
      part.vmsd = body.vmsd + "/s" + std::to_string(i);
      fill(part, depth + 1);
    }
  }

  void add_entry(Body& body, const std::string& name, unsigned depth) {
    const bool listed = depth < 4 && below(6) == 0;  // elements of an array that differ
    const int elements = listed ? 2 : 1;
    for (int i = 0; i < elements; ++i) {
      Entry entry;
      entry.name = name;
      if (listed) entry.index = i;
      if (depth < 4 && (listed || below(2) == 0))
        make_nested(entry, body.vmsd, depth);
      else
        make_leaf(entry);
      body.fields.push_back(std::move(entry));
    }
  }

  void make_nested(Entry& entry, const std::string& outer, unsigned depth) {
    const std::uint32_t choice = below(8);
    entry.kind = choice == 0 ? Kind::temporary : choice == 1 ? Kind::versioned_structure : Kind::structure;
    entry.type = choice == 0 ? "tmp" : choice == 1 ? "vstruct" : "struct";
    if (entry.kind != Kind::temporary && entry.index < 0 && below(3) == 0) entry.count = 1 + below(4);
    Body& inner = entry.inner.emplace_back();
    inner.vmsd = outer.substr(0, 20) + "." + entry.name;
    fill(inner, depth + 1);
  }

  void make_leaf(Entry& entry) {
    struct Type {
      const char* name;
      std::uint32_t size;
    };
    static constexpr Type types[]{{"uint8", 1}, {"uint16", 2}, {"uint32", 4}, {"uint64", 8}, {"int32", 4}, {"buffer", 0}, {"qtailq", 0}, {"timer", 8}};
    const Type& type = types[below(std::size(types))];
    entry.type = type.name;
    entry.size = type.size != 0 ? type.size : below(24);
    if (type.size != 0 && below(4) == 0) entry.count = 1 + below(5);
  }

  // --- the description ----------------------------------------------------------------------------------------------

  static std::uint64_t size_of(const Body& body) {
    std::uint64_t size = 0;
    for (const Entry& entry : body.fields) size += size_of_one(entry) * entry.count;
    for (const Body& part : body.subsections) size += 1 + 1 + part.vmsd.size() + 4 + size_of(part);
    return size;
  }
  static std::uint64_t size_of_one(const Entry& entry) { return entry.kind == Kind::leaf ? entry.size : size_of(entry.inner[0]); }

  static std::string body_json(const Body& body) {
    std::string fields, parts;
    for (const Entry& entry : body.fields) fields += (fields.empty() ? "" : ", ") + entry_json(entry);
    for (const Body& part : body.subsections)
      parts += (parts.empty() ? "" : ", ") + std::string("{\"vmsd_name\": \"") + part.vmsd + "\", " + body_json(part) + "}";
    return "\"version\": 1, \"fields\": [" + fields + "]" + (parts.empty() ? "" : ", \"subsections\": [" + parts + "]");
  }
  static std::string entry_json(const Entry& entry) {
    std::string text = "{\"name\": \"" + entry.name + "\"";
    if (entry.index >= 0) text += ", \"index\": " + std::to_string(entry.index);
    if (entry.count > 1) text += ", \"array_len\": " + std::to_string(entry.count);
    text += ", \"type\": \"" + entry.type + "\"";
    if (entry.kind != Kind::leaf) text += ", \"struct\": {\"vmsd_name\": \"" + entry.inner[0].vmsd + "\", " + body_json(entry.inner[0]) + "}";
    return text + ", \"size\": " + std::to_string(size_of_one(entry)) + "}";
  }

  // --- the bytes ----------------------------------------------------------------------------------------------------

  void put(std::uint8_t byte) {
    legacy_.push_back(byte);
    sentinel_.push_back(byte);
  }
  void emit_leaf(std::uint32_t size) {
    static constexpr std::uint8_t awkward[]{0x05, 0x06, 0x7e, 0x00, 0x01, 0x04, 0x03};
    for (std::uint32_t i = 0; i < size; ++i)
      put(below(8) == 0 ? static_cast<std::uint8_t>(random_()) : awkward[below(std::size(awkward))]);
  }
  void emit_entry(const Entry& entry) {
    for (std::uint32_t i = 0; i < entry.count; ++i) {
      if (entry.kind == Kind::leaf) {
        emit_leaf(entry.size);
        continue;
      }
      emit_body(entry.inner[0]);
      if (entry.kind == Kind::temporary) continue;
      sentinel_.push_back(0x06);
      ++elements_;
    }
  }
  void emit_body(const Body& body) {
    for (const Entry& entry : body.fields) emit_entry(entry);
    for (const Body& part : body.subsections) {
      put(0x05);
      put(static_cast<std::uint8_t>(part.vmsd.size()));
      for (const char c : part.vmsd) put(static_cast<std::uint8_t>(c));
      for (const std::uint8_t byte : hex("00000001")) put(byte);
      emit_body(part);
    }
  }

  std::mt19937_64& random_;
  Body root_;
  ByteVector legacy_;
  ByteVector sentinel_;
  std::uint64_t elements_ = 0;
};

}  // namespace vmstate::test
