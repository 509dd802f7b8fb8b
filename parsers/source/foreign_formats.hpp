// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// A file format of another program, known by its first bytes.
struct ForeignFormat {
  std::size_t offset;  ///< of `magic` in the file
  std::string_view magic;
  std::string_view what;  ///< "a qcow2 disk image"
  std::string_view hint;  ///< may be empty
};

/// The format that `head` belongs to, or null.
const ForeignFormat* foreign_format(Bytes head);

/// What unknown bytes look like, for people: "zeros", "text", …
std::string describe_bytes(Bytes bytes);

}  // namespace vmstate
