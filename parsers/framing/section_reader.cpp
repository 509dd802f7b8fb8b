// SPDX-License-Identifier: Apache-2.0
// One section: header, body, footer, and what to do where one of them is not what it should be.
#include "parsers/framing/section_reader.hpp"

#include <algorithm>
#include <array>

#include "formats/base/cursor.hpp"
#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/api/registry.hpp"
#include "parsers/framing/body_extent.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

constexpr std::size_t sight = boundary_sight;

SectionType type_of(std::uint8_t byte) {
  switch (byte) {
    case section_start: return SectionType::start;
    case section_part: return SectionType::part;
    case section_end: return SectionType::end;
    default: return SectionType::full;
  }
}
// Iterable sections of one machine: RAM, disks, bitmaps, page attributes.
constexpr std::size_t most_open_sections = 256;
bool has_long_header(SectionType type) { return type == SectionType::start || type == SectionType::full; }

class SectionReader {
 public:
  explicit SectionReader(WalkState& walk) : walk_(walk), in_(walk.in()) {}

  void read() {
    if (!read_header()) return;
    walk_.findings().set_section(section_label(header_));
    read_body_and_footer();
    walk_.findings().set_section({});
  }

 private:
  enum class After : std::uint8_t { boundary, stream_over };

  // --- header -------------------------------------------------------------------------------------------------------

  // False: no section could be read here; the walk went on or is over.
  bool read_header() {
    const Offset at = in_.position();
    const auto assumed = walk_.assumed_type;
    walk_.assumed_type.reset();
    const Bytes view = in_.peek(longest_header_size);
    Cursor cursor(view, at);
    const std::uint8_t type = assumed ? *assumed : cursor.u8("section type");
    header_.type = type_of(type);
    header_.id = cursor.be32("section id");
    header_.package_depth = walk_.package_depth;
    if (has_long_header(header_.type)) {
      header_.name = std::string(cursor.counted_text("section name"));
      header_.instance = cursor.be32("instance id");
      header_.version = cursor.be32("section version");
    }
    if (!cursor) return header_cut(at, view, cursor.failed_field());
    header_.range = {at, cursor.consumed()};
    return has_long_header(header_.type) ? check_long_header(view) : find_opened();
  }

  bool header_cut(Offset at, Bytes view, std::string_view field) {
    // A length byte that points beyond the end may be damage with good sections behind it.
    const bool name_odd = !header_.name.empty() && !credible_name(header_.name);
    if (view.size() >= longest_header_size || name_odd) return header_damaged(at, "its name is not printable");
    walk_.findings().add(Code::ends_in_header, {at, view.size()},
                         "the stream ends inside a section header (" + std::string(field) + ")");
    skip_rest(walk_, Gap::Kind::lost, "incomplete section header");
    walk_.finish(StreamEndKind::truncated);
    return false;
  }

  bool header_damaged(Offset at, const std::string& why) {
    walk_.findings().add(Code::header_damaged, {at, std::max<std::uint64_t>(header_.range.size, 1)},
                         "the section header at " + offset_text(at) + " cannot be right: " + why);
    resynchronise(walk_, "damaged section header");
    return false;
  }

  bool check_long_header(Bytes view) {
    if (header_.name.empty()) return header_damaged(header_.range.offset, "its name is empty");
    if (!credible_name(header_.name)) return header_damaged(header_.range.offset, "its name is not printable");
    const bool type_zeroed = !view.empty() && view[0] == eof;
    if (!type_zeroed && !credible_long_header(view) && !walk_.knows_name(header_.name))
      return header_damaged(header_.range.offset, "instance or version are out of proportion");
    remember_name();
    if (header_.type == SectionType::start)
      begin_section();
    else
      check_full_id();
    return true;
  }

  void remember_name() {
    if (walk_.names_seen.size() < walk_.context.limits.remembered_sections) walk_.names_seen.insert(header_.name);
    walk_.ram_started = walk_.ram_started || header_.name == "ram";
  }

  void id_reused(const std::string& owner) {
    walk_.findings().add(Code::section_id_reused, {header_.range.offset + 1, 4},
                         "section id " + std::to_string(header_.id) + " belongs to '" + owner + "' already");
  }

  void begin_section() {
    if (const auto full = walk_.full_ids.find(header_.id); full != walk_.full_ids.end()) id_reused(full->second);
    const auto [it, added] = walk_.open.try_emplace(header_.id);
    OpenSection& open = it->second;
    if (!added) {
      const bool same = open.header.name == header_.name && open.header.instance == header_.instance;
      if (same)
        walk_.findings().add(Code::started_twice, header_.range, "'" + section_label(header_) + "' is started twice");
      else
        id_reused(section_label(open.header));
    } else if (walk_.open.size() > most_open_sections) {
      walk_.open.erase(it);  // no machine has so many: the ids are noise
      return;
    } else {
      walk_.open_ids.push_back(header_.id);
    }
    open.header = header_;
    open.ended = false;
    open.parser = walk_.context.registry.section_for(header_.name, header_.version, header_.type);
    open.body = open.parser == nullptr ? nullptr : open.parser->begin();
    if (open.parser == nullptr)
      walk_.findings().add(Code::section_unknown, header_.range, "no parser knows sections called '" + header_.name + "'");
    opened_ = &open;
  }

  void check_full_id() {
    if (const auto it = walk_.open.find(header_.id); it != walk_.open.end()) id_reused(section_label(it->second.header));
    if (walk_.full_ids.size() >= walk_.context.limits.remembered_sections) return;
    const auto [it, added] = walk_.full_ids.try_emplace(header_.id, section_label(header_));
    // The same section once more is a duplicate, which the completeness pass reports.
    if (!added && it->second != section_label(header_)) id_reused(it->second);
  }

  bool find_opened() {
    const auto it = walk_.open.find(header_.id);
    if (it == walk_.open.end()) return never_started();
    take_identity(it->second);
    if (opened_->ended)
      walk_.findings().add(Code::duplicate_part_after_end, header_.range,
                           "'" + section_label(header_) + "' goes on after its end");
    if (header_.type == SectionType::end) {
      opened_->ended = true;
      std::erase(walk_.open_ids, header_.id);
    }
    return true;
  }

  // The only open section may take the content: a damaged id loses nothing then.
  bool never_started() {
    walk_.findings().add(Code::section_never_started, {header_.range.offset + 1, 4},
                         "a " + std::string(to_string(header_.type)) + " record of section " +
                             std::to_string(header_.id) + ", which was never started");
    if (walk_.open.size() == 1) {
      OpenSection& only = walk_.open.begin()->second;
      if (only.parser != nullptr && only.parser->could_continue(behind_header())) {
        take_identity(only);
        return true;
      }
    }
    resynchronise(walk_, "section that was never started");
    return false;
  }

  void take_identity(OpenSection& section) {
    opened_ = &section;
    header_.name = section.header.name;
    header_.instance = section.header.instance;
    header_.version = section.header.version;
  }

  Bytes behind_header() {
    const Bytes view = in_.peek(longest_header_size);
    return view.subspan(std::min<std::size_t>(view.size(), static_cast<std::size_t>(header_.range.size)));
  }

  // --- body ---------------------------------------------------------------------------------------------------------

  void read_body_and_footer() {
    const auto header_size = static_cast<std::size_t>(header_.range.size);
    walk_.events().on(SectionBegin{header_, in_.peek(header_size).first(header_size)});
    in_.skip(header_.range.size);
    body_at_ = in_.position();
    const After after = opened_ != nullptr && opened_->body != nullptr ? self_delimiting_body() : opaque_or_described_body();
    const ByteRange body = ByteRange::between(body_at_, in_.position());
    SectionEnd event{header_, body, boundary_, std::nullopt, {}};
    if (after == After::boundary) read_footer(event);
    walk_.events().on(event);
    if (needs_resynchronisation_ && !walk_.end) resynchronise(walk_, "unreadable section");
  }

  After self_delimiting_body() {
    SectionContext context{in_,           walk_.events(), walk_.findings(), walk_.context.limits,
                           walk_.context.options, walk_.facts, header_, walk_.context.progress};
    switch (opened_->body->parse(context)) {
      case BodyEnd::complete: boundary_ = Boundary::self; return After::boundary;
      case BodyEnd::cut: return body_cut(opened_->parser->cut_code(), opened_->body->cut_in());
      case BodyEnd::damaged: return find_end_of_damaged();
      case BodyEnd::not_read: return pass_unread_body();
    }
    return After::boundary;
  }

  After body_cut(Code code, const std::string& where) {
    boundary_ = Boundary::end;
    walk_.findings().add(code, {in_.position(), 0},
                         "the stream ends inside the body of '" + section_label(header_) + "'" +
                             (where.empty() ? "" : ", in " + where));
    skip_rest(walk_, Gap::Kind::lost, "incomplete body");
    walk_.finish(StreamEndKind::truncated);
    return After::stream_over;
  }

  // A version of the body that this build does not read: whole, but only its end can be searched.
  After pass_unread_body() {
    auto at = find_next_record(in_, walk_.search_facts(), walk_.context.limits);
    if (!at) at = single_end_byte(in_, walk_.context.limits);
    if (!at) return find_end_of_damaged();
    boundary_ = Boundary::scan;
    const Bytes view = in_.peek(*at);
    if (walk_.facts.footers != false && *at >= footer_size && is_footer_of(view.subspan(*at - footer_size), header_.id)) {
      *at -= footer_size;
      boundary_ = Boundary::footer;
    }
    pass_payload(*at, "not read");
    return After::boundary;
  }

  After find_end_of_damaged() {
    if (walk_.facts.footers != false) {
      if (const auto at = find_footer(in_, header_.id, std::nullopt, walk_.search_facts(), walk_.context.limits)) {
        skip_lost(walk_, *at, "unreadable body");
        boundary_ = Boundary::footer;
        return After::boundary;
      }
    }
    boundary_ = Boundary::scan;
    needs_resynchronisation_ = true;
    return After::stream_over;
  }

  // A FULL section, or one whose kind no parser knows.
  After opaque_or_described_body() {
    BodyExtent extent = find_body_extent(walk_, header_);
    boundary_ = extent.boundary;
    device_ = extent.device;
    layout_ = std::move(extent.layout);
    if (extent.size) return take_body(*extent.size);
    const std::size_t sight_limit = walk_.context.limits.lookahead;
    const std::uint64_t left = in_.remaining().value_or(in_.peek(sight_limit).size());
    // Without any boundary up to the end of the data the stream ends in this body; a part of its footer may be left.
    if (left < sight_limit || (device_ && left < extent.described_size)) return incomplete_body(left);
    walk_.findings().add(Code::boundary_lost, {body_at_, 0}, "the end of '" + section_label(header_) + "' could not be found");
    boundary_ = Boundary::end;
    skip_rest(walk_, Gap::Kind::lost, "section without end");
    walk_.finish(StreamEndKind::unreadable);
    return After::stream_over;
  }

  // A record of a subsection without content at the very end: nothing but a loader that knows it takes it.
  void check_for_empty_subsection(Bytes body) {
    constexpr std::size_t mark_length_version = 1 + 1 + 4;
    constexpr std::size_t shortest_name = 3;
    const std::size_t longest = std::min(body.size(), longest_subsection_header_size);
    for (std::size_t size = mark_length_version + shortest_name; size <= longest; ++size) {
      const Bytes record = body.last(size);
      if (record[0] != subsection || record[1] != size - mark_length_version) continue;
      const auto name = as_text(record.subspan(2, record[1]));
      // A device's own subsection may well be empty ("rtl8139/hotplug_ready").
      const auto bare = std::string_view(header_.name).substr(header_.name.rfind('/') + 1);
      if (!credible_name(name) || name.starts_with(bare)) continue;
      walk_.findings().add(Code::subsection_appended, {body_at_ + body.size() - size, size},
                           "'" + section_label(header_) + "' ends with an empty subsection '" + std::string(name) + "'")
          .severity = Severity::warning;
      return;
    }
  }

  After take_body(std::uint64_t size) {
    const auto& limits = walk_.context.limits;
    if (size > limits.body) {
      walk_.findings().add(Code::limit_body, {body_at_, size}, "'" + section_label(header_) + "' is " +
                               std::to_string(size) + " bytes long and shown as bytes");
      pass_payload(size, "device state");
      return After::boundary;
    }
    const Bytes body = in_.peek(static_cast<std::size_t>(size)).first(static_cast<std::size_t>(size));
    send_state(body);
    in_.skip(size);
    return After::boundary;
  }

  After incomplete_body(std::uint64_t left) {
    const std::size_t footer = footer_begun(left);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left - footer, walk_.context.limits.body));
    const Bytes body = in_.peek(size).first(size);
    boundary_ = footer > 0 ? Boundary::footer : Boundary::end;
    std::string where;
    if (device_) {
      auto decoded = decode(body);
      for (const DecodeProblem& problem : decoded.problems)
        if (problem.code == Code::field_beyond_body) where = ": " + problem.message;
      send(decoded.tree, body);
    } else if (layout_ && layout_->stop == LayoutStop::data && layout_->size <= size) {
      if (!layout_->stopped_in.empty()) where = ", in '" + layout_->stopped_in + "'";
      add_gap(layout_->tree, ByteRange::between(body_at_ + layout_->size, body_at_ + size));
      send(layout_->tree, body);
    } else {
      send(opaque_body({body_at_, size}), body);
    }
    in_.skip(size);
    const std::string name = "'" + section_label(header_) + "'";
    auto& finding = footer > 0
                        ? walk_.findings().add(Code::ends_in_footer, {in_.position(), footer}, "the stream ends inside the footer of " + name)
                        : walk_.findings().add(Code::ends_in_body, {body_at_ + left, 0},
                                               device_ || !where.empty() || walk_.facts.footers == true
                                                   ? "the stream ends inside " + name + where
                                                   : "no end of " + name + " was found: the stream ends inside it, or bytes follow the stream");
    finding.hint = "the sections before it are whole";
    skip_rest(walk_, Gap::Kind::lost, footer > 0 ? "incomplete footer" : "incomplete body");
    walk_.finish(StreamEndKind::truncated);
    return After::stream_over;
  }

  // How many bytes of this section's footer end the data: at least its mark and one byte of the id.
  std::size_t footer_begun(std::uint64_t left) {
    if (walk_.facts.footers == false || device_) return 0;
    const Bytes rest = in_.peek(walk_.context.limits.lookahead);
    if (rest.size() != left) return 0;
    const std::array<std::uint8_t, footer_size> whole{section_footer, static_cast<std::uint8_t>(header_.id >> 24),
                                                      static_cast<std::uint8_t>(header_.id >> 16),
                                                      static_cast<std::uint8_t>(header_.id >> 8),
                                                      static_cast<std::uint8_t>(header_.id)};
    for (std::size_t size = footer_size; size >= 2; --size)
      if (rest.size() >= size && std::ranges::equal(rest.last(size), std::span(whole).first(size))) return size;
    return 0;
  }

  static void add_gap(FieldTree& tree, ByteRange range) {
    if (range.empty()) return;
    Field gap;
    gap.kind = Field::Kind::gap;
    gap.name = "(incomplete)";
    gap.type = "bytes";
    gap.range = range;
    tree.fields.push_back(std::move(gap));
  }

  void send_state(Bytes body) {
    if (boundary_ == Boundary::layout) {
      report(layout_->problems);
      return send(layout_->tree, body);
    }
    if (!device_) {
      check_for_empty_subsection(body);
      return send(opaque_body({body_at_, body.size()}), body);
    }
    const auto& model = walk_.description->model;
    // A body of another length than described is decoded as far as it goes; an array described wrongly is not.
    if (boundary_ != Boundary::description && model.has_writer_defect(model.device_node(*device_)))
      return send(opaque_body({body_at_, body.size()}), body);
    auto decoded = decode(body);
    report(decoded.problems);
    send(decoded.tree, body);
  }

  void report(const std::vector<DecodeProblem>& problems) {
    for (const DecodeProblem& problem : problems)
      walk_.findings().add(problem.code, problem.range, problem.message).field = problem.field;
  }

  DecodedBody decode(Bytes body) {
    const auto& model = walk_.description->model;
    return decode_by_description(model, model.device_node(*device_), body, body_at_,
                                 {.sentinels = has_sentinels(walk_.facts)}, walk_.context.limits);
  }

  void send(const FieldTree& tree, Bytes body) {
    walk_.events().on(DeviceState{header_, tree, {body_at_, body.size()}, body});
  }

  void pass_payload(std::uint64_t size, std::string_view label) {
    constexpr std::size_t step = 1 << 20;
    while (size > 0) {
      const Bytes view = in_.peek(static_cast<std::size_t>(std::min<std::uint64_t>(size, step)));
      if (view.empty()) return;
      const Bytes piece = view.first(static_cast<std::size_t>(std::min<std::uint64_t>(size, view.size())));
      walk_.events().on(Payload{label, {in_.position(), piece.size()}, piece});
      size -= piece.size();
      in_.skip(piece.size());
    }
  }

  // --- footer -------------------------------------------------------------------------------------------------------

  void read_footer(SectionEnd& event) {
    const Offset at = in_.position();
    const Bytes view = in_.peek(sight);
    if (is_footer_of(view, header_.id)) {
      if (walk_.facts.footers == false) footers_after_all();
      walk_.facts.footers = true;
      event.footer = ByteRange{at, footer_size};
      event.footer_bytes = view.first(footer_size);
      in_.skip(footer_size);
      return;
    }
    const bool record = credible_record(view, walk_.open_ids, view.size() < sight);
    if (!walk_.facts.footers) {
      // The first section decides: a record that follows at once means that this stream has none.
      const bool footer_mark = !view.empty() && view[0] == section_footer;
      const bool damaged_footer = footer_mark && (view.size() < footer_size ||
                                                  credible_record(view.subspan(footer_size), walk_.open_ids, false));
      if (!damaged_footer) {
        if (record || (!view.empty() && view[0] == eof)) {
          walk_.facts.footers = false;
          walk_.without_footer = {section_label(header_), at};
        }
        return;
      }
      walk_.facts.footers = true;
    }
    if (!*walk_.facts.footers) return;
    bad_footer(at, view, record);
  }

  // The section that made it look like a stream without footers has lost its own.
  void footers_after_all() {
    auto& finding = walk_.findings().add(Code::footer_missing, {walk_.without_footer.second, 1},
                                         "no footer follows '" + walk_.without_footer.first + "', but sections behind it have footers");
    finding.section = walk_.without_footer.first;
  }

  void bad_footer(Offset at, Bytes view, bool record) {
    const bool at_end = view.size() < footer_size;
    if (at_end && (view.empty() || view[0] == section_footer)) {
      walk_.findings().add(Code::ends_in_footer, {at, view.size()},
                           view.empty() ? "the stream ends before the footer of '" + section_label(header_) + "'"
                                        : "the stream ends inside the footer of '" + section_label(header_) + "'");
      skip_rest(walk_, Gap::Kind::lost, "incomplete footer");
      return walk_.finish(StreamEndKind::truncated);
    }
    const bool follows = view.size() >= footer_size &&
                         credible_record(view.subspan(footer_size), walk_.open_ids, view.size() < sight);
    if (view[0] == section_footer && view.size() >= footer_size && follows) {
      walk_.findings().add(Code::footer_wrong_id, {at + 1, 4},
                           "the footer of '" + section_label(header_) + "' (section " + std::to_string(header_.id) +
                               ") carries id " + std::to_string(load_be32(&view[1])));
      return skip_lost(walk_, footer_size, "footer with a wrong id");
    }
    auto& finding = walk_.findings().add(Code::footer_missing, {at, 1},
                                         "no footer follows '" + section_label(header_) + "' (section " +
                                             std::to_string(header_.id) + ")");
    finding.evidence.assign(view.begin(), view.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(view.size(), 16)));
    if (record) return;
    if (follows && view.size() >= footer_size && load_be32(&view[1]) == header_.id) {
      finding.message += ": its first byte is " + std::to_string(view[0]) + " instead of 126";
      return skip_lost(walk_, footer_size, "damaged footer");
    }
    needs_resynchronisation_ = true;
  }

  WalkState& walk_;
  ForwardReader& in_;
  SectionHeader header_;
  OpenSection* opened_ = nullptr;
  Offset body_at_ = 0;
  Boundary boundary_ = Boundary::self;
  std::optional<std::size_t> device_;  ///< position in the description
  std::optional<LayoutDecoding> layout_;
  bool needs_resynchronisation_ = false;
};

}  // namespace

void read_section(WalkState& walk) { SectionReader(walk).read(); }

}  // namespace vmstate
