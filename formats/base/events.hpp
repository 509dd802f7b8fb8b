// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/bytes.hpp"
#include "formats/base/field.hpp"
#include "formats/base/origin.hpp"

namespace vmstate {

// The one language of the house. A parser sends events in stream order; every byte of the stream is in the `range` of
// exactly one event that says so ("claims"). Views (Bytes, spans, string_views) live only during the call.

enum class SectionType : std::uint8_t { start, part, end, full };
std::string_view to_string(SectionType type);

/// How the end of a section body was found.
enum class Boundary : std::uint8_t {
  self,         ///< the body delimits itself
  description,  ///< sizes of the stream's own description
  footer,       ///< searched: the footer with this section's id
  layout,       ///< a known device layout
  scan,         ///< searched: the next credible header
  length,       ///< the record carries its length (versions 1 and 2)
  end           ///< the stream ended first
};
std::string_view to_string(Boundary boundary);

/// Who a section is. `name` and `instance` of PART and END are those of their START.
struct SectionHeader {
  SectionType type = SectionType::full;
  std::uint32_t id = 0;
  std::string name;
  std::uint32_t instance = 0;
  std::uint32_t version = 0;
  ByteRange range;           ///< type byte to the last header byte
  unsigned package_depth = 0;  ///< > 0 inside a PACKAGED command
};
/// "name" or "name#instance" for instances other than 0.
std::string section_label(const SectionHeader& header);

/// Claims the stream header.
struct StreamBegin {
  std::string_view format;  ///< "qevm"
  std::uint32_t version;    ///< format version the records are of
  ByteRange range;
  Bytes bytes;
  std::shared_ptr<const Origin> origin;
};
/// Claims the configuration section.
struct Configuration {
  std::string machine;
  std::optional<std::uint32_t> page_bits;
  std::vector<std::string> capabilities;
  std::optional<std::string> uuid;  ///< 32 hex digits
  const FieldTree* tree;            ///< fields and subsections, ranges in the stream
  ByteRange range;
  Bytes bytes;
};
/// Claims a command without the package that may follow it.
struct Command {
  std::uint16_t number;
  std::string_view name;  ///< upstream name, lower-cased; "unknown" otherwise
  ByteRange range;        ///< type byte to the last payload byte; for packages: to the be32 length behind it
  Bytes bytes;
  Bytes payload;
  unsigned package_depth;
  std::optional<std::uint64_t> package_size;  ///< bytes of nested records that follow
};
struct PackageEnd {
  Offset offset;
};
/// Claims header.range.
struct SectionBegin {
  const SectionHeader& header;
  Bytes bytes;
  ByteRange range() const { return header.range; }
};
struct RamBlock {
  std::string name;
  std::uint64_t size = 0;                      ///< used length in bytes
  std::optional<std::uint64_t> page_size;      ///< of the block on the source's host (postcopy)
  std::optional<std::uint64_t> guest_address;  ///< with x-ignore-shared
  struct Mapped {
    std::uint64_t page_size = 0;
    ByteRange bitmap;  ///< in the stream
    ByteRange pages;   ///< in the stream
    std::uint64_t stored_pages = 0;
    bool ignored = false;  ///< both offsets 0: the block lives elsewhere
  };
  std::optional<Mapped> mapped;
};
/// The block list as far as it is known: whole before the first page record, for mapped-ram already before each bitmap, and
/// again when a page names a block that the list lacks (size 0 then). It only grows. Claims nothing: its bytes are claimed
/// entry by entry.
struct RamBlocks {
  std::span<const RamBlock> blocks;
};
/// The size of a guest page in bytes, before the first page record. Claims nothing.
struct RamPageSize {
  std::uint64_t page_size;
};
/// Claims bytes of the block list: its word, or the entry of one block.
struct RamBlockEntry {
  std::optional<std::uint32_t> block;  ///< number in the list; nothing: the word in front of it
  ByteRange range;
  Bytes bytes;
};
/// Claims a piece of the page bitmap of one mapped block: bit i of byte j is page first_page + 8 * j + i.
struct RamMappedBitmap {
  std::uint32_t block;
  std::uint64_t first_page;
  ByteRange range;
  Bytes bytes;
};
/// Claims the padding behind the bitmap and the page area of one mapped block. The pages are not read for this.
struct RamMappedPages {
  std::uint32_t block;
  ByteRange padding;
  ByteRange pages;
  std::uint64_t stored_pages;
};

/// Content of stored pages of one mapped block, whole pages unless the stream ends inside one: sent before RamMappedPages to
/// those who asked for it (ParseOptions). Pages whose bit is clear may be among them: the bitmap says which count. Claims
/// nothing.
struct RamMappedContent {
  std::uint32_t block;
  std::uint64_t first_page;
  ByteRange range;
  Bytes bytes;
};

enum class RamKind : std::uint8_t { data, zero, fill, xbzrle, compressed, eos, flush, hook };
std::string_view to_string(RamKind kind);
/// One page record. For eos, flush and hook only kind, at and header_size mean something.
struct RamPage {
  std::uint64_t offset;       ///< of the page in its block, bytes
  Offset at;                  ///< of the record in the stream
  std::uint32_t block;        ///< number in the list
  std::uint32_t payload_size;  ///< bytes behind the record's word and name
  std::uint16_t header_size;  ///< word and name
  RamKind kind;
  std::uint8_t fill;  ///< zero and fill: the byte
};
/// Claims a run of complete page records, at most some hundred at a time. `bytes` are exactly range.
struct RamPages {
  std::span<const RamPage> pages;
  ByteRange range;
  Bytes bytes;
};
/// Claims body bytes that are not decoded, in pieces.
struct Payload {
  std::string_view label;  ///< what they are, for people
  ByteRange range;
  Bytes bytes;
};
/// Claims the decoded body of a device section.
struct DeviceState {
  const SectionHeader& header;
  const FieldTree& tree;
  ByteRange range;
  Bytes bytes;  ///< the whole body
};
/// The bytes of one node of e.tree.
inline Bytes bytes_of(const DeviceState& e, const Field& field) {
  if (!e.range.contains(field.range)) return {};
  return e.bytes.subspan(static_cast<std::size_t>(field.range.offset - e.range.offset),
                         static_cast<std::size_t>(field.range.size));
}
/// An element of a self-delimiting body other than RAM (dirty bitmaps, block migration, …). Claims its range.
struct BodyItem {
  std::string_view kind;    ///< "dirty-bitmap bits", "block device data", …
  std::string text;         ///< for people: names and numbers
  ByteRange range;
  Bytes bytes;              ///< empty when it is large: sent in pieces as Payload first
};
/// Claims the footer, if there is one.
struct SectionEnd {
  const SectionHeader& header;
  ByteRange body;
  Boundary boundary;
  std::optional<ByteRange> footer;
  Bytes footer_bytes;
};
/// Claims the end-of-stream byte.
struct EndOfStream {
  ByteRange range;
  bool premature = false;  ///< records follow: what a loader takes for the end is not the writer's end
};
/// A device as the description lists it.
struct DescribedDevice {
  std::string name;
  std::uint32_t instance = 0;
  std::optional<std::uint32_t> version;  ///< not said of old-style devices
  std::uint64_t size = 0;                ///< of the body by the description, sentinels not counted
  bool defective = false;                ///< an array of pointers is described by an empty slot: size and fields are wrong
};
/// Sent as soon as the description is known, often long before its place in the stream, and again where another one turns
/// out to be this stream's: the last counts. Incomplete and without devices: there is none. Claims nothing.
struct DescriptionKnown {
  std::span<const DescribedDevice> devices;
  std::optional<std::uint64_t> page_size;
  bool complete;
};
/// Claims the description where it stands: type byte, length, text.
struct Description {
  ByteRange range;
  ByteRange text;
  Bytes bytes;
};
/// Claims bytes that belong to nothing.
struct Gap {
  enum class Kind : std::uint8_t { lost, padding, trailing };
  Kind kind;
  ByteRange range;
  std::string_view reason;
};
enum class StreamEndKind : std::uint8_t { eof, truncated, premature_eof, unreadable };
std::string_view to_string(StreamEndKind kind);
struct StreamEnd {
  StreamEndKind kind;
  std::uint64_t size;  ///< bytes of the stream, trailing bytes not counted
  bool footers;
  bool description;
  std::uint64_t page_size;
};

/// Takes events. The default does nothing with each: override what you need.
class EventSink {
 public:
  EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  virtual ~EventSink() = default;

  virtual void on(const StreamBegin&) {}
  virtual void on(const Configuration&) {}
  virtual void on(const Command&) {}
  virtual void on(const PackageEnd&) {}
  virtual void on(const SectionBegin&) {}
  virtual void on(const RamBlocks&) {}
  virtual void on(const RamPageSize&) {}
  virtual void on(const RamBlockEntry&) {}
  virtual void on(const RamMappedBitmap&) {}
  virtual void on(const RamMappedContent&) {}
  virtual void on(const RamMappedPages&) {}
  virtual void on(const RamPages&) {}
  virtual void on(const Payload&) {}
  virtual void on(const DeviceState&) {}
  virtual void on(const BodyItem&) {}
  virtual void on(const SectionEnd&) {}
  virtual void on(const EndOfStream&) {}
  virtual void on(const DescriptionKnown&) {}
  virtual void on(const Description&) {}
  virtual void on(const Gap&) {}
  virtual void on(const StreamEnd&) {}
};

/// Hands every event to several sinks, in order.
class Tee final : public EventSink {
 public:
  explicit Tee(std::vector<EventSink*> sinks) : sinks_(std::move(sinks)) {}

  void on(const StreamBegin& e) override { each(e); }
  void on(const Configuration& e) override { each(e); }
  void on(const Command& e) override { each(e); }
  void on(const PackageEnd& e) override { each(e); }
  void on(const SectionBegin& e) override { each(e); }
  void on(const RamBlocks& e) override { each(e); }
  void on(const RamPageSize& e) override { each(e); }
  void on(const RamBlockEntry& e) override { each(e); }
  void on(const RamMappedBitmap& e) override { each(e); }
  void on(const RamMappedContent& e) override { each(e); }
  void on(const RamMappedPages& e) override { each(e); }
  void on(const RamPages& e) override { each(e); }
  void on(const Payload& e) override { each(e); }
  void on(const DeviceState& e) override { each(e); }
  void on(const BodyItem& e) override { each(e); }
  void on(const SectionEnd& e) override { each(e); }
  void on(const EndOfStream& e) override { each(e); }
  void on(const DescriptionKnown& e) override { each(e); }
  void on(const Description& e) override { each(e); }
  void on(const Gap& e) override { each(e); }
  void on(const StreamEnd& e) override { each(e); }

 private:
  template <class Event>
  void each(const Event& event) {
    for (EventSink* sink : sinks_) sink->on(event);
  }
  std::vector<EventSink*> sinks_;
};

}  // namespace vmstate
