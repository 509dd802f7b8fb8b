// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/section_comparison.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"

namespace vmstate {
namespace {

constexpr std::size_t shown_bytes = 32;
using wire::qevm::sentinel;

std::vector<std::uint8_t> copied(Bytes bytes) {
  const Bytes shown = bytes.first(std::min(bytes.size(), shown_bytes));
  return {shown.begin(), shown.end()};
}

std::size_t first_difference(Bytes left, Bytes right) {
  return static_cast<std::size_t>(std::ranges::mismatch(left, right).in1 - left.begin());
}

bool is_nested(const Field& field) { return field.kind == Field::Kind::structure || field.kind == Field::Kind::subsection; }

std::string joined(const std::string& path, const Field& field, const std::string& label) {
  if (path.empty()) return label;
  return path + (field.kind == Field::Kind::subsection ? '/' : '.') + label;
}

class SectionComparer {
 public:
  SectionComparer(const SectionState& left, const SectionState& right, Comparison& out)
      : left_(left), right_(right), out_(out), before_(out.differences_in_all()) {}

  Certainty run() {
    if (left_.version != right_.version)
      differ({}, {{}, {}, "version " + std::to_string(left_.version)}, {{}, {}, "version " + std::to_string(right_.version)});
    if (!left_.kept || !right_.kept) return pieces();
    if (left_.body == right_.body) return Certainty::certain;
    const std::size_t same = first_difference(left_.body, right_.body);
    if (ends_by_guess(left_, same) || ends_by_guess(right_, same)) return Certainty::extent;
    if (hides_sentinels(left_) != hides_sentinels(right_) || (hides_sentinels(left_) && is_opaque(left_) != is_opaque(right_)))
      return across_sentinels();
    if (left_.size == right_.size && (left_.undecoded() || right_.undecoded())) {
      leaves_in_place(is_opaque(left_) ? right_ : left_);
    } else {
      lists(left_.tree.fields, right_.tree.fields, {});
      lists(left_.tree.subsections, right_.tree.subsections, {});
    }
    if (out_.differences_in_all() == before_) bodies(same, same);
    return Certainty::certain;
  }

 private:
  static bool is_opaque(const SectionState& state) { return state.tree.decoded_by == "opaque"; }

  // A searched end is a guess; so is one by layout where the other body was read by another layout.
  bool ends_by_guess(const SectionState& state, std::size_t at) {
    if (at != state.body.size()) return false;
    return state.end == Boundary::scan || (state.end == Boundary::layout && read_differently());
  }

  // Whether the fields of the shorter body are not those that the longer one begins with.
  bool read_differently() const {
    const auto leaves_of = [](const SectionState& state) {
      std::vector<std::pair<std::string, ByteRange>> leaves;
      walk_fields(state.tree, [&](const std::string& path, const Field& field) {
        if (!is_nested(field)) leaves.emplace_back(path, field.range);
      });
      return leaves;
    };
    const auto left = leaves_of(left_), right = leaves_of(right_);
    const auto at = std::ranges::mismatch(left, right);
    return at.in1 != left.end() && at.in2 != right.end();
  }

  // --- sentinels that nobody described --------------------------------------------------------------------------------

  static bool hides_sentinels(const SectionState& state) { return state.sentinels && state.undecoded(); }

  // Whatever the sentinels are: without some bytes 0x06 the bodies must be the same.
  Certainty across_sentinels() {
    std::size_t left = 0, right = 0;
    const auto at_sentinel = [](const SectionState& state, std::size_t at) {
      return hides_sentinels(state) && at < state.body.size() && state.body[at] == sentinel;
    };
    while (left < left_.body.size() || right < right_.body.size()) {
      if (left < left_.body.size() && right < right_.body.size() && left_.body[left] == right_.body[right]) {
        ++left;
        ++right;
      } else if (at_sentinel(left_, left)) {
        ++left;
      } else if (at_sentinel(right_, right)) {
        ++right;
      } else {
        if (ends_by_guess(left_, left) || ends_by_guess(right_, right)) return Certainty::extent;
        bodies(left, right);
        return Certainty::certain;
      }
    }
    return Certainty::sentinels;
  }

  // --- bodies of which only digests are left ------------------------------------------------------------------------

  Certainty pieces() {
    SectionState other;
    const SectionState* left = &left_;
    const SectionState* right = &right_;
    if (left_.kept != right_.kept) {
      other = left_.kept ? left_ : right_;
      other.reduce();
      (left_.kept ? left : right) = &other;
    }
    const auto same = [](const SectionState::Piece& a, const SectionState::Piece& b) { return a.size == b.size && a.hash == b.hash; };
    const auto at = std::ranges::mismatch(left->pieces, right->pieces, same);
    const bool left_over = at.in1 == left->pieces.end();
    const bool right_over = at.in2 == right->pieces.end();
    if (left_over && right_over) return Certainty::certain;
    if (left_.name == "ram") return Certainty::unread;
    if (hides_sentinels(left_) != hides_sentinels(right_)) return Certainty::sentinels;
    StateDifference difference = begin_difference({});
    difference.offset = left_over ? at.in2->offset : at.in1->offset;
    difference.left.text = left_over ? "absent" : piece_text(*at.in1);
    difference.right.text = right_over ? "absent" : piece_text(*at.in2);
    out_.differ(std::move(difference));
    return Certainty::certain;
  }

  static std::string piece_text(const SectionState::Piece& piece) {
    return piece.text.empty() ? bytes_text(piece.size) : piece.text;
  }

  // --- trees --------------------------------------------------------------------------------------------------------

  // Nodes are matched by label; the first of a label with the first, the second with the second.
  void lists(const std::vector<Field>& left, const std::vector<Field>& right, const std::string& path) {
    std::map<std::string, std::vector<const Field*>> candidates;
    for (const Field& field : right) candidates[field_label(field)].push_back(&field);
    std::map<std::string, std::size_t> used;
    for (const Field& field : left) {
      const std::string label = field_label(field);
      const auto it = candidates.find(label);
      std::size_t& next = used[label];
      if (it == candidates.end() || next >= it->second.size()) only(field, joined(path, field, label), true);
      else nodes(field, *it->second[next++], joined(path, field, label));
    }
    std::map<std::string, std::size_t> passed;
    for (const Field& field : right) {
      const std::string label = field_label(field);
      if (passed[label]++ >= used[label]) only(field, joined(path, field, label), false);
    }
  }

  void nodes(const Field& left, const Field& right, const std::string& path) {
    if (is_nested(left) && is_nested(right)) {
      if (left.version != right.version)
        differ(path, {{}, {}, "version " + std::to_string(left.version)}, {{}, {}, "version " + std::to_string(right.version)});
      lists(left.fields, right.fields, path);
      lists(left.subsections, right.subsections, path);
      return;
    }
    leaves(left, left_.bytes_of(left), right, right_.bytes_of(right), path);
  }

  void only(const Field& field, const std::string& path, bool on_the_left) {
    const SectionState& side = on_the_left ? left_ : right_;
    DifferenceSide there = is_nested(field) ? DifferenceSide{{}, {}, "present"} : value(field, side.bytes_of(field));
    DifferenceSide absent{{}, {}, "absent"};
    on_the_left ? differ(path, std::move(there), std::move(absent)) : differ(path, std::move(absent), std::move(there));
  }

  void leaves(const Field& left, Bytes left_bytes, const Field& right, Bytes right_bytes, const std::string& path) {
    if (std::ranges::equal(left_bytes, right_bytes)) return;
    const bool arrays = left.count > 1 && left.count == right.count && left_bytes.size() == right_bytes.size();
    if (arrays) return elements(left, left_bytes, right, right_bytes, path);
    if (left.kind == Field::Kind::scalar && right.kind == Field::Kind::scalar && left.count == 1 && right.count == 1)
      return differ(path, value(left, left_bytes), value(right, right_bytes));
    StateDifference difference = begin_difference(path);
    const std::size_t at = first_difference(left_bytes, right_bytes);
    if (left_bytes.size() > shown_bytes || right_bytes.size() > shown_bytes) {
      difference.offset = at;
      left_bytes = left_bytes.subspan(at);
      right_bytes = right_bytes.subspan(at);
    }
    difference.left = buffer(left, left_bytes);
    difference.right = buffer(right, right_bytes);
    out_.differ(std::move(difference));
  }

  void elements(const Field& left, Bytes left_bytes, const Field& right, Bytes right_bytes, const std::string& path) {
    const std::size_t size = left_bytes.size() / left.count;
    const std::string parent = path.substr(0, path.size() - field_label(left).size());
    for (std::uint32_t i = 0; i < left.count; ++i) {
      const Bytes mine = left_bytes.subspan(i * size, size);
      const Bytes other = right_bytes.subspan(i * size, size);
      if (std::ranges::equal(mine, other)) continue;
      differ(parent + field_label(left, left.index.value_or(0) + i), value(left, mine), value(right, other));
    }
  }

  // Bodies of one size of which one is not described: what describes the one holds for the other.
  void leaves_in_place(const SectionState& described) {
    if (is_opaque(described)) return;
    walk_fields(described.tree, [&](const std::string& path, const Field& field) {
      if (!is_nested(field)) leaves(field, left_.bytes_of(field), field, right_.bytes_of(field), path);
    });
  }

  void bodies(std::size_t left_at, std::size_t right_at) {
    StateDifference difference = begin_difference({});
    difference.offset = std::min(left_at, right_at);
    difference.left = rest_of(left_, left_at);
    difference.right = rest_of(right_, right_at);
    out_.differ(std::move(difference));
  }

  static DifferenceSide rest_of(const SectionState& state, std::size_t at) {
    if (at >= state.body.size()) return {{}, {}, "the body ends"};
    Field field;
    return {field, copied(Bytes(state.body).subspan(at)), {}};
  }

  // --- values -------------------------------------------------------------------------------------------------------

  static DifferenceSide value(const Field& field, Bytes bytes) {
    Field one = field;
    one.count = 1;
    one.fields.clear();
    one.subsections.clear();
    return {std::move(one), copied(bytes), {}};
  }
  // Bytes from somewhere inside a field are no value of its type.
  static DifferenceSide buffer(const Field& field, Bytes bytes) {
    DifferenceSide side = value(field, bytes);
    if (side.field->kind != Field::Kind::scalar || bytes.size() != scalar_size(side.field->type)) side.field->kind = Field::Kind::opaque;
    return side;
  }

  StateDifference begin_difference(std::string path) const {
    StateDifference difference;
    difference.section = left_.name;
    difference.instance = left_.instance;
    difference.field = std::move(path);
    return difference;
  }
  void differ(std::string path, DifferenceSide left, DifferenceSide right) {
    StateDifference difference = begin_difference(std::move(path));
    difference.left = std::move(left);
    difference.right = std::move(right);
    out_.differ(std::move(difference));
  }

  const SectionState& left_;
  const SectionState& right_;
  Comparison& out_;
  std::uint64_t before_;
};

}  // namespace

Certainty compare_sections(const SectionState& left, const SectionState& right, Comparison& out) {
  return SectionComparer(left, right, out).run();
}

}  // namespace vmstate
