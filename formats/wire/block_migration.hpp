// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The body of the "block" section, docs/formats/special_sections.md.
namespace vmstate::wire::block_migration {

inline constexpr std::string_view section = "block";
inline constexpr std::uint32_t version = 1;

inline constexpr std::size_t word_size = 8;  // be64: sector or percentage << 9 | flags
inline constexpr unsigned sector_shift = 9;
inline constexpr std::uint64_t flag_mask = 0x1ff;

// The whole of the flags of the words that are written.
inline constexpr std::uint64_t device_block = 0x01;  // u8 length, name; 1 MiB of data
inline constexpr std::uint64_t end_of_section = 0x02;
inline constexpr std::uint64_t progress = 0x04;           // per cent instead of the sector
inline constexpr std::uint64_t device_zero_block = 0x09;  // u8 length, name; no data

inline constexpr std::size_t longest_record_head = word_size + 1 + 255;
inline constexpr std::uint64_t block_size = 1u << 20;
inline constexpr std::uint64_t sectors_per_block = block_size >> sector_shift;

}  // namespace vmstate::wire::block_migration
