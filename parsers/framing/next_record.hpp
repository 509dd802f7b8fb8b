// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "formats/base/forward_reader.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

/// What a search for a lost boundary may rely on.
struct SearchFacts {
  std::optional<bool> footers;                        ///< of this stream, nothing: not known
  std::span<const std::uint32_t> open_ids;            ///< sections that PART and END may belong to
  std::function<bool(std::uint32_t id)> known_id;     ///< sections that a footer may belong to
  std::function<bool(std::string_view name)> known_name;  ///< names that the description lists or that were seen
  std::uint64_t& budget;  ///< bytes that searches may still look at; what damage costs stays in proportion to the file
};

/// Finds where, behind the reader's position, a record credibly begins. Answers its distance from the position (> 0), or
/// nothing within Limits::lookahead. Linear in the distance. The reader does not move.
std::optional<std::size_t> find_next_record(ForwardReader& in, const SearchFacts& facts, const Limits& limits);

/// The end of a body by its own footer: distance from the position to the byte 0x7e of a footer of section `id`, one
/// behind which a record credibly begins before any other. Of several the one nearest to `expected`, where given; then
/// not far behind that. Nothing within the lookahead.
std::optional<std::size_t> find_footer(ForwardReader& in, std::uint32_t id, std::optional<std::size_t> expected,
                                       const SearchFacts& facts, const Limits& limits);

}  // namespace vmstate
