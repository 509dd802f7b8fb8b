// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// The QEVM stream, docs/formats/qevm.md.
namespace vmstate::wire::qevm {

inline constexpr std::uint32_t magic = 0x5145564d;  // "QEVM"
inline constexpr std::size_t header_size = 8;       // magic, be32 version
inline constexpr std::uint32_t legacy_version = 3;
inline constexpr std::uint32_t sentinel_version = 4;  // docs/formats/sentinel.md
inline constexpr std::uint8_t sentinel = 0x06;        // behind each struct element of a version-4 body

// Bytes that begin a record.
inline constexpr std::uint8_t eof = 0x00;
inline constexpr std::uint8_t section_start = 0x01;
inline constexpr std::uint8_t section_part = 0x02;
inline constexpr std::uint8_t section_end = 0x03;
inline constexpr std::uint8_t section_full = 0x04;
inline constexpr std::uint8_t subsection = 0x05;     // only inside bodies
inline constexpr std::uint8_t vmdescription = 0x06;  // only behind eof
inline constexpr std::uint8_t configuration = 0x07;  // only behind the header
inline constexpr std::uint8_t command = 0x08;
inline constexpr std::uint8_t section_footer = 0x7e;

inline constexpr std::size_t short_header_size = 1 + 4;
inline constexpr std::size_t longest_header_size = 1 + 4 + 1 + 255 + 4 + 4;
inline constexpr std::size_t footer_size = 1 + 4;
inline constexpr std::size_t description_header_size = 1 + 4;
inline constexpr std::size_t command_header_size = 1 + 2 + 2;
inline constexpr std::size_t longest_subsection_header_size = 1 + 1 + 255 + 4;

struct CommandKind {
  std::uint16_t number;
  std::string_view name;
  std::optional<std::uint16_t> length;  // nothing: any
};
inline constexpr std::uint16_t command_postcopy_advise = 3;
inline constexpr std::uint16_t command_postcopy_listen = 4;
inline constexpr std::uint16_t command_postcopy_run = 5;
inline constexpr std::uint16_t command_packaged = 7;
inline constexpr std::array commands{
    CommandKind{0, "invalid", std::nullopt},
    CommandKind{1, "open_return_path", 0},
    CommandKind{2, "ping", 4},
    CommandKind{3, "postcopy_advise", std::nullopt},  // 0 or 16
    CommandKind{4, "postcopy_listen", 0},
    CommandKind{5, "postcopy_run", 0},
    CommandKind{6, "postcopy_ram_discard", std::nullopt},
    CommandKind{7, "packaged", 4},
    CommandKind{8, "enable_colo", 0},
    CommandKind{9, "postcopy_resume", 0},
    CommandKind{10, "recv_bitmap", std::nullopt},
    CommandKind{11, "switchover_start", 0},
};

}  // namespace vmstate::wire::qevm
