// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "parsers/api/stream_parser.hpp"

namespace vmstate {

/// What is known of the stream while its sections are read.
struct StreamFacts {
  std::uint32_t version = 0;                 ///< of the stream format
  std::optional<std::uint64_t> page_size;    ///< of the target; nothing: not known (yet)
  std::set<std::string> capabilities;        ///< from the configuration section
  std::optional<std::uint64_t> postcopy_page_sizes;  ///< first word of a 16-byte POSTCOPY_ADVISE
  std::optional<bool> footers;               ///< nothing: not seen yet
  bool has(std::string_view capability) const { return capabilities.contains(std::string(capability)); }
};

/// Whether each struct element is followed by a byte 0x06: docs/formats/sentinel.md.
inline bool has_sentinels(const StreamFacts& facts) { return facts.version == 4; }

struct SectionContext {
  ForwardReader& in;
  EventSink& events;
  Findings& findings;
  const Limits& limits;
  ParseOptions options;
  const StreamFacts& facts;
  const SectionHeader& header;
  ProgressSink* progress = nullptr;
};

enum class BodyEnd : std::uint8_t {
  complete,  ///< the reader stands behind the body
  cut,       ///< the stream ended inside
  not_read,  ///< nothing was read: a version of this body that the parser knows of but cannot read; a Finding says so
  damaged    ///< the reader stands where the body stopped making sense; a Finding says why
};

/// Reads the bodies of one iterable or self-delimiting section, START to END: it may keep state between them.
class SectionBody {
 public:
  virtual ~SectionBody() = default;
  virtual BodyEnd parse(SectionContext& context) = 0;
  /// After BodyEnd::cut: in which element, for people; or empty.
  virtual std::string cut_in() const { return {}; }
};

/// Knows the body of one kind of section that delimits itself.
class SectionParser {
 public:
  virtual ~SectionParser() = default;
  virtual std::string_view name() const = 0;  ///< file name of the plug-in: "ram"
  virtual std::string_view description() const = 0;
  /// Whether it reads sections that are called so.
  virtual bool accepts(std::string_view section, std::uint32_t version, SectionType type) const = 0;
  virtual std::unique_ptr<SectionBody> begin() const = 0;
  /// Whether the first bytes of a PART or END body look like this kind.
  virtual bool could_continue(Bytes) const { return false; }
  /// The finding that fits when the stream ends inside such a body.
  virtual Code cut_code() const { return Code::ends_in_body; }
};

}  // namespace vmstate
