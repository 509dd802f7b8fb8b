// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/ram_digest.hpp"

#include <algorithm>

#include <xxhash.h>

namespace vmstate {
namespace {

std::uint64_t hash(Bytes bytes, std::uint64_t seed = 0) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

PageDigest content_digest(Bytes bytes) { return PageDigest::content(hash(bytes)); }

}  // namespace

RamDigest::RamDigest(PageNumbers& numbers, std::uint64_t first, std::size_t capacity)
    : PageWalk(numbers), first_(first), capacity_(capacity) {}

PageDigest RamDigest::digest(std::uint64_t number) const {
  if (number < first_ || number - first_ >= digests_.size()) return {};
  return digests_[static_cast<std::size_t>(number - first_)];
}

void RamDigest::set_digest(std::uint64_t number, PageDigest digest) {
  if (PageDigest* mine = slot(number)) *mine = digest;
}

PageDigest* RamDigest::slot(std::uint64_t number) {
  if (number < first_) return nullptr;
  const std::uint64_t index = number - first_;
  if (index >= capacity_) {
    beyond_ = std::min(number, beyond_.value_or(number));
    return nullptr;
  }
  if (index >= digests_.size()) {
    const std::uint64_t all = std::min<std::uint64_t>(numbers().total() - first_, capacity_);
    digests_.reserve(static_cast<std::size_t>(std::max(all, index + 1)));
    digests_.resize(static_cast<std::size_t>(index + 1));
  }
  return &digests_[static_cast<std::size_t>(index)];
}

PageDigest RamDigest::fill_digest(std::uint8_t fill, std::uint64_t page_size) {
  if (page_size != fill_page_size_) {
    fills_ = {};
    fill_page_size_ = page_size;
  }
  auto& known = fills_[fill];
  if (!known) {
    RamPage record{};
    record.kind = RamKind::fill;
    record.fill = fill;
    known = content_digest(content_.whole(record, {}, page_size));
  }
  return *known;
}

void RamDigest::page(std::uint64_t number, std::uint64_t page_size, const RamPage& record, Bytes payload) {
  PageDigest* mine = slot(number);
  if (mine == nullptr) return;
  switch (record.kind) {
    case RamKind::zero:
    case RamKind::fill: *mine = fill_digest(record.fill, page_size); return;
    case RamKind::xbzrle: {
      if (mine->kind() == PageDigest::Kind::missing) return;  // what it changes is not known
      // A page of which nothing came holds zeros.
      const PageDigest before = mine->kind() == PageDigest::Kind::never ? zero(page_size) : *mine;
      *mine = PageDigest::deltas(hash(payload, before.value()));
      return;
    }
    default: {
      const Bytes whole = content_.whole(record, payload, page_size);
      *mine = whole.empty() ? PageDigest::missing() : content_digest(whole);
    }
  }
}

void RamDigest::mapped_bit(std::uint64_t number, std::uint64_t page_size, bool stored) {
  if (PageDigest* mine = slot(number)) *mine = stored ? PageDigest::missing() : zero(page_size);
}

void RamDigest::mapped_page(std::uint64_t number, Bytes content) {
  PageDigest* mine = slot(number);
  if (mine != nullptr && mine->kind() == PageDigest::Kind::missing) *mine = content_digest(content);
}

PageRebuilder::PageRebuilder(PageNumbers& numbers, std::span<const std::uint64_t> pages, std::uint64_t page_size)
    : PageWalk(numbers),
      pages_(pages),
      page_size_(static_cast<std::size_t>(page_size)),
      content_(pages.size() * page_size_),
      damaged_(pages.size()) {}

PageDigest PageRebuilder::digest(std::size_t index) const {
  if (damaged_[index]) return PageDigest::missing();
  return content_digest(Bytes(content_).subspan(index * page_size_, page_size_));
}

void PageRebuilder::page(std::uint64_t number, std::uint64_t page_size, const RamPage& record, Bytes payload) {
  const auto it = std::ranges::lower_bound(pages_, number);
  if (it == pages_.end() || *it != number || page_size != page_size_) return;
  const auto index = static_cast<std::size_t>(it - pages_.begin());
  if (record.kind == RamKind::xbzrle) {
    if (!apply_delta(payload, content(index))) damaged_[index] = true;
    return;
  }
  const Bytes whole = whole_.whole(record, payload, page_size);
  damaged_[index] = whole.size() != page_size_;
  if (!damaged_[index]) std::ranges::copy(whole, content(index).begin());
}

}  // namespace vmstate
