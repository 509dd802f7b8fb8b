// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The body of the "ram" section, version 4, docs/formats/ram.md.
namespace vmstate::wire::ram {

inline constexpr std::size_t word_size = 8;  // be64: offset in the block | flags

inline constexpr std::uint64_t flag_full = 0x01;  // never written
inline constexpr std::uint64_t flag_zero = 0x02;
inline constexpr std::uint64_t flag_mem_size = 0x04;
inline constexpr std::uint64_t flag_page = 0x08;
inline constexpr std::uint64_t flag_eos = 0x10;
inline constexpr std::uint64_t flag_continue = 0x20;
inline constexpr std::uint64_t flag_xbzrle = 0x40;
inline constexpr std::uint64_t flag_hook = 0x80;
inline constexpr std::uint64_t flag_compress_page = 0x100;
inline constexpr std::uint64_t flag_multifd_flush = 0x200;

inline constexpr std::size_t xbzrle_header_size = 1 + 2;
inline constexpr std::uint8_t xbzrle_encoding = 0x01;
inline constexpr std::size_t compress_header_size = 4;

// mapped-ram: behind each block of the list.
inline constexpr std::size_t mapped_header_size = 4 + 8 + 8 + 8;
inline constexpr std::uint32_t mapped_version = 1;

inline constexpr std::uint64_t smallest_page = 256;      // AVR
inline constexpr std::uint64_t largest_page = 64 << 10;  // PPC, AArch64

}  // namespace vmstate::wire::ram
