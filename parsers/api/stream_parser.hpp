// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/forward_reader.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

class LayoutCatalogue;
class Registry;

/// Called now and then with the position in the stream, for progress.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  virtual void at(Offset position) = 0;
};

/// What the caller needs of a stream, so that a parser may leave undone what nobody asked for.
struct ParseOptions {
  bool check_page_content = true;  ///< decode XBZRLE and compressed pages, not only measure them
  const LayoutCatalogue* layouts = nullptr;  ///< of devices that no description covers; null: those of this build
  bool mapped_content = false;     ///< send the stored pages of mapped-ram areas, which otherwise are not read at all
};

struct ParseContext {
  ForwardReader& in;
  EventSink& events;
  Findings& findings;
  const Limits& limits;
  const Registry& registry;
  ParseOptions options;
  ProgressSink* progress = nullptr;  ///< may be null
};

/// Frames one stream version: sections, footers, commands, end. Stateless; all state is in the call.
class StreamParser {
 public:
  virtual ~StreamParser() = default;
  virtual std::string_view name() const = 0;  ///< "qevm-v3"
  virtual std::string_view description() const = 0;
  /// `head`: the first bytes of the source, at least 512 unless it is shorter.
  virtual bool recognises(Bytes head) const = 0;
  /// Sends events to the end of the input, whatever it holds. A fault of the medium stays in context.in.
  virtual void parse(ParseContext& context) const = 0;
};

}  // namespace vmstate
