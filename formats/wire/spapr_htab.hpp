// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The body of the "spapr/htab" section, docs/formats/special_sections.md.
namespace vmstate::wire::spapr_htab {

inline constexpr std::string_view section = "spapr/htab";
inline constexpr std::uint32_t version = 1;

// First word of every body, be32.
inline constexpr std::size_t word_size = 4;
inline constexpr std::uint32_t no_table = 0xffffffff;  // radix guest: nothing follows, in no part
inline constexpr std::uint32_t content = 0;            // PART, END: entries follow
// START: anything else is the logarithm of the table's size in bytes.
inline constexpr std::uint32_t smallest_shift = 18;
inline constexpr std::uint32_t largest_shift = 46;

inline constexpr std::size_t run_size = 4 + 2 + 2;  // be32 first entry, be16 valid ones, be16 invalid ones; zeros end
inline constexpr std::uint64_t entry_size = 16;     // valid entries follow their run

}  // namespace vmstate::wire::spapr_htab
