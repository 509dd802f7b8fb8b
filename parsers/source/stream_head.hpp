// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Whether a QEVM header of a known version stands at the start of `bytes` and what follows could be its first record.
/// `at_end`: the data end where `bytes` do.
bool credible_stream(Bytes bytes, bool at_end);

/// Offset of the first credible stream in `bytes` that begins before `limit`.
std::optional<std::size_t> find_stream(Bytes bytes, std::size_t limit, bool at_end);

/// How a damaged magic is made right.
struct MagicRepair {
  std::vector<std::uint8_t> bytes;  ///< that stand for …
  std::size_t replaced = 0;         ///< … so many first bytes
  std::string message;
  std::string hint;
};
/// The repair that makes a stream of `head`, where the magic and nothing else is damaged.
std::optional<MagicRepair> repair_magic(Bytes head, bool at_end);

}  // namespace vmstate
