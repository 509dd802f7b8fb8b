// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "formats/base/cursor.hpp"
#include "parsers/api/section_parser.hpp"

namespace vmstate {

/// Reads a body record by record: peek at a record, judge it, claim it. So every byte is claimed exactly once and in
/// order, and a record that is refused stays unclaimed with the reader in front of it.
class BodyReader {
 public:
  explicit BodyReader(SectionContext& context) : context_(context) {}

  const SectionHeader& header() const { return context_.header; }
  const std::string& cut_in() const { return cut_in_; }

  /// At least `longest` bytes from here on, fewer only where the stream ends: a record of at most that size which
  /// reaches beyond the cursor is cut.
  Cursor peek(std::size_t longest) { return Cursor(context_.in.peek(longest), context_.in.position()); }

  /// Claims the next `size` bytes, which have been peeked at, as one record.
  void claim(std::string_view kind, std::string text, std::size_t size) {
    const Bytes bytes = context_.in.peek(size).first(size);
    context_.events.on(BodyItem{kind, std::move(text), {context_.in.position(), size}, bytes});
    context_.in.skip(size);
  }

  /// Claims the `size` bytes of bulk data behind a record, in pieces. False: the stream ends inside them.
  [[nodiscard]] bool claim_bulk(std::string_view label, std::uint64_t size) {
    while (size > 0) {
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, piece_size));
      const auto bytes = context_.in.peek_exactly(piece);
      if (!bytes) return false;
      claim_payload(label, *bytes);
      size -= piece;
    }
    return true;
  }

  /// Claims what the stream still holds of a record that it cuts. `what` names the record, for people.
  BodyEnd cut(std::string what) {
    cut_in_ = std::move(what);
    for (Bytes rest = context_.in.peek(piece_size); !rest.empty(); rest = context_.in.peek(piece_size))
      claim_payload("incomplete record", rest.first(std::min(rest.size(), piece_size)));
    return BodyEnd::cut;
  }

  /// VMS0609 for something that does not keep the body from being read on.
  void report(std::string_view field, ByteRange range, std::string message) {
    Finding& finding = context_.findings.add(Code::special_body_damaged, range, std::move(message));
    finding.field = field;
    const Bytes evidence = peeked(range);
    finding.evidence.assign(evidence.begin(), evidence.end());
  }
  /// VMS0609 for something behind which the body makes no sense.
  BodyEnd damaged(std::string_view field, ByteRange range, std::string message) {
    report(field, range, std::move(message));
    return BodyEnd::damaged;
  }

  /// Reports a version of the section that has never existed. The body is read as what is known all the same.
  void expect_version(std::uint32_t known) {
    constexpr std::uint64_t word = 4;
    if (header().type == SectionType::part || header().type == SectionType::end || header().version == known) return;
    report("version_id", {header().range.end() - word, word},
           "section version " + std::to_string(header().version) + " has never existed, only " + std::to_string(known));
  }

 private:
  // Pieces are cut by number, not by what the source happens to give: events do not depend on how bytes arrive.
  static constexpr std::size_t piece_size = 64u << 10;
  static constexpr std::size_t longest_evidence = 64;

  void claim_payload(std::string_view label, Bytes bytes) {
    context_.events.on(Payload{label, {context_.in.position(), bytes.size()}, bytes});
    context_.in.skip(bytes.size());
    if (context_.progress != nullptr) context_.progress->at(context_.in.position());
  }

  // Bytes of a range not far in front of the reader, at most what evidence may hold; empty if they lie behind it.
  Bytes peeked(ByteRange range) {
    const Offset here = context_.in.position();
    if (range.offset < here || range.offset - here > piece_size) return {};
    const auto skipped = static_cast<std::size_t>(range.offset - here);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(range.size, longest_evidence));
    const Bytes all = context_.in.peek(skipped + size);
    return all.subspan(std::min(skipped, all.size())).first(std::min(size, all.size() - std::min(skipped, all.size())));
  }

  SectionContext& context_;
  std::string cut_in_;
};

/// A body that a BodyReader reads.
class RecordBody : public SectionBody {
 public:
  BodyEnd parse(SectionContext& context) final {
    BodyReader reader(context);
    const BodyEnd end = parse_records(reader);
    cut_in_ = reader.cut_in();
    return end;
  }
  std::string cut_in() const final { return cut_in_; }

 protected:
  virtual BodyEnd parse_records(BodyReader& reader) = 0;

 private:
  std::string cut_in_;
};

/// Whether text from a stream could be the name of a disk, node or bitmap: not empty, no control characters.
inline bool plausible_disk_name(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && std::ranges::none_of(name, is_control);
}

}  // namespace vmstate
