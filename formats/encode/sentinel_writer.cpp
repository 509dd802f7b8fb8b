// SPDX-License-Identifier: Apache-2.0
#include "formats/encode/sentinel_writer.hpp"

#include <algorithm>
#include <limits>

#include "formats/base/cursor.hpp"
#include "formats/base/offset_text.hpp"
#include "formats/wire/hand_written.hpp"
#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

// What one conversion may keep in memory.
constexpr std::size_t most_edits = 1u << 20;
constexpr std::size_t most_obstacles = 1000;

bool is_struct_type(const Field& field) { return field.type == "struct" || field.type == "vstruct"; }

bool is_one_blob(const FieldTree& tree) {
  return tree.fields.size() == 1 && tree.subsections.empty() && tree.fields[0].kind == Field::Kind::opaque;
}

}  // namespace

void SentinelWriter::obstacle(ByteRange range, std::string reason) {
  if (obstacles_.size() < most_obstacles)
    obstacles_.push_back({section_, range, std::move(reason)});
  else
    ++more_obstacles_;
}

void SentinelWriter::on(const StreamBegin& e) {
  from_version_ = e.version;
  const std::uint32_t to = target_ == Target::sentinel ? sentinel_version : legacy_version;
  const std::uint32_t from = target_ == Target::sentinel ? legacy_version : sentinel_version;
  if (e.version != from) {
    obstacle(e.range, e.version == to ? "the stream is of version " + std::to_string(to) + " already"
                                      : "the records of version " + std::to_string(e.version) + " are of another kind");
    wrong_version_ = true;
    return;
  }
  // Nothing would bring a damaged header back.
  if (e.bytes.size() >= header_size && (load_be32(&e.bytes[0]) != magic || load_be32(&e.bytes[4]) != e.version))
    return obstacle(e.range, "the header is not that of its version " + std::to_string(e.version));
  edits_.replace_word(e.range.offset + 4, to);
}

void SentinelWriter::on(const DescriptionKnown& e) {
  described_.clear();
  for (const DescribedDevice& device : e.devices)
    described_.emplace(std::pair(device.name, device.instance), Described{device.size, !device.version.has_value(), device.defective});
}

void SentinelWriter::on(const Command& e) {
  if (!e.package_size) return;
  const Offset word_at = e.range.end() - 4;
  packages_.push_back({edits_.replace_word(word_at, static_cast<std::uint32_t>(*e.package_size)), *e.package_size, growth()});
}

void SentinelWriter::on(const PackageEnd& e) {
  if (packages_.empty()) return;
  const Package package = packages_.back();
  packages_.pop_back();
  const std::int64_t size = static_cast<std::int64_t>(package.size) + growth() - package.growth;
  if (size < 0 || size > std::numeric_limits<std::uint32_t>::max())
    return obstacle({e.offset, 0}, "the package becomes larger than its length can say");
  edits_.set_word(package.edit, static_cast<std::uint32_t>(size));
}

void SentinelWriter::on(const SectionBegin& e) {
  section_ = section_label(e.header);
  undecoded_ = {};
  by_hand_ = false;
}

// A mapped block says where in the file its pages are.
void SentinelWriter::expect_unmoved(ByteRange pages) {
  if (growth() != 0) obstacle(pages, "the mapped pages would move away from where the block list says they are");
}

void SentinelWriter::on(const Payload& e) {
  if (undecoded_.empty()) undecoded_ = e.range;
  undecoded_.size = e.range.end() - undecoded_.offset;
}

bool SentinelWriter::fields(const std::vector<Field>& list) {
  return std::ranges::all_of(list, [this](const Field& one) { return field(one); });
}

bool SentinelWriter::field(const Field& one) {
  if (one.kind == Field::Kind::gap) {
    obstacle(one.range, "bytes at " + offset_text(one.range.offset) + " that no description explains");
    return false;
  }
  if (one.kind == Field::Kind::opaque && is_struct_type(one)) {
    obstacle(one.range, "the inside of the struct '" + field_label(one) + "' is not described");
    return false;
  }
  if (!fields(one.fields) || !fields(one.subsections)) return false;
  if (!is_struct_element(one)) return true;
  const bool to_legacy = target_ == Target::legacy;
  if (to_legacy && !(one.sentinel && ends_in_sentinel(one))) {
    obstacle(one.range, "the struct '" + field_label(one) + "' does not end in a sentinel");
    return false;
  }
  if (edits_.list().size() >= most_edits) {
    obstacle(one.range, "the stream holds more structs than this tool converts");
    return false;
  }
  if (to_legacy)
    edits_.remove_sentinel(one.range.end() - 1);
  else
    edits_.insert_sentinel(one.range.end());
  return true;
}

bool SentinelWriter::ends_in_sentinel(const Field& element) const {
  const Bytes bytes = bytes_of(*state_, element);
  return !bytes.empty() && bytes.back() == sentinel;
}

void SentinelWriter::on(const DeviceState& e) {
  state_ = &e;
  const auto edits_before = edits_.removed();
  if (e.tree.decoded_by == "opaque") {
    if (!e.range.empty() && !is_defective(e.header))
      check_hand_written(e, "neither a description nor a layout says which structs it holds");
    return;
  }
  if (!e.tree.certain) return obstacle(e.range, "several layouts explain it, with structs at different places");
  if (!fields(e.tree.fields) || !fields(e.tree.subsections)) return;
  if (e.tree.decoded_by == "description") check_described(e, edits_.removed() - edits_before);
}

// An array of pointers is younger than version 4: docs/formats/sentinel.md, "What version 4 never saw".
bool SentinelWriter::is_defective(const SectionHeader& header) const {
  const auto [first, last] = described_.equal_range(std::pair(header.name, header.instance));
  return std::any_of(first, last, [](const auto& entry) { return entry.second.defective; });
}

// A body of another length than described holds other structs than described.
void SentinelWriter::check_described(const DeviceState& e, std::uint64_t sentinels) {
  const auto [first, last] = described_.equal_range(std::pair(e.header.name, e.header.instance));
  bool hand_written = false;
  const bool fits = first == last || std::any_of(first, last, [&](const auto& entry) {
    hand_written = hand_written || entry.second.hand_written;
    return entry.second.size + sentinels == e.range.size;
  });
  if (!fits) return obstacle(e.range, "its length contradicts its description");
  if (hand_written && is_one_blob(e.tree)) check_hand_written(e, "the device's own code wrote it: structs may be inside");
}

// A body of which nothing is known but its name.
void SentinelWriter::check_hand_written(const DeviceState& e, std::string_view unknown) {
  if (!wire::is_hand_written(e.header.name)) return obstacle(e.range, std::string(unknown));
  if (wire::holds_virtio_record(e.bytes)) return obstacle(e.range, "records that may hold structs stand in what the device's own code wrote");
  by_hand_ = true;
}

void SentinelWriter::on(const SectionEnd& e) {
  // Bodies that delimit themselves are known to the end; of others such bytes hold whatever they hold.
  if (!undecoded_.empty() && e.boundary != Boundary::self) obstacle(undecoded_, "its body was not decoded");
  if (by_hand_ && e.boundary == Boundary::scan) obstacle(e.body, "only a search says where it ends: another device may be inside");
  section_.clear();
}

void SentinelWriter::on(const EndOfStream& e) {
  if (e.premature) obstacle(e.range, "a stray end byte stands inside the stream");
}

void SentinelWriter::on(const Gap& e) {
  if (e.kind == Gap::Kind::lost) obstacle(e.range, "damage: " + std::string(e.reason));
}

void SentinelWriter::on(const StreamEnd& e) {
  if (e.kind != StreamEndKind::eof) obstacle({e.size, 0}, "the stream is not whole: " + std::string(to_string(e.kind)));
}

}  // namespace vmstate
