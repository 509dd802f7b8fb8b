// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "parsers/inspect/page_content.hpp"
#include "parsers/inspect/page_numbers.hpp"

namespace vmstate {

/// A digest of what a page holds in the end.
class PageDigest {
 public:
  enum class Kind : std::uint8_t {
    never,    ///< no record of it
    missing,  ///< a bitmap says that it is stored, but its content was not there, or could not be decoded
    deltas,   ///< of a chain of deltas: equal chains make equal pages, different ones may make the same page
    content   ///< of its bytes
  };
  constexpr PageDigest() = default;
  static constexpr PageDigest missing() { return PageDigest(missing_value); }
  static constexpr PageDigest content(std::uint64_t hash) { return PageDigest((hash & ~delta_bit) | hash_bit); }
  static constexpr PageDigest deltas(std::uint64_t hash) { return PageDigest(hash | delta_bit | hash_bit); }

  constexpr Kind kind() const {
    if ((value_ & hash_bit) != 0) return (value_ & delta_bit) != 0 ? Kind::deltas : Kind::content;
    return value_ == missing_value ? Kind::missing : Kind::never;
  }
  constexpr std::uint64_t value() const { return value_; }
  friend constexpr bool operator==(PageDigest, PageDigest) = default;

 private:
  static constexpr std::uint64_t delta_bit = 1, missing_value = 2, hash_bit = 4;
  explicit constexpr PageDigest(std::uint64_t value) : value_(value) {}
  std::uint64_t value_ = 0;
};

/// Digests of the final content of pages: the last record of a page counts. Keeps those of a window of page numbers, so that
/// a guest of any size can be looked at in several passes.
class RamDigest final : public PageWalk {
 public:
  /// Pages from `first` on, at most `capacity` of them.
  RamDigest(PageNumbers& numbers, std::uint64_t first, std::size_t capacity);

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return saturating_add(first_, capacity_); }
  PageDigest digest(std::uint64_t number) const;
  void set_digest(std::uint64_t number, PageDigest digest);
  /// Digest of a page of zeros.
  PageDigest zero(std::uint64_t page_size) { return fill_digest(0, page_size); }
  /// The first page behind the window of which something was said, if there is one.
  std::optional<std::uint64_t> beyond() const { return beyond_; }
  /// Behind the last page of the window of which something was said.
  std::uint64_t said_end() const { return first_ + digests_.size(); }

 protected:
  void page(std::uint64_t number, std::uint64_t page_size, const RamPage& record, Bytes payload) override;
  void mapped_bit(std::uint64_t number, std::uint64_t page_size, bool stored) override;
  void mapped_page(std::uint64_t number, Bytes content) override;

 private:
  PageDigest* slot(std::uint64_t number);
  PageDigest fill_digest(std::uint8_t fill, std::uint64_t page_size);

  std::uint64_t first_;
  std::size_t capacity_;
  std::vector<PageDigest> digests_;
  std::optional<std::uint64_t> beyond_;
  PageContent content_;
  std::array<std::optional<PageDigest>, 256> fills_;
  std::uint64_t fill_page_size_ = 0;
};

/// Rebuilds pages that were sent as chains of deltas, in a pass of their own.
class PageRebuilder final : public PageWalk {
 public:
  /// `pages` are page numbers in ascending order; they and their content live as long as this.
  PageRebuilder(PageNumbers& numbers, std::span<const std::uint64_t> pages, std::uint64_t page_size);
  /// Digest of the content of pages[index].
  PageDigest digest(std::size_t index) const;

 protected:
  void page(std::uint64_t number, std::uint64_t page_size, const RamPage& record, Bytes payload) override;
  void mapped_bit(std::uint64_t, std::uint64_t, bool) override {}
  void mapped_page(std::uint64_t, Bytes) override {}

 private:
  std::span<std::uint8_t> content(std::size_t index) {
    return std::span(content_).subspan(index * page_size_, page_size_);
  }
  std::span<const std::uint64_t> pages_;
  std::size_t page_size_;
  std::vector<std::uint8_t> content_;  ///< of all pages, one behind the other
  std::vector<bool> damaged_;
  PageContent whole_;
};

}  // namespace vmstate
