// SPDX-License-Identifier: Apache-2.0
// The end of a stream: its end byte, the description, what follows. docs/formats/qevm.md and description.md.
#include <algorithm>

#include "formats/base/cursor.hpp"
#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/api/registry.hpp"
#include "parsers/framing/section_reader.hpp"
#include "parsers/framing/walk_state.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

bool begins_stream(Bytes bytes) {
  return bytes.size() >= header_size && load_be32(bytes.data()) == magic && load_be32(&bytes[4]) <= 4;
}

// Zero bytes at the reader, without moving; counted up to the lookahead.
std::size_t zeros_ahead(ForwardReader& in, const Limits& limits) {
  for (std::size_t reach = 1 << 12;; reach = std::min(reach * 8, limits.lookahead)) {
    const Bytes view = in.peek(reach);
    const auto other = std::ranges::find_if(view, [](std::uint8_t byte) { return byte != 0; });
    const auto zeros = static_cast<std::size_t>(other - view.begin());
    if (other != view.end() || view.size() < reach || reach >= limits.lookahead) return zeros;
  }
}

void check_description(WalkState& walk, const LocatedDescription& found) {
  auto& findings = walk.findings();
  const ByteRange range{found.at, description_header_size + found.available};
  const auto& model = found.model;
  const bool ends_early = found.available < found.announced;
  if (model.too_large()) {
    findings.add(Code::description_too_large, range, "the description has more than " +
        std::to_string(walk.context.limits.description_fields) + " fields or " +
        std::to_string(walk.context.limits.description) + " bytes");
  } else if (model.error_offset() && ends_early && *model.error_offset() >= found.available) {
    findings.add(Code::description_cut, {found.at + description_header_size + found.available, 0},
                 "the description ends after " + std::to_string(found.available) + " of " +
                     std::to_string(found.announced) + " bytes");
  } else if (model.error_offset() && *model.error_offset() >= found.announced) {
    findings.add(Code::description_length_wrong, {found.at + 1, 4},
                 "the description is announced with " + std::to_string(found.announced) + " bytes but goes on");
  } else if (model.error_offset()) {
    findings.add(Code::description_corrupt, {found.at + description_header_size + *model.error_offset(), 1},
                 "the description is no JSON from byte " + std::to_string(*model.error_offset()) + " of its text on; " +
                     std::to_string(model.devices().size()) + " devices stand before that");
  } else if (model.text_size() != found.announced) {
    findings.add(Code::description_length_wrong, {found.at + 1, 4},
                 "the description is announced with " + std::to_string(found.announced) + " bytes, its text has " +
                     std::to_string(model.text_size()));
  }
  if (!model.plausible() && !model.error_offset())
    findings.add(Code::description_odd, range, "the description lists no devices");
}

// The description at the reader: claims it, or what there is of it.
void read_description_here(WalkState& walk) {
  auto& in = walk.in();
  if (!walk.description || walk.description->at != in.position()) {
    walk.description = read_description(in, in.position(), walk.context.limits);
    publish_description(walk);
  }
  const LocatedDescription& found = *walk.description;
  check_description(walk, found);
  std::uint64_t text = found.announced;
  if (found.model.complete() && found.model.text_size() != found.announced) text = found.model.text_size();
  text = std::min(text, found.available);
  Description event;
  event.range = {found.at, description_header_size + text};
  event.text = {found.at + description_header_size, text};
  const auto size = static_cast<std::size_t>(event.range.size);
  const Bytes bytes = in.peek(size);
  event.bytes = bytes.first(std::min(size, bytes.size()));
  walk.description_seen = true;
  walk.events().on(event);
  in.skip(event.range.size);
}

bool devices_remain(const WalkState& walk) {
  return walk.description && walk.next_device < walk.description->model.devices().size();
}

void say_premature(WalkState& walk, Offset at, std::uint64_t zeros) {
  std::string message = "the zero byte at " + offset_text(at) + " ends the stream for every loader, but ";
  if (walk.names_seen.empty()) {
    message = "the zero byte at " + std::to_string(at) + " ends the stream before its first section";
  } else if (devices_remain(walk)) {
    const auto& devices = walk.description->model.devices();
    message += "the description lists " + std::to_string(devices.size() - walk.next_device) + " more devices from '" +
               devices[walk.next_device].name + "' on";
  } else {
    message += "records of the stream follow";
  }
  walk.findings().add(Code::premature_eof, {at, 1}, message).hint =
      "QEMU starts the machine with those devices in their reset state and reports success; do not load this file";
  if (zeros >= 16)
    walk.findings().add(Code::zero_run, {at, zeros}, std::to_string(zeros) + " zero bytes stand where records belong");
}

void claim_end_byte(WalkState& walk, bool premature) {
  EndOfStream event;
  event.range = {walk.in().position(), 1};
  event.premature = premature;
  walk.events().on(event);
  walk.in().skip(1);
}

// Nothing but zero bytes follow a zero byte: padding behind the end, or the rest of the stream lost.
bool rest_was_zeroed(const WalkState& walk) {
  // Streams with footers (2.4 and later) always carry a description except after postcopy and in device-only states.
  return walk.names_seen.empty() || devices_remain(walk) || (walk.facts.footers == true && walk.ram_started && !walk.postcopy);
}

// Another stream begins in front of the description: it describes that one.
void disown_description(WalkState& walk) {
  walk.description.reset();
  walk.events().on(DescriptionKnown{{}, std::nullopt, false});
}

// The type byte at the reader is zero but a header of this type would fit: which type was lost.
std::optional<std::uint8_t> zeroed_type(WalkState& walk, Bytes view) {
  std::vector<std::uint8_t> repaired(view.begin(), view.end());
  repaired.front() = section_full;
  if (const auto header = likely_long_header(repaired)) {
    const bool iterable = walk.context.registry.section_for(header->name, header->version, SectionType::start) != nullptr;
    return iterable && !walk.names_seen.contains(header->name) ? section_start : section_full;
  }
  repaired.front() = section_part;
  if (credible_record(repaired, walk.open_ids, false)) return section_part;
  return std::nullopt;
}

void go_on_behind(WalkState& walk, std::uint64_t zeros) {
  say_premature(walk, walk.in().position(), zeros);
  claim_end_byte(walk, true);
  walk.premature_eof = true;
}

void skip_to_description(WalkState& walk) {
  auto& in = walk.in();
  const Offset at = in.position();
  claim_end_byte(walk, false);
  const std::uint64_t between = walk.description->at - in.position();
  walk.findings().add(Code::description_misplaced, {at + 1, between},
                      bytes_text(between) + (between == 1 ? " stands" : " stand") + " between the end of the stream and its description");
  skip_lost(walk, between, "bytes before the description");
  read_description_here(walk);
  walk.finish(StreamEndKind::eof);
}

// `rest` is all that is left: the end byte and less of a description than tells what it is.
void description_barely_begun(WalkState& walk, Bytes rest) {
  const std::vector<std::uint8_t> begun(rest.begin() + 1, rest.end());
  claim_end_byte(walk, false);
  const ByteRange range{walk.in().position(), begun.size()};
  walk.findings().add(Code::description_cut, {range.end(), 0},
                      "the description ends after " + bytes_text(range.size) + ", in its header or its first word");
  walk.events().on(Description{range, {range.end(), 0}, begun});
  walk.description_seen = true;
  walk.in().skip(range.size);
  walk.finish(StreamEndKind::eof);
}

// A description whose text is damaged from its first byte on: its length leads exactly to the end of the data.
bool description_fills_rest(WalkState& walk) {
  auto& in = walk.in();
  constexpr std::size_t in_front = 1 + description_header_size;
  const Bytes view = in.peek(in_front);
  if (view.size() < in_front || view[1] != vmdescription) return false;
  const std::uint64_t whole = in_front + std::uint64_t{load_be32(&view[2])};
  if (const auto left = in.remaining()) return *left == whole;
  return whole < walk.context.limits.lookahead && in.peek(static_cast<std::size_t>(whole) + 1).size() == whole;
}

}  // namespace

void read_end_of_stream(WalkState& walk) {
  auto& in = walk.in();
  const Offset at = in.position();
  if (const Bytes rest = in.peek(longest_header_size); rest.size() < longest_header_size && is_described_end_cut(rest))
    return description_barely_begun(walk, rest);
  if (is_described_end(in.peek(longest_header_size)) || description_fills_rest(walk)) {
    claim_end_byte(walk, false);
    read_description_here(walk);
    return walk.finish(StreamEndKind::eof);
  }
  if (!walk.description) {
    walk.description = walk.look_ahead(std::nullopt);
    if (walk.description) publish_description(walk);
  }
  const Bytes view = in.peek(longest_header_size + footer_size);
  const bool record_behind =
      view.size() > 1 && view[1] != eof && credible_record(view.subspan(1), walk.open_ids, false);
  if (record_behind) return go_on_behind(walk, 1);
  walk.assumed_type = zeroed_type(walk, view);
  if (walk.assumed_type) return go_on_behind(walk, 1);

  const std::size_t zeros = zeros_ahead(in, walk.context.limits);
  if (const Bytes behind = in.peek(zeros + header_size); begins_stream(behind.subspan(std::min(zeros, behind.size())))) {
    if (walk.description) disown_description(walk);
    claim_end_byte(walk, false);
    return walk.finish(StreamEndKind::eof);
  }
  const bool zeros_to_end = in.peek(zeros + 1).size() == zeros;
  if (zeros_to_end && (zeros > 1 || walk.names_seen.empty()) && rest_was_zeroed(walk)) {
    go_on_behind(walk, zeros);
    skip_rest(walk, Gap::Kind::lost, "zero-filled tail");
    return walk.finish(StreamEndKind::eof);
  }
  if (walk.description && walk.description->at > at + 1) {
    if (!devices_remain(walk)) return skip_to_description(walk);
    go_on_behind(walk, zeros);
    resynchronise(walk, "hole");
    return;
  }
  claim_end_byte(walk, false);
  walk.finish(StreamEndKind::eof);
}

void read_trailing(WalkState& walk) {
  constexpr std::size_t step = 1 << 20;
  auto& in = walk.in();
  const Offset at = in.position();
  Bytes view;
  while (!(view = in.peek(step)).empty()) {
    const auto other = std::ranges::find_if(view, [](std::uint8_t byte) { return byte != 0; });
    const auto zeros = static_cast<std::size_t>(other - view.begin());
    if (zeros > 0) walk.events().on(Gap{Gap::Kind::padding, {in.position(), zeros}, "zero padding"});
    in.skip(zeros);
    if (other != view.end()) break;
  }
  const Offset content = in.position();
  if (content > at)
    walk.findings().add(Code::trailing_zeros, {at, content - at},
                        std::to_string(content - at) + " zero bytes follow the stream");
  if (in.at_end()) return;
  const bool stream = begins_stream(in.peek(header_size));
  const std::uint64_t size = skip_rest(walk, Gap::Kind::trailing, stream ? "second stream" : "trailing bytes");
  if (stream)
    walk.findings().add(Code::second_stream, {content, size},
                        "another stream begins behind the end of this one, at " + offset_text(content))
        .hint = "cut it out (from its offset on) to look at it";
  else
    walk.findings().add(Code::trailing_bytes, {content, size},
                        bytes_text(size) + (size == 1 ? " follows" : " follow") + " the end of the stream");
}

}  // namespace vmstate
