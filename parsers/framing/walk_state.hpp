// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "parsers/api/section_parser.hpp"
#include "parsers/framing/description_locator.hpp"
#include "parsers/framing/next_record.hpp"

namespace vmstate {

/// A section that a START began: PART and END refer to it by its id.
struct OpenSection {
  SectionHeader header;  ///< of its START
  const SectionParser* parser = nullptr;
  std::unique_ptr<SectionBody> body;  ///< null where no parser knows it
  bool ended = false;
};

/// Everything a walk through one stream knows so far; one exists for each call of a stream parser.
struct WalkState {
  explicit WalkState(ParseContext& parse_context) : context(parse_context) {}

  ParseContext& context;
  StreamFacts facts;
  std::optional<LocatedDescription> description;
  std::size_t next_device = 0;              ///< position in the description behind the last section that matched
  std::map<std::pair<std::string, std::uint32_t>, std::size_t> matches;  ///< of FULL sections with the description, by name and instance
  std::map<std::uint32_t, OpenSection> open;  ///< by section id
  std::vector<std::uint32_t> open_ids;      ///< keys of `open` that have not ended
  std::unordered_map<std::uint32_t, std::string> full_ids;  ///< labels of FULL sections by id
  std::set<std::string, std::less<>> names_seen;
  std::pair<std::string, Offset> without_footer;  ///< label of the section that decided facts.footers to be false, and its end
  std::optional<std::vector<std::string>> layout_releases;  ///< of QEMU that may have written the bodies, once that was asked
  bool layouts_fit = true;                  ///< every section whose layout is known had it so far
  std::uint64_t scanned_boundaries = 0;     ///< sections whose end was only searched
  ByteRange first_scanned{};
  bool own_description = false;             ///< nothing nearer than `description` is to be searched
  Offset looked_until = 0;                  ///< up to here the description was searched forwards
  std::uint64_t search_budget = 0;
  Offset budget_position = 0;
  std::uint64_t resynchronisations = 0;
  bool ram_started = false;
  bool postcopy = false;
  unsigned package_depth = 0;
  std::optional<Offset> package_end;        ///< of the package that is being read
  std::optional<std::uint8_t> assumed_type; ///< of the record at the reader, whose type byte was zeroed and is behind it
  std::optional<StreamEndKind> end;         ///< set when the walk is over
  bool premature_eof = false;
  Offset stream_end = 0;                    ///< of what belongs to the stream
  bool description_seen = false;            ///< at its place

  ForwardReader& in() { return context.in; }
  EventSink& events() { return context.events; }
  Findings& findings() { return context.findings; }
  void finish(StreamEndKind kind) {
    end = premature_eof && kind == StreamEndKind::eof ? StreamEndKind::premature_eof : kind;
    stream_end = in().position();
  }
  bool knows_id(std::uint32_t id) const { return open.contains(id) || full_ids.contains(id); }
  bool knows_name(std::string_view name) const;
  SearchFacts search_facts() {
    constexpr std::uint64_t basic_budget = std::uint64_t{32} << 20;
    constexpr std::uint64_t budget_per_byte = 4;
    // Grows with what was read, so that searching stays in proportion to the file.
    const Offset position = context.in.position();
    search_budget += budget_per_byte * (position - budget_position) + (budget_position == 0 ? basic_budget : 0);
    budget_position = position;
    return {facts.footers, open_ids, [this](std::uint32_t id) { return knows_id(id); },
            [this](std::string_view name) { return knows_name(name); }, search_budget};
  }
  /// The description ahead of the reader, searched at most once in every stretch of the stream.
  std::optional<LocatedDescription> look_ahead(std::optional<Offset> before);
};

/// Tells the sinks of a description that was just located.
void publish_description(WalkState& walk);

/// Claims `size` bytes at the reader as lost and moves behind them. Passes Gap::Kind::lost.
void skip_lost(WalkState& walk, std::uint64_t size, std::string_view reason);
/// Claims everything that is left and returns how much that was.
std::uint64_t skip_rest(WalkState& walk, Gap::Kind kind, std::string_view reason);

/// The configuration section at the reader, if one is there. False: the stream ended inside it.
bool read_configuration(WalkState& walk);

/// A zero byte at a place for a section type: the end of the stream, or an accident. Ends the walk or goes on behind it.
void read_end_of_stream(WalkState& walk);
/// What follows a complete stream: padding, garbage, another stream.
void read_trailing(WalkState& walk);

/// Goes on at the next credible record, claiming what lies between as lost. False: there is none, the walk is over.
bool resynchronise(WalkState& walk, std::string_view reason);

}  // namespace vmstate
