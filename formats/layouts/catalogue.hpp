// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/result.hpp"
#include "formats/layouts/layout.hpp"

namespace vmstate {

struct LayoutDraft;

/// A layout file: docs/formats/layouts.md.
struct LayoutFile {
  std::string name;  ///< for people
  std::string text;
};

/// Every known layout, references resolved. Parts differ between releases under one name: a layout stands here once for
/// each set of parts it can consist of. Immutable; layouts live as long as the catalogue.
class LayoutCatalogue {
 public:
  /// The layouts of this build.
  static const LayoutCatalogue& built_in();
  /// The layouts of this build and those of `files`, which replace built-in ones of the same id. A Fault names file and
  /// place of what is wrong.
  [[nodiscard]] static Result<LayoutCatalogue> with(const std::vector<LayoutFile>& files);
  /// Only the layouts of `files`.
  [[nodiscard]] static Result<LayoutCatalogue> of(const std::vector<LayoutFile>& files);

  LayoutCatalogue(LayoutCatalogue&&) noexcept;
  LayoutCatalogue& operator=(LayoutCatalogue&&) noexcept;
  ~LayoutCatalogue();

  /// Layouts that a section called so may have, likeliest first. The name may have a device path in front.
  std::span<const Layout* const> for_section(std::string_view name) const;
  /// Every layout, by file and then in the order of the file.
  std::span<const Layout* const> all() const;

 private:
  struct Contents;
  static Result<LayoutCatalogue> build(const std::vector<LayoutDraft>& drafts);
  explicit LayoutCatalogue(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

}  // namespace vmstate
