// SPDX-License-Identifier: Apache-2.0
// The records of a stream: docs/formats/qevm.md.
#include "parsers/framing/qevm_walker.hpp"

#include <algorithm>
#include <utility>

#include "formats/base/cursor.hpp"
#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/api/registry.hpp"
#include "parsers/framing/section_reader.hpp"
#include "parsers/framing/walk_state.hpp"

namespace vmstate {

using namespace wire::qevm;

bool WalkState::knows_name(std::string_view name) const {
  return names_seen.contains(name) || (description && description->model.lists(name));
}

std::optional<LocatedDescription> WalkState::look_ahead(std::optional<Offset> before) {
  const Offset from = context.in.position();
  if (from < looked_until) return std::nullopt;
  looked_until = from + context.limits.lookahead / 2;
  return locate_ahead(context.in, before, context.limits);
}

void publish_description(WalkState& walk) {
  const VmDescription& model = walk.description->model;
  constexpr std::uint64_t smallest = 256;
  constexpr std::uint64_t largest = 64 << 10;
  const auto page_size = model.page_size();
  const bool sane = page_size && *page_size >= smallest && *page_size <= largest && (*page_size & (*page_size - 1)) == 0;
  if (page_size && !sane)
    walk.findings().add(Code::description_page_size_odd, {walk.description->at, 5},
                        "the description says a page has " + std::to_string(*page_size) + " bytes");
  if (sane) walk.facts.page_size = page_size;
  walk.events().on(DescriptionKnown{model.devices(), page_size, model.complete()});
}

void skip_lost(WalkState& walk, std::uint64_t size, std::string_view reason) {
  if (size == 0) return;
  walk.events().on(Gap{Gap::Kind::lost, {walk.in().position(), size}, reason});
  walk.in().skip(size);
}

std::uint64_t skip_rest(WalkState& walk, Gap::Kind kind, std::string_view reason) {
  constexpr std::size_t step = 1 << 20;
  auto& in = walk.in();
  std::uint64_t total = 0;
  const auto pass = [&](std::uint64_t size) {
    walk.events().on(Gap{kind, {in.position(), size}, reason});
    in.skip(size);
    total += size;
  };
  if (const auto left = in.remaining()) {
    if (*left > 0) pass(*left);
    return total;
  }
  for (Bytes view = in.peek(step); !view.empty(); view = in.peek(step)) pass(view.size());
  return total;
}

namespace {

const CommandKind* command_kind(std::uint16_t number) {
  const auto it = std::ranges::find(commands, number, &CommandKind::number);
  return it == commands.end() ? nullptr : &*it;
}

class QevmWalker {
 public:
  QevmWalker(ParseContext& context, std::uint32_t version) : walk_(context) {
    walk_.facts.version = version;
  }

  void run() {
    if (read_header() && read_start()) {
      read_records(std::nullopt);
      read_trailing(walk_);
    }
    report_end();
  }

 private:
  bool read_header() {
    auto& in = walk_.in();
    const auto bytes = in.peek_exactly(header_size);
    if (!bytes) {
      const Offset at = in.position();
      const std::uint64_t size = skip_rest(walk_, Gap::Kind::lost, "incomplete stream header");
      walk_.findings().add(Code::ends_in_stream_header, {at, size}, "the file ends inside the 8-byte stream header");
      walk_.finish(StreamEndKind::truncated);
      return false;
    }
    StreamBegin event{"qevm", walk_.facts.version, {in.position(), header_size}, *bytes, in.origin()};
    walk_.events().on(event);
    in.skip(header_size);
    return true;
  }

  // The description of a seekable stream comes first: it knows the page size and the length of every device.
  bool read_start() {
    walk_.description = locate_from_end(walk_.in(), walk_.context.limits);
    if (walk_.description) publish_description(walk_);
    return read_configuration(walk_);
  }

  // Records up to the end of the stream, or of the package that ends at `package_end`.
  void read_records(std::optional<Offset> package_end) {
    while (!walk_.end) {
      auto& in = walk_.in();
      if (walk_.context.progress != nullptr) walk_.context.progress->at(in.position());
      if (package_end && in.position() >= *package_end) return;
      if (walk_.assumed_type) {
        read_section(walk_);
        continue;
      }
      const auto type = in.peek_byte();
      if (!type) return ended_between_records();
      read_record(*type);
    }
  }

  void read_record(std::uint8_t type) {
    switch (type) {
      case eof: return read_end_of_stream(walk_);
      case section_start:
      case section_part:
      case section_end:
      case section_full: return read_section(walk_);
      case command: return read_command();
      case section_footer: return stray_footer();
      case configuration: return misplaced_configuration();
      default: return unknown_type(type);
    }
  }

  void ended_between_records() {
    const Offset at = walk_.in().position();
    auto& finding = walk_.findings().add(Code::ends_between_sections, {at, 0},
                                         "the stream ends at " + offset_text(at) + " without its end byte");
    finding.hint = walk_.description_seen ? "" : "the sections before this point are whole";
    walk_.finish(StreamEndKind::truncated);
  }

  void unknown_type(std::uint8_t type) {
    const Offset at = walk_.in().position();
    auto& finding = walk_.findings().add(Code::unknown_section_type, {at, 1},
                                         "byte " + std::to_string(type) + " at " + offset_text(at) +
                                             " is no section type");
    finding.evidence = evidence();
    resynchronise(walk_, "unknown record");
  }

  std::vector<std::uint8_t> evidence() {
    const Bytes view = walk_.in().peek(64);
    return {view.begin(), view.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(view.size(), 64))};
  }

  void stray_footer() {
    auto& in = walk_.in();
    const Bytes view = in.peek(footer_size + longest_header_size);
    const Offset at = in.position();
    walk_.findings().add(Code::stray_footer, {at, std::min(view.size(), footer_size)}, "a footer stands where a section should begin");
    if (view.size() >= footer_size && credible_record(view.subspan(footer_size), walk_.open_ids, false))
      skip_lost(walk_, footer_size, "stray footer");
    else
      resynchronise(walk_, "stray footer");
  }

  void misplaced_configuration() {
    const Offset at = walk_.in().position();
    walk_.findings().add(Code::configuration_misplaced, {at, 1}, "a configuration section stands inside the stream");
    resynchronise(walk_, "misplaced configuration");
  }

  void read_command() {
    auto& in = walk_.in();
    const Offset at = in.position();
    Cursor cursor(in.peek(command_header_size + 0x10000 + 4), at);
    cursor.skip(1, "record type");
    const auto number = cursor.be16("command");
    const auto length = cursor.be16("command length");
    const Bytes payload = cursor.take(length, "command payload");
    const CommandKind* kind = command_kind(number);
    std::optional<std::uint64_t> package;
    const bool packaged = number == command_packaged;
    if (packaged && length == 4 && cursor) package = load_be32(payload.data());
    if (!cursor) {
      walk_.findings().add(Code::ends_in_command, {at, cursor.consumed() + cursor.remaining()},
                           "the stream ends inside a command (" + std::string(cursor.failed_field()) + ")");
      skip_rest(walk_, Gap::Kind::lost, "incomplete command");
      return walk_.finish(StreamEndKind::truncated);
    }
    check_command(at, number, length, kind);
    Command event{};
    event.number = number;
    event.name = kind == nullptr ? "unknown" : kind->name;
    event.range = {at, cursor.consumed()};
    event.bytes = in.peek(cursor.consumed()).first(cursor.consumed());
    event.payload = event.bytes.subspan(command_header_size);
    event.package_depth = walk_.package_depth;
    event.package_size = package;
    note_command(event);
    walk_.events().on(event);
    in.skip(event.range.size);
    if (package) read_package(*package);
  }

  void check_command(Offset at, std::uint16_t number, std::uint16_t length, const CommandKind* kind) {
    constexpr std::uint16_t advise_length = 16;
    if (kind == nullptr)
      walk_.findings().add(Code::command_unknown, {at, command_header_size}, "command " + std::to_string(number) + " is not known");
    else if (kind->length.value_or(length) != length ||
             (number == command_postcopy_advise && length != 0 && length != advise_length))
      walk_.findings().add(Code::command_bad_length, {at + 3, 2},
                           "command '" + std::string(kind->name) + "' has " + bytes_text(length));
  }

  void note_command(const Command& event) {
    if (event.number == command_postcopy_advise && event.payload.size() >= 8)
      walk_.facts.postcopy_page_sizes = load_be64(event.payload.data());
    if (event.number == command_postcopy_listen || event.number == command_postcopy_run || event.package_size)
      walk_.postcopy = true;
  }

  void read_package(std::uint64_t size) {
    const Offset begin = walk_.in().position();
    const auto end = checked_add(begin, size);
    if (!end || walk_.package_depth + 1 > walk_.context.limits.nesting) {
      walk_.findings().add(Code::package_overrun, {begin, 0}, "the package cannot be " + std::to_string(size) + " bytes long");
      return;
    }
    if (walk_.package_depth > 0)
      walk_.findings().add(Code::package_nested, {begin, size}, "a package stands inside another package");
    ++walk_.package_depth;
    const auto outer = std::exchange(walk_.package_end, end);
    read_records(end);
    walk_.package_end = outer;
    --walk_.package_depth;
    walk_.events().on(PackageEnd{walk_.in().position()});
    const bool ended_inside = walk_.end && *walk_.end != StreamEndKind::eof;
    const Offset here = walk_.in().position();
    if (!ended_inside && here != *end)
      walk_.findings().add(Code::package_overrun, ByteRange::between(begin, std::min(here, *end)),
                           "the package announces " + std::to_string(size) + " bytes, its records end after " +
                               std::to_string(here - begin));
  }

  void report_end() {
    if (walk_.scanned_boundaries > 0 && !walk_.description) {
      auto& finding = walk_.findings().add(Code::boundary_guessed, walk_.first_scanned,
                                           "the ends of " + std::to_string(walk_.scanned_boundaries) +
                                               " sections were found by searching for the next header");
      finding.severity = Severity::note;  // the normal case for streams that say nothing of their sections
    }
    StreamEnd event{};
    event.kind = walk_.end.value_or(StreamEndKind::unreadable);
    event.size = walk_.stream_end;
    event.footers = walk_.facts.footers.value_or(false);
    event.description = walk_.description_seen;
    event.page_size = walk_.facts.page_size.value_or(0);
    walk_.events().on(event);
  }

  WalkState walk_;
};

}  // namespace

bool resynchronise(WalkState& walk, std::string_view reason) {
  auto& in = walk.in();
  // Damage that never ends is no damage to a stream any more.
  constexpr std::uint64_t most_resynchronisations = 10000;
  const bool hopeless = ++walk.resynchronisations > most_resynchronisations;
  const auto distance = hopeless ? std::nullopt : find_next_record(in, walk.search_facts(), walk.context.limits);
  const Offset at = in.position();
  if (!distance) {
    walk.findings().add(Code::boundary_lost, {at, 0}, "nothing behind " + offset_text(at) + " could be read");
    skip_rest(walk, Gap::Kind::lost, reason);
    walk.finish(StreamEndKind::unreadable);
    return false;
  }
  const Bytes view = in.peek(*distance).first(*distance);
  const auto zeros = static_cast<std::size_t>(
      std::ranges::find_if(view, [](std::uint8_t byte) { return byte != 0; }) - view.begin());
  auto& finding = walk.findings().add(zeros >= 16 ? Code::zero_run : Code::bytes_skipped, {at, *distance},
                                      bytes_text(*distance) +
                                          (zeros > 0 ? ", the first " + std::to_string(zeros) + " of them zero," : "") +
                                          (*distance == 1 ? " belongs" : " belong") + " to no section; reading goes on at " +
                                          offset_text(at + *distance));
  finding.evidence.assign(view.begin(), view.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(64, view.size())));
  skip_lost(walk, *distance, reason);
  return true;
}

void walk_tagged_records(ParseContext& context, std::uint32_t version) { QevmWalker(context, version).run(); }

}  // namespace vmstate
