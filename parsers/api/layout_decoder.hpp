// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/base/field.hpp"
#include "formats/base/limits.hpp"
#include "formats/layouts/layout.hpp"
#include "parsers/api/description.hpp"

namespace vmstate {

/// A body whose end is not known.
struct LayoutInput {
  const Layout& layout;
  Bytes ahead;            ///< from the first byte of the body on, beyond its end
  Offset base = 0;        ///< of the first byte in the stream
  std::uint32_t version;  ///< of the section
  BodyEncoding encoding;
};

/// Why decoding by a layout ended.
enum class LayoutStop : std::uint8_t {
  none,        ///< the layout's own end
  data,        ///< the bytes ahead ended first
  sentinel,    ///< no sentinel behind a struct element
  subsection,  ///< a subsection that the layout does not know, where nothing else can stand
  list,        ///< neither an element nor the end of a list
  limit        ///< Limits
};

/// What the bytes ahead are by a layout.
struct LayoutDecoding {
  FieldTree tree;          ///< every byte up to `size` is in one leaf, header or sentinel of it
  std::uint64_t size = 0;  ///< bytes up to the end of the body, or up to where decoding stopped
  LayoutStop stop = LayoutStop::none;
  std::string stopped_in;         ///< path of the field
  std::uint64_t sentinels = 0;    ///< struct elements that were read
  std::uint64_t subsections = 0;  ///< records that were taken, or may be taken, for subsections
  unsigned repairs = 0;           ///< damaged sentinels and refused subsections that `problems` tell of
  std::vector<DecodeProblem> problems;
};

/// Whether a body may end `size` bytes on: the next record, a footer or the end of the stream stands there.
using BodyEndJudge = std::function<bool(std::uint64_t size)>;

/// Takes every byte for what the layout says.
LayoutDecoding decode_by_layout(const LayoutInput& input, const Limits& limits);

/// Decodes a body that does not end as it should by its layout: finds out which sentinels were replaced, lost or doubled,
/// or which bytes only look like a subsection, by what follows. Without a result that ends well, that of decode_by_layout().
LayoutDecoding decode_damaged_by_layout(const LayoutInput& input, const BodyEndJudge& ends_well, const Limits& limits);

}  // namespace vmstate
