// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The body of the "dirty-bitmap" section, docs/formats/special_sections.md.
namespace vmstate::wire::dirty_bitmap {

inline constexpr std::string_view section = "dirty-bitmap";
inline constexpr std::uint32_t version = 1;

// First byte of an element.
inline constexpr std::uint8_t end_of_section = 0x01;
inline constexpr std::uint8_t zeroes = 0x02;       // with bits: no data follow
inline constexpr std::uint8_t bitmap_name = 0x04;  // u8 length, name
inline constexpr std::uint8_t node_name = 0x08;    // u8 length, name, in front of the bitmap's
inline constexpr std::uint8_t start = 0x10;        // be32 granularity, u8 start flags
inline constexpr std::uint8_t complete = 0x20;
inline constexpr std::uint8_t bits = 0x40;      // be64 first sector, be32 sectors, be64 size, data
inline constexpr std::uint8_t extended = 0x80;  // reserved for wider flags, never written
inline constexpr std::uint8_t action_mask = start | complete | bits;

inline constexpr std::uint8_t start_enabled = 0x01;
inline constexpr std::uint8_t start_persistent = 0x02;
inline constexpr std::uint8_t start_autoload = 0x04;  // older writers; ignored
inline constexpr std::uint8_t start_reserved = 0xf8;

inline constexpr std::uint32_t smallest_granularity = 512;  // bytes of disk per bit, a power of two
inline constexpr unsigned largest_granularity_shift = 31;
inline constexpr unsigned sector_shift = 9;

inline constexpr std::size_t longest_head = 1 + (1 + 255) + (1 + 255) + 8 + 4 + 8;
inline constexpr std::uint64_t largest_data = 10u << 10;  // what a loader accepts; writers send at most 1 KiB
inline constexpr std::uint64_t bits_per_word = 64;
inline constexpr std::uint64_t data_alignment = 32;

}  // namespace vmstate::wire::dirty_bitmap
