// SPDX-License-Identifier: Apache-2.0
// Device state by a layout, where the stream does not describe itself: docs/formats/layouts.md, "Reading a body".
#include "parsers/sections/layout_device.hpp"

#include <algorithm>
#include <optional>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/sections/leaf_check.hpp"

namespace vmstate {
namespace {

// A number that a body says, under its field's name.
struct NamedNumber {
  const std::string* name;
  std::int64_t value;
};
using Numbers = std::vector<NamedNumber>;

struct SubsectionHeader {
  std::string_view name;
  std::uint32_t version = 0;
  std::size_t size = 0;
};

// The record header at the start of `bytes`, if all of it is there and it has a name.
std::optional<SubsectionHeader> subsection_header(Bytes bytes) {
  Cursor in(bytes);
  const auto mark = in.u8("mark");
  SubsectionHeader header;
  header.name = in.counted_text("name");
  header.version = in.be32("version");
  header.size = in.consumed();
  if (!in || mark != wire::qevm::subsection || !credible_name(header.name)) return std::nullopt;
  return header;
}

bool compare(std::int64_t left, LayoutCondition::Test test, std::int64_t right) {
  using Test = LayoutCondition::Test;
  switch (test) {
    case Test::equal: return left == right;
    case Test::not_equal: return left != right;
    case Test::less: return left < right;
    case Test::less_equal: return left <= right;
    case Test::greater: return left > right;
    case Test::greater_equal: return left >= right;
  }
  return false;
}

class LayoutDecoder {
 public:
  LayoutDecoder(const LayoutInput& input, std::span<const LayoutRepair> repairs, const Limits& limits)
      : input_(input), repairs_(repairs), in_(input.ahead, input.base), limits_(limits) {
    out_.tree.decoded_by = "layout:" + input.layout.id;
  }

  LayoutDecoding decode() {
    body(input_.layout, input_.version, false, out_.tree.fields, out_.tree.subsections, 0);
    out_.size = in_.consumed();
    return std::move(out_);
  }

 private:
  // Fields, then subsections. False: decoding stopped. `ends_in_sentinel`: nothing but subsections and a sentinel follows.
  bool body(const Layout& layout, std::uint32_t version, bool ends_in_sentinel, std::vector<Field>& fields,
            std::vector<Field>& subsections, unsigned depth) {
    Numbers numbers;
    for (const LayoutField& field : layout.fields) {
      if (++steps_ > most_steps_per_node * limits_.fields_per_section) return stop(LayoutStop::limit, field.name);
      if (is_present(field, version, numbers) && !read_field(field, numbers, fields, depth)) return false;
    }
    return subsection_list(layout, ends_in_sentinel, subsections, depth);
  }

  // --- what the layout makes depend on values -----------------------------------------------------------------------

  static std::int64_t value_of(const LayoutNumber& number, const Numbers& numbers, std::uint64_t vectors) {
    if (!number.field) return static_cast<std::int64_t>(vectors);
    const auto found = std::find_if(numbers.rbegin(), numbers.rend(), [&](const NamedNumber& n) { return *n.name == number.name; });
    return found == numbers.rend() ? 0 : found->value;
  }

  bool is_present(const LayoutField& field, std::uint32_t version, const Numbers& numbers) const {
    if (field.since && version < *field.since) return false;
    if (field.until && version > *field.until) return false;
    return std::ranges::all_of(field.conditions, [&](const LayoutCondition& condition) {
      const auto value = static_cast<std::uint64_t>(value_of(condition.number, numbers, vectors_)) & condition.mask;
      return compare(static_cast<std::int64_t>(value), condition.test, condition.value);
    });
  }

  // Nothing: the number is negative, or out of all proportion.
  std::optional<std::uint64_t> elements(const LayoutCount& count, const Numbers& numbers) const {
    if (!count.number) return count.fixed;
    const std::int64_t value = value_of(*count.number, numbers, vectors_);
    if (value < 0) return std::nullopt;
    const auto product = checked_multiply(static_cast<std::uint64_t>(value), count.times);
    const auto sum = product ? checked_add(*product, count.plus) : std::nullopt;
    return sum ? std::optional(*sum / count.divide) : std::nullopt;
  }

  void remember(const LayoutField& field, const Field& leaf, Bytes bytes, Numbers& numbers) {
    if (leaf.type == "pci config") vectors_ = msix_vectors(bytes);
    if (!field.named_later) return;
    const FieldValue value = field_value(leaf, bytes);
    std::int64_t number = 0;
    if (const auto* u = std::get_if<std::uint64_t>(&value)) number = static_cast<std::int64_t>(*u);
    if (const auto* i = std::get_if<std::int64_t>(&value)) number = *i;
    if (const auto* b = std::get_if<bool>(&value)) number = *b ? 1 : 0;
    numbers.push_back({&field.name, number});
  }

  // --- fields -------------------------------------------------------------------------------------------------------

  bool read_field(const LayoutField& field, Numbers& numbers, std::vector<Field>& out, unsigned depth) {
    if (field.form == LayoutField::Form::list) return list(field, out, depth);
    const auto count = elements(field.count, numbers);
    if (field.form == LayoutField::Form::value) return values(field, count, numbers, out);
    // A sentinel needs a byte; elements without any are bounded by the limit of nodes.
    for (std::uint64_t i = 0; !count || i < *count; ++i) {
      if (!count) return stop(LayoutStop::data, field.name);
      if (!structure(field, field.array ? std::optional(static_cast<std::uint32_t>(i)) : std::nullopt, out, depth)) return false;
    }
    return true;
  }

  bool values(const LayoutField& field, std::optional<std::uint64_t> count, Numbers& numbers, std::vector<Field>& out) {
    const auto total = count ? checked_multiply(*count, field.element_size) : std::nullopt;
    if (!total || *total > in_.remaining()) return stop(LayoutStop::data, field.name);
    if (*count == 0 && field.array) return true;
    Field leaf = named(field.name, field.type);
    if (!count_node(leaf)) return false;
    const bool scalar = !field.sized && field.element_size > 0 && scalar_size(field.type) == field.element_size;
    leaf.kind = scalar ? Field::Kind::scalar : Field::Kind::opaque;
    // Values without bytes are one value: their number explains nothing.
    leaf.count = field.array && *total > 0 ? static_cast<std::uint32_t>(*count) : 1;
    if (field.array) leaf.index = 0;
    leaf.range = {in_.position(), *total};
    const Bytes bytes = in_.take(*total, "field");
    if (auto odd = odd_value(leaf, bytes)) problem(std::move(*odd), field_label(leaf));
    remember(field, leaf, bytes, numbers);
    out.push_back(std::move(leaf));
    return true;
  }

  // Only elements that are called "struct" end in a sentinel in version 4.
  static const char* element_type(LayoutField::Form form) {
    switch (form) {
      case LayoutField::Form::embedded: return "embedded";
      case LayoutField::Form::list: return "list element";
      default: return "struct";
    }
  }

  // One element.
  bool structure(const LayoutField& field, std::optional<std::uint32_t> index, std::vector<Field>& out, unsigned depth) {
    Field made = nested(*field.body, Field::Kind::structure, field.name);
    made.type = element_type(field.form);
    made.index = index;
    if (!count_node(made) || !may_nest(depth, field.name)) return false;
    if (field.form == LayoutField::Form::list) made.fields.push_back(marker(field.name + " follows"));
    const bool ends_in_sentinel = input_.encoding.sentinels && field.form == LayoutField::Form::structure;
    path_.push_back(field_label(made));
    bool good = body(*field.body, field.body->version, ends_in_sentinel, made.fields, made.subsections, depth + 1);
    const std::uint64_t number = out_.sentinels;
    if (good && ends_in_sentinel) good = sentinel(made);
    path_.pop_back();
    made.range = ByteRange::between(made.range.offset, in_.position());
    out.push_back(std::move(made));
    return good && (!ends_in_sentinel || doubled_sentinel(number, out));
  }

  // Elements with a byte 1 in front of each, then a byte 0.
  bool list(const LayoutField& field, std::vector<Field>& out, unsigned depth) {
    for (std::uint32_t i = 0;; ++i) {
      const auto byte = in_.peek();
      if (!byte) return stop(LayoutStop::data, field.name);
      if (*byte > 1) return stop(LayoutStop::list, field.name);
      if (*byte == 0) {
        Field end = marker(field.name + " end");
        if (!count_node(end)) return false;
        out.push_back(std::move(end));
        return true;
      }
      if (!structure(field, i, out, depth)) return false;
    }
  }

  Field marker(std::string name) {
    Field made = named(std::move(name), "uint8");
    made.kind = Field::Kind::scalar;
    made.range = {in_.position(), 1};
    in_.skip(1, "marker");
    return made;
  }

  static Field named(std::string name, std::string type) {
    Field made;
    made.name = std::move(name);
    made.type = std::move(type);
    return made;
  }

  Field nested(const Layout& layout, Field::Kind kind, std::string name) const {
    Field made = named(std::move(name), "subsection");
    made.kind = kind;
    made.description = layout.name;
    made.version = layout.version;
    made.range = {in_.position(), 0};
    return made;
  }

  // --- sentinels ----------------------------------------------------------------------------------------------------

  std::optional<LayoutRepair::Kind> repair_of(std::uint64_t number, bool of_subsection) const {
    for (const LayoutRepair& repair : repairs_)
      if (repair.number == number && (repair.kind == LayoutRepair::Kind::no_subsection) == of_subsection) return repair.kind;
    return std::nullopt;
  }

  // The byte behind a struct element, at the cursor.
  bool sentinel(Field& element) {
    const auto repair = repair_of(out_.sentinels, false);
    const auto byte = in_.peek();
    if (repair == LayoutRepair::Kind::removed) {
      repaired(Code::sentinel_missing, {in_.position(), 0}, "the sentinel of this struct is missing");
    } else if (!byte) {
      return stop(LayoutStop::data, {});
    } else if (repair == LayoutRepair::Kind::replaced) {
      repaired(Code::sentinel_replaced, {in_.position(), 1},
               "byte " + std::to_string(*byte) + " stands where the sentinel 6 of this struct belongs");
    } else if (*byte != wire::qevm::sentinel) {
      return stop(LayoutStop::sentinel, {});
    }
    ++out_.sentinels;
    element.sentinel = repair != LayoutRepair::Kind::removed;
    in_.skip(element.sentinel ? 1 : 0, "sentinel");
    return true;
  }

  bool doubled_sentinel(std::uint64_t number, std::vector<Field>& out) {
    if (repair_of(number, false) != LayoutRepair::Kind::doubled) return true;
    const auto byte = in_.peek();
    if (!byte) return stop(LayoutStop::data, {});
    if (*byte != wire::qevm::sentinel) return stop(LayoutStop::sentinel, {});
    repaired(Code::sentinel_doubled, {in_.position(), 1}, "a second sentinel follows '" + field_label(out.back()) + "'");
    Field made = named("(not described)", "bytes");
    made.kind = Field::Kind::gap;
    made.range = {in_.position(), 1};
    in_.skip(1, "gap");
    out.push_back(std::move(made));
    return true;
  }

  void repaired(Code code, ByteRange range, std::string message) {
    ++out_.repairs;
    problem({code, range, {}, std::move(message)});
  }

  // --- subsections --------------------------------------------------------------------------------------------------

  bool subsection_list(const Layout& layout, bool ends_in_sentinel, std::vector<Field>& out, unsigned depth) {
    while (in_.peek() == wire::qevm::subsection) {
      const auto header = subsection_header(in_.rest());
      if (!header) return true;
      const auto found = std::ranges::find_if(layout.subsections, [&](const Layout* s) { return s->name == header->name; });
      const bool known = found != layout.subsections.end();
      const bool refused = repair_of(out_.subsections, true).has_value();
      if (known) ++out_.subsections;
      if (known && !refused) {
        const Layout& subsection_layout = **found;
        if (!subsection(subsection_layout, *header, out, depth)) return false;
        continue;
      }
      if (known)
        repaired(Code::subsection_refused, {in_.position(), header->size}, "'" + std::string(header->name) + "' is data here, no subsection");
      if (!header->name.starts_with(layout.name) || header->name.size() == layout.name.size()) return true;
      if (ends_in_sentinel) return unknown_subsection(*header);
      remember_lookalike(layout, *header);
      return true;
    }
    return true;
  }

  bool subsection(const Layout& layout, const SubsectionHeader& header, std::vector<Field>& out, unsigned depth) {
    Field made = nested(layout, Field::Kind::subsection, layout.name);
    made.version = header.version;
    made.header_size = static_cast<std::uint32_t>(header.size);
    if (!count_node(made) || !may_nest(depth, layout.name)) return false;
    if (!layout.reads(header.version))
      problem({Code::subsection_version_unknown, {in_.position() + header.size - 4, 4}, {},
               "subsection '" + layout.name + "' has version " + std::to_string(header.version) + ", its layout is known for " +
                   std::to_string(layout.minimum) + " to " + std::to_string(layout.version)});
    in_.skip(header.size, "subsection header");
    path_.push_back(layout.name);
    const bool good = body(layout, header.version, false, made.fields, made.subsections, depth + 1);
    path_.pop_back();
    made.range = ByteRange::between(made.range.offset, in_.position());
    out.push_back(std::move(made));
    return good;
  }

  bool unknown_subsection(const SubsectionHeader& header) {
    problem({Code::subsection_unknown, {in_.position(), header.size}, {},
             "subsection '" + std::string(header.name) + "' stands here, which the known layout does not have"});
    return stop(LayoutStop::subsection, {});
  }

  void remember_lookalike(const Layout& layout, const SubsectionHeader& header) {
    if (out_.tree.lookalikes.size() >= limits_.findings_per_code) return;
    out_.tree.lookalikes.push_back({{in_.position(), header.size}, layout.name, path(), std::string(header.name)});
  }

  // --- bounds and reports -------------------------------------------------------------------------------------------

  // What a tree holds is bounded in nodes and in the bytes of their names, which may come from anybody's layout.
  bool count_node(const Field& made) {
    constexpr std::size_t most_text = 16u << 20;
    text_ += made.name.size() + made.type.size() + made.description.size();
    if (++nodes_ <= limits_.fields_per_section && text_ <= most_text) return true;
    return stop(LayoutStop::limit, made.name);
  }

  bool may_nest(unsigned depth, const std::string& name) {
    return depth < limits_.nesting || stop(LayoutStop::limit, name);
  }

  std::string path() const {
    std::string all;
    for (const std::string& part : path_) all += (all.empty() ? "" : ".") + part;
    return all;
  }

  // Always false. The innermost place is kept.
  bool stop(LayoutStop why, const std::string& field) {
    out_.stop = why;
    out_.stopped_in = path();
    if (!field.empty()) out_.stopped_in += (out_.stopped_in.empty() ? "" : ".") + field;
    return false;
  }

  void problem(DecodeProblem found, const std::string& leaf = {}) {
    if (out_.problems.size() >= limits_.findings_per_code) return;
    found.field = path();
    if (!leaf.empty()) found.field += (found.field.empty() ? "" : ".") + leaf;
    out_.problems.push_back(std::move(found));
  }

  static constexpr std::uint64_t most_steps_per_node = 8;

  const LayoutInput& input_;
  std::span<const LayoutRepair> repairs_;
  Cursor in_;
  const Limits& limits_;
  LayoutDecoding out_;
  std::vector<std::string> path_;
  std::uint64_t vectors_ = 0;  ///< MSI-X vectors of the PCI device that was read last
  std::uint64_t steps_ = 0;
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;
};

}  // namespace

LayoutDecoding decode_by_layout(const LayoutInput& input, std::span<const LayoutRepair> repairs, const Limits& limits) {
  return LayoutDecoder(input, repairs, limits).decode();
}

LayoutDecoding decode_by_layout(const LayoutInput& input, const Limits& limits) {
  return decode_by_layout(input, std::span<const LayoutRepair>(), limits);
}

}  // namespace vmstate
