// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The body of the "s390-storage_attributes" section, docs/formats/special_sections.md.
namespace vmstate::wire::s390_storage_attributes {

inline constexpr std::string_view section = "s390-storage_attributes";
inline constexpr std::uint32_t version = 0;

inline constexpr std::size_t word_size = 8;  // be64: guest address | flag
inline constexpr std::uint64_t flag_mask = 0xfff;
inline constexpr std::uint64_t page_size = 4096;

inline constexpr std::uint64_t end_of_section = 0x01;
inline constexpr std::uint64_t more = 0x02;   // be64 pages, one byte a page
inline constexpr std::uint64_t error = 0x04;  // the writer gave up
inline constexpr std::uint64_t done = 0x08;   // nothing more will be sent

inline constexpr std::size_t more_size = word_size + 8;
inline constexpr std::uint64_t largest_count = 512u << 10;  // pages in one record of any writer

}  // namespace vmstate::wire::s390_storage_attributes
