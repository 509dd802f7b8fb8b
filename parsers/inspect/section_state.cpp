// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/section_state.hpp"

#include <algorithm>
#include <utility>

#include <xxhash.h>

namespace vmstate {
namespace {

constexpr std::uint64_t piece_size = 4096;
constexpr std::size_t most_pieces = 8192;
constexpr std::size_t most_texts = 1024;

std::uint64_t hash(Bytes bytes, std::uint64_t seed = 0) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }
std::uint64_t join_hashes(std::uint64_t first, std::uint64_t second) { return XXH3_64bits_withSeed(&second, sizeof second, first); }

void collect_sentinels(const std::vector<Field>& fields, ByteRange within, std::vector<Offset>& out) {
  for (const Field& field : fields) {
    collect_sentinels(field.fields, within, out);
    collect_sentinels(field.subsections, within, out);
    if (field.sentinel && !field.range.empty() && within.contains(field.range.end() - 1)) out.push_back(field.range.end() - 1);
  }
}

// Moves ranges to where they are without the bytes at `dropped` (ascending) and in front of `base`.
class Rebase {
 public:
  Rebase(Offset base, const std::vector<Offset>& dropped) : base_(base), dropped_(dropped) {}
  void apply(std::vector<Field>& fields) const {
    for (Field& field : fields) {
      field.range = ByteRange::between(moved(field.range.offset), moved(field.range.end()));
      apply(field.fields);
      apply(field.subsections);
    }
  }

 private:
  Offset moved(Offset at) const {
    const auto before = std::ranges::lower_bound(dropped_, at) - dropped_.begin();
    return at < base_ ? 0 : at - base_ - static_cast<Offset>(before);
  }
  Offset base_;
  const std::vector<Offset>& dropped_;
};

bool any_undescribed(const std::vector<Field>& fields) {
  return std::ranges::any_of(fields, [](const Field& field) {
    return field.kind == Field::Kind::gap || any_undescribed(field.fields) || any_undescribed(field.subsections);
  });
}

std::size_t memory_of(const std::vector<Field>& fields) {
  std::size_t sum = fields.capacity() * sizeof(Field);
  for (const Field& field : fields)
    sum += field.name.capacity() + field.type.capacity() + field.description.capacity() + memory_of(field.fields) +
           memory_of(field.subsections);
  return sum;
}

}  // namespace

Bytes SectionState::bytes_of(const Field& field) const {
  const ByteRange whole{0, body.size()};
  if (!whole.contains(field.range)) return {};
  return Bytes(body).subspan(static_cast<std::size_t>(field.range.offset), static_cast<std::size_t>(field.range.size));
}

bool SectionState::undecoded() const {
  if (!kept) return undescribed;
  return tree.decoded_by == "opaque" || any_undescribed(tree.fields) || any_undescribed(tree.subsections);
}

std::size_t SectionState::memory() const {
  std::size_t sum = sizeof *this + name.capacity() + body.capacity() + memory_of(tree.fields) + memory_of(tree.subsections) +
                    pieces.capacity() * sizeof(Piece);
  for (const Piece& piece : pieces) sum += piece.text.capacity();
  return sum;
}

void SectionState::reduce() {
  undescribed = undecoded();
  for (Bytes rest = body; !rest.empty();) {
    const Bytes part = rest.first(std::min<std::size_t>(rest.size(), piece_size));
    pieces.push_back({body.size() - rest.size(), part.size(), hash(part), {}});
    rest = rest.subspan(part.size());
  }
  std::vector<std::uint8_t>().swap(body);
  tree = FieldTree{};
  kept = false;
}

void SectionStates::on(const SectionBegin& e) {
  switch (e.header.type) {
    case SectionType::full: current_ = &full_; break;
    case SectionType::start: {
      const auto [it, fresh] = open_.try_emplace(e.header.id);
      if (!fresh) finish(it->second);
      current_ = &it->second;
      break;
    }
    default: {
      const auto it = open_.find(e.header.id);
      current_ = it == open_.end() ? nullptr : &it->second;
      return;
    }
  }
  *current_ = {};
  SectionState& state = current_->state;
  state.name = e.header.name;
  state.instance = e.header.instance;
  state.version = e.header.version;
  state.position = sections_++;
  state.sentinels = sentinels_;
}

void SectionStates::on(const DeviceState& e) {
  if (current_ == nullptr) return;
  SectionState& state = current_->state;
  std::vector<Offset> sentinels;
  collect_sentinels(e.tree.fields, e.range, sentinels);
  collect_sentinels(e.tree.subsections, e.range, sentinels);
  std::ranges::sort(sentinels);
  state.kept = true;
  state.tree = e.tree;
  const Rebase rebase(e.range.offset, sentinels);
  rebase.apply(state.tree.fields);
  rebase.apply(state.tree.subsections);
  state.body.reserve(e.bytes.size() - std::min(sentinels.size(), e.bytes.size()));
  auto next = sentinels.begin();
  for (std::size_t i = 0; i < e.bytes.size(); ++i) {
    if (next != sentinels.end() && *next == e.range.offset + i) ++next;
    else state.body.push_back(e.bytes[i]);
  }
  state.size = state.body.size();
}

void SectionStates::on(const Payload& e) {
  if (current_ == nullptr) return;
  // In front of an item Payload is its content; a device's body that comes so is too large to be decoded.
  if (current_ == &full_) full_.state.undescribed = true;
  feed(e.bytes);
}

void SectionStates::on(const BodyItem& e) {
  if (current_ == nullptr) return;
  // The bytes of a large item came as Payload before.
  current_->pending_hash = hash(e.bytes, current_->pending_hash);
  current_->pending_size += e.bytes.size();
  close_piece(e.text.empty() ? std::string(e.kind) : std::string(e.kind) + " " + e.text);
}

void SectionStates::feed(Bytes bytes) {
  while (!bytes.empty()) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), piece_size - current_->pending_size % piece_size));
    current_->pending_hash = hash(bytes.first(part), current_->pending_hash);
    current_->pending_size += part;
    bytes = bytes.subspan(part);
    if (current_->pending_size >= piece_size) close_piece({});
  }
}

void SectionStates::close_piece(std::string text) {
  if (current_->pending_size == 0 && text.empty()) return;
  add_piece(*current_, std::exchange(current_->pending_size, 0), std::exchange(current_->pending_hash, 0), std::move(text));
}

void SectionStates::add_piece(Open& open, std::uint64_t size, std::uint64_t hash, std::string text) {
  auto& pieces = open.state.pieces;
  if (open.waiting > 0) {
    pieces.back().size += size;
    pieces.back().hash = join_hashes(pieces.back().hash, hash);
  } else {
    pieces.push_back({open.state.size, size, hash, pieces.size() < most_texts && open.merged == 1 ? std::move(text) : std::string()});
  }
  open.waiting = (open.waiting + 1) % open.merged;
  open.state.size += size;
  if (pieces.size() < most_pieces || open.waiting != 0) return;
  // Too many: each stands for twice as many from now on.
  for (std::size_t i = 0; i < pieces.size() / 2; ++i)
    pieces[i] = {pieces[2 * i].offset, pieces[2 * i].size + pieces[2 * i + 1].size,
                 join_hashes(pieces[2 * i].hash, pieces[2 * i + 1].hash), {}};
  pieces.resize(pieces.size() / 2);
  open.merged *= 2;
}

void SectionStates::finish(Open& open) { take_(std::move(open.state)); }

void SectionStates::on(const SectionEnd& e) {
  if (current_ == nullptr) return;
  close_piece({});
  current_->state.cut = e.boundary == Boundary::end;
  current_->state.end = e.boundary;
  if (e.header.type == SectionType::full) finish(full_);
  if (e.header.type == SectionType::end) {
    finish(*current_);
    open_.erase(e.header.id);
  }
  current_ = nullptr;
}

void SectionStates::on(const StreamEnd&) {
  if (current_ != nullptr) {
    close_piece({});
    current_->state.cut = true;
  }
  if (current_ == &full_) finish(full_);
  for (auto& [id, open] : open_) finish(open);
  open_.clear();
  current_ = nullptr;
}

}  // namespace vmstate
