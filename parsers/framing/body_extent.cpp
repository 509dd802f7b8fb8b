// SPDX-License-Identifier: Apache-2.0
#include "parsers/framing/body_extent.hpp"

#include <algorithm>

#include "formats/base/cursor.hpp"
#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/framing/layout_body.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

constexpr std::size_t sight = boundary_sight;

class BodyExtentFinder {
 public:
  BodyExtentFinder(WalkState& walk, const SectionHeader& header)
      : walk_(walk), in_(walk.in()), header_(header), body_at_(walk.in().position()) {}

  BodyExtent find() {
    find_description();
    match_description();
    BodyExtent out;
    if (header_.type == SectionType::full && !device_) layout_ = match_layout(walk_, header_);
    const bool by_layout = layout_ && layout_->ends_well;
    if (by_layout) boundary_ = Boundary::layout;
    if (by_layout)
      out.size = layout_->decoding.size;
    else if (!layout_ || !layout_->data_ended || find_next_record(in_, walk_.search_facts(), walk_.context.limits))
      out.size = delimit();
    if (layout_ && !by_layout) report_misfit(walk_, header_, *layout_, out.size);
    out.boundary = boundary_;
    out.device = device_;
    if (device_) out.described_size = described_size();
    if (layout_) out.layout = std::move(layout_->decoding);
    return out;
  }

 private:
  void find_description() {
    if (header_.type != SectionType::full || walk_.own_description) return;
    // A file's was found from its end; a nearer one stands behind its devices, far from here. A pipe has nothing else.
    const bool early = walk_.package_depth > 0 || !walk_.ram_started;
    if (early && walk_.description) return;
    const auto before = walk_.description ? std::optional(walk_.description->at) : std::nullopt;
    auto nearer = walk_.look_ahead(before);
    if (walk_.description) walk_.own_description = true;
    // One that is nearer is this stream's own: what stands at the end of the file belongs to something behind it.
    if (!nearer || (walk_.description && !nearer->model.complete())) return;
    walk_.description = std::move(nearer);
    walk_.own_description = true;
    publish_description(walk_);
  }

  void match_description() {
    if (header_.type != SectionType::full || !walk_.description) return;
    const auto& model = walk_.description->model;
    // Only matches are counted: there are no more of them than described devices.
    const auto key = std::make_pair(header_.name, header_.instance);
    const auto counted = walk_.matches.find(key);
    device_ = model.find(header_.name, header_.instance, counted == walk_.matches.end() ? 0 : counted->second);
    if (device_) {
      ++walk_.matches[key];
      walk_.next_device = std::max(walk_.next_device, *device_ + 1);
    } else if (walk_.next_device < model.devices().size() && fits(walk_.next_device)) {
      // A damaged name: what the description expects at this place has exactly this length.
      device_ = walk_.next_device++;
    }
  }

  bool fits(std::size_t device) {
    const auto size = described_size(device);
    return size <= walk_.context.limits.body && is_boundary(size);
  }

  std::uint64_t described_size() const { return described_size(*device_); }

  // A description speaks of the encoding without sentinels.
  std::uint64_t described_size(std::size_t device) const {
    const auto& model = walk_.description->model;
    const std::uint64_t size = model.devices()[device].size;
    return has_sentinels(walk_.facts) ? saturating_add(size, model.struct_elements(model.device_node(device))) : size;
  }

  // Size of the body, or nothing where no boundary is found.
  std::optional<std::uint64_t> delimit() {
    const auto facts = walk_.search_facts();
    const auto& limits = walk_.context.limits;
    if (device_) {
      const std::uint64_t size = described_size();
      const bool beyond_sight = size > limits.lookahead - sight;
      if (beyond_sight ? in_.has(size) : is_boundary(size)) {
        if (const auto at = beyond_sight ? std::nullopt : next_header_beside(size)) return shifted(*at, size);
        boundary_ = Boundary::description;
        return size;
      }
      // A size that the stream cannot hold says nothing about where the footer is.
      const bool possible = !beyond_sight && in_.has(size);
      if (walk_.facts.footers != false) {
        const auto expected = possible ? std::optional(static_cast<std::size_t>(size)) : std::nullopt;
        if (const auto at = find_footer(in_, header_.id, expected, facts, limits)) {
          boundary_ = Boundary::footer;
          size_differs(*at, size);
          return *at;
        }
      }
      if (!in_.has(size)) return std::nullopt;
      // No boundary confirms the description: a footer is damaged, or what follows is.
      if (!beyond_sight && walk_.facts.footers != true) {
        if (const auto at = find_next_record(in_, facts, limits); at && *at < size + size / 2 + 64) {
          boundary_ = Boundary::scan;
          size_differs(*at, size);
          return *at;
        }
      }
      boundary_ = Boundary::description;
      return size;
    }
    if (walk_.facts.footers != false) {
      if (const auto at = find_footer(in_, header_.id, std::nullopt, facts, limits)) {
        boundary_ = Boundary::footer;
        return *at;
      }
      if (walk_.facts.footers == true && !find_next_record(in_, facts, limits)) return std::nullopt;
    }
    return scan(facts);
  }

  // Without footers a zero byte behind the described size proves nothing: where bytes were lost or inserted in the body it
  // is one of the next header's, or the body's own last one. Answers where what is described next stands instead.
  std::optional<std::uint64_t> next_header_beside(std::uint64_t size) {
    constexpr std::uint64_t reach = 512;
    const Bytes view = in_.peek(static_cast<std::size_t>(size + reach) + sight);
    if (walk_.facts.footers == true || view.size() <= size || view[static_cast<std::size_t>(size)] != eof) return std::nullopt;
    if (begins_next_described(view, size)) return std::nullopt;
    for (std::uint64_t distance = 1; distance <= reach; ++distance) {
      if (distance <= size && begins_next_described(view, size - distance)) return size - distance;
      if (begins_next_described(view, size + distance)) return size + distance;
    }
    return std::nullopt;
  }

  bool begins_next_described(Bytes view, std::uint64_t at) {
    if (at >= view.size()) return false;
    const Bytes here = view.subspan(static_cast<std::size_t>(at));
    const auto& devices = walk_.description->model.devices();
    if (*device_ + 1 >= devices.size()) return is_described_end(here);
    const DescribedDevice& next = devices[*device_ + 1];
    const auto header = credible_long_header(here);
    return header && header->name == next.name && header->instance == next.instance;
  }

  // The body ends at `size` and not where it is described, which a loader does not know.
  std::uint64_t shifted(std::uint64_t size, std::uint64_t described) {
    boundary_ = Boundary::scan;
    size_differs(size, described);
    const Offset zero = body_at_ + described;
    walk_.findings().add(Code::premature_eof, {zero, 1},
                         "whoever reads '" + section_label(header_) + "' as it is described takes the zero byte at " +
                             offset_text(zero) + " for the end of the stream")
        .hint = "QEMU starts the machine with all later devices in their reset state and reports success; do not load this file";
    walk_.premature_eof = true;
    return size;
  }

  std::optional<std::uint64_t> scan(const SearchFacts& facts) {
    std::optional<std::size_t> at;
    if (likely_long_header(in_.peek(longest_header_size)))
      at = 0;  // an empty body
    else
      at = find_next_record(in_, facts, walk_.context.limits);
    if (!at) at = single_end_byte(in_, walk_.context.limits);
    if (!at) return std::nullopt;
    boundary_ = Boundary::scan;
    ++walk_.scanned_boundaries;
    if (walk_.description)
      walk_.findings().add(Code::boundary_guessed, {body_at_, *at},
                           "the end of '" + section_label(header_) + "' was taken to be at " +
                               offset_text(body_at_ + *at) + ", where a record credibly begins");
    else if (walk_.scanned_boundaries == 1)
      walk_.first_scanned = {body_at_, *at};
    return *at;
  }

  void size_differs(std::uint64_t found, std::uint64_t described) {
    const bool defect = walk_.description->model.has_writer_defect(walk_.description->model.device_node(*device_));
    const bool longer = found > described;
    const std::uint64_t difference = longer ? found - described : described - found;
    auto& finding = walk_.findings().add(
        defect ? Code::description_writer_defect : Code::description_size_differs, {body_at_, found},
        "'" + section_label(header_) + "' is " + std::to_string(found) + " bytes long, " + std::to_string(difference) +
            (longer ? " more" : " fewer") + " than described");
    if (defect) return;
    finding.hint = "every field behind the place where bytes were " + std::string(longer ? "inserted" : "lost") +
                   " is shifted; QEMU refuses such a section";
    if (longer && ends_in_subsection(described))
      walk_.findings().add(Code::subsection_appended, {body_at_ + described, difference},
                           "'" + section_label(header_) + "' ends with a subsection that its description does not list");
  }

  bool ends_in_subsection(std::uint64_t described) {
    const Bytes view = in_.peek(static_cast<std::size_t>(described) + longest_subsection_header_size);
    if (view.size() <= described) return false;
    Cursor cursor(view.subspan(static_cast<std::size_t>(described)));
    const auto mark = cursor.u8("mark");
    const auto name = cursor.counted_text("name");
    cursor.be32("version");
    return cursor && mark == subsection && credible_name(name);
  }

  // Whether what stands `size` bytes on is what follows a body: its footer, or a record where there are no footers.
  bool is_boundary(std::uint64_t size) {
    const auto at = static_cast<std::size_t>(size);
    const Bytes view = in_.peek(at + sight);
    if (view.size() < at) return false;
    const Bytes behind = view.subspan(at);
    const bool at_end = view.size() < at + sight;
    // Also where the sections in front had none: the byte of a footer begins no record.
    if (is_footer_of(behind, header_.id)) return true;
    if (walk_.facts.footers == true) return false;
    if (walk_.package_end && body_at_ + size == *walk_.package_end) return true;
    return credible_record(behind, walk_.open_ids, at_end) || (!behind.empty() && behind[0] == eof);
  }

  WalkState& walk_;
  ForwardReader& in_;
  const SectionHeader& header_;
  Offset body_at_;
  Boundary boundary_ = Boundary::end;
  std::optional<std::size_t> device_;  ///< position in the description
  std::optional<LayoutMatch> layout_;
};

}  // namespace

// The last section of a stream without footers and description ends in front of a zero byte: the last one, or, where
// zero bytes fill a tail, the first of them as far as that can be told.
std::optional<std::size_t> single_end_byte(ForwardReader& in, const Limits& limits) {
  constexpr std::size_t tail = 4096;  // a block of a file system
  const Bytes rest = in.peek(limits.lookahead);
  if (rest.size() >= limits.lookahead || rest.empty() || rest.back() != eof) return std::nullopt;
  const auto content = std::find_if(rest.rbegin(), rest.rend(), [](std::uint8_t byte) { return byte != eof; });
  const auto zeros = static_cast<std::size_t>(content - rest.rbegin());
  return rest.size() - (zeros > tail ? zeros : 1);
}

BodyExtent find_body_extent(WalkState& walk, const SectionHeader& header) { return BodyExtentFinder(walk, header).find(); }

}  // namespace vmstate
