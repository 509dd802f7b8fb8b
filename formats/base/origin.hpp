// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// One link in the chain of address spaces from a stream outwards to the file.
/// A layer that only shifts (a header in front) maps offsets; one that transforms (compression) does not.
struct Origin {
  std::string kind;                     ///< layer whose content these offsets count: "file", "libvirt-save", "gzip", …
  std::shared_ptr<const Origin> outer;  ///< null for the file itself
  std::optional<Offset> shift;          ///< offset 0 of this space is at `shift` of the outer one; nothing: transformed

  /// Where byte `at` of this space stands in the nearest space around it that is a file or the content of a transforming
  /// layer: offsets inside a format that count from the start of a file count there.
  Offset container_offset(Offset at) const {
    if (outer == nullptr || !shift) return at;
    return outer->container_offset(checked_add(*shift, at).value_or(at));
  }
  /// Where byte `at` of this space stands in the outermost file, if it exists there as such.
  std::optional<Offset> file_offset(Offset at) const {
    if (outer == nullptr) return at;
    if (!shift) return std::nullopt;
    const auto there = checked_add(*shift, at);
    return there ? outer->file_offset(*there) : std::nullopt;
  }
};

}  // namespace vmstate
