// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/bytes.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {

/// Writes a QEVM stream record by record. Nothing is checked: what a test wants broken is written broken.
///
///   StreamBuilder b;
///   b.header().configuration("none").start(2, "ram", 4).mem_size({{"pc.ram", 0x2000}}).eos().footer(2);
///   b.device(3, "timer", 2, {{"ticks", "int64", hex("00 00 00 00 00 00 00 07")}});
///   b.eof().description();
class StreamBuilder {
 public:
  struct Block {
    std::string name;
    std::uint64_t size;
  };
  struct FieldSpec {
    std::string name;
    std::string type;
    ByteVector bytes;
  };

  // --- numbers and text
  StreamBuilder& u8(std::uint64_t value) { return big_endian(value, 1); }
  StreamBuilder& be16(std::uint64_t value) { return big_endian(value, 2); }
  StreamBuilder& be32(std::uint64_t value) { return big_endian(value, 4); }
  StreamBuilder& be64(std::uint64_t value) { return big_endian(value, 8); }
  StreamBuilder& raw(const ByteVector& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  StreamBuilder& text(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  StreamBuilder& counted(std::string_view name) { return u8(name.size()).text(name); }
  StreamBuilder& fill(std::size_t count, std::uint8_t value = 0) {
    bytes_.insert(bytes_.end(), count, value);
    return *this;
  }

  // --- records
  StreamBuilder& header(std::uint32_t version = 3) { return text("QEVM").be32(version); }
  StreamBuilder& configuration(std::string_view machine) { return u8(7).be32(machine.size()).text(machine); }
  StreamBuilder& subsection(std::string_view name, std::uint32_t version = 1) { return u8(5).counted(name).be32(version); }
  StreamBuilder& start(std::uint32_t id, std::string_view name, std::uint32_t version, std::uint32_t instance = 0) {
    return u8(1).be32(id).counted(name).be32(instance).be32(version);
  }
  StreamBuilder& part(std::uint32_t id) { return u8(2).be32(id); }
  StreamBuilder& end(std::uint32_t id) { return u8(3).be32(id); }
  StreamBuilder& full(std::uint32_t id, std::string_view name, std::uint32_t version, std::uint32_t instance = 0) {
    return u8(4).be32(id).counted(name).be32(instance).be32(version);
  }
  StreamBuilder& footer(std::uint32_t id) { return footers_ ? u8(0x7e).be32(id) : *this; }
  StreamBuilder& eof() { return u8(0); }
  StreamBuilder& command(std::uint16_t number, const ByteVector& payload = {}) {
    return u8(8).be16(number).be16(payload.size()).raw(payload);
  }
  /// A PACKAGED command and the records inside. `announced` other than the real size where given.
  StreamBuilder& package(const std::function<void(StreamBuilder&)>& records, std::optional<std::uint32_t> announced = {}) {
    StreamBuilder inner;
    inner.footers_ = footers_;
    records(inner);
    return u8(8).be16(7).be16(4).be32(announced.value_or(static_cast<std::uint32_t>(inner.bytes_.size()))).raw(inner.bytes_);
  }
  /// From here on footer() writes nothing.
  StreamBuilder& without_footers() {
    footers_ = false;
    return *this;
  }

  // --- the body of "ram"
  StreamBuilder& mem_size(const std::vector<Block>& blocks) {
    std::uint64_t total = 0;
    for (const Block& block : blocks) total += block.size;
    be64(total | 0x04);
    for (const Block& block : blocks) counted(block.name).be64(block.size);
    return *this;
  }
  /// The word of a page record, and the block's name unless the page continues a block.
  StreamBuilder& page_word(std::uint64_t offset, std::uint64_t flags, std::string_view block = {}) {
    if (block.empty()) return be64(offset | flags | 0x20);
    return be64(offset | flags).counted(block);
  }
  StreamBuilder& page(std::uint64_t offset, std::uint8_t content, std::string_view block = {}, std::size_t size = 4096) {
    return page_word(offset, 0x08, block).fill(size, content);
  }
  StreamBuilder& zero(std::uint64_t offset, std::string_view block = {}, std::uint8_t value = 0) {
    return page_word(offset, 0x02, block).u8(value);
  }
  StreamBuilder& xbzrle(std::uint64_t offset, const ByteVector& encoded, std::string_view block = {}) {
    return page_word(offset, 0x40, block).u8(1).be16(encoded.size()).raw(encoded);
  }
  StreamBuilder& compressed(std::uint64_t offset, const ByteVector& zlib, std::string_view block = {}) {
    return page_word(offset, 0x100, block).be32(zlib.size()).raw(zlib);
  }
  StreamBuilder& eos() { return be64(0x10); }

  // --- devices and their description
  /// A FULL section that the description will list.
  StreamBuilder& device(std::uint32_t id, std::string_view name, std::uint32_t version, const std::vector<FieldSpec>& fields,
                        std::uint32_t instance = 0) {
    describe(name, version, fields, instance);
    full(id, name, version, instance);
    for (const FieldSpec& field : fields) raw(field.bytes);
    return footer(id);
  }
  /// Lists a device without writing it.
  StreamBuilder& describe(std::string_view name, std::uint32_t version, const std::vector<FieldSpec>& fields,
                          std::uint32_t instance = 0) {
    std::string list;
    for (const FieldSpec& field : fields)
      list += (list.empty() ? "" : ", ") + std::string("{\"name\": \"") + field.name + "\", \"type\": \"" + field.type +
              "\", \"size\": " + std::to_string(field.bytes.size()) + "}";
    devices_ += (devices_.empty() ? "" : ", ") + std::string("{\"name\": \"") + std::string(name) +
                "\", \"instance_id\": " + std::to_string(instance) + ", \"vmsd_name\": \"" + std::string(name) +
                "\", \"version\": " + std::to_string(version) + ", \"fields\": [" + list + "]}";
    return *this;
  }
  std::string description_text(std::uint64_t page_size = 4096) const {
    return "{\"page_size\": " + std::to_string(page_size) + ", \"devices\": [" + devices_ + "]}";
  }
  /// The description of all devices so far. `announced`: its length where the real one is not wanted.
  StreamBuilder& description(std::optional<std::uint32_t> announced = {}) { return description_of(description_text(), announced); }
  StreamBuilder& description_of(std::string_view json, std::optional<std::uint32_t> announced = {}) {
    return u8(6).be32(announced.value_or(static_cast<std::uint32_t>(json.size()))).text(json);
  }

  // --- places
  /// Remembers where the next record begins.
  StreamBuilder& mark(const std::string& name) {
    marks_[name] = bytes_.size();
    return *this;
  }
  Offset at(const std::string& name) const { return marks_.at(name); }
  Offset size() const { return bytes_.size(); }
  const ByteVector& bytes() const { return bytes_; }

 private:
  StreamBuilder& big_endian(std::uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0;) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }

  ByteVector bytes_;
  std::string devices_;
  std::map<std::string, Offset> marks_;
  bool footers_ = true;
};

/// A small whole stream of all parts: configuration, RAM of four pages in START, PART and END, three devices, description.
/// Marks: configuration, ram, list, pages, part, end, timer, globalstate, cpu, eof, description, behind.
inline StreamBuilder small_stream(bool footers = true) {
  StreamBuilder b;
  if (!footers) b.without_footers();
  b.header().mark("configuration").configuration("testmachine");
  b.mark("ram").start(2, "ram", 4).mark("list").mem_size({{"pc.ram", 0x4000}}).eos().footer(2);
  b.mark("part").part(2).mark("pages").page(0x0000, 0xd1, "pc.ram").zero(0x1000).page(0x2000, 0xd3).eos().footer(2);
  b.mark("end").end(2).page(0x3000, 0xd4).eos().footer(2);
  b.mark("timer").device(3, "timer", 2, {{"ticks", "int64", hex("ffffffff ffffff85")}, {"enabled", "bool", hex("01")}});
  b.mark("globalstate").device(4, "globalstate", 1, {{"size", "uint32", hex("00000008")},
                                                     {"runstate", "buffer", hex("'running' 00") + ByteVector(92, 0)}});
  b.mark("cpu").device(5, "cpu", 12, {{"halted", "uint32", hex("00000001")}, {"regs", "buffer", ByteVector(32, 0xcc)}});
  b.mark("eof").eof().mark("description").description().mark("behind");
  return b;
}

}  // namespace vmstate::test
