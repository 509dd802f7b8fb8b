// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// The libvirt save image, docs/formats/libvirt_save.md. Words have 32 bits, in the byte order of the host that saved.
namespace vmstate::wire::libvirt_save {

using namespace std::string_view_literals;

inline constexpr std::string_view magic_complete = "LibvirtQemudSave";
inline constexpr std::string_view magic_partial = "LibvirtQemudPart";
inline constexpr std::size_t magic_size = 16;

inline constexpr std::size_t header_size = 92;
inline constexpr std::size_t word_size = 4;
inline constexpr std::size_t version_at = 16;
inline constexpr std::size_t data_length_at = 20;    // XML, cookie and padding
inline constexpr std::size_t was_running_at = 24;    // 0 or 1
inline constexpr std::size_t format_at = 28;         // version 2 only
inline constexpr std::size_t cookie_offset_at = 32;  // from the start of the XML; 0: no cookie
inline constexpr std::size_t unused_at = 36;         // zero to the end of the header

inline constexpr std::uint32_t oldest_version = 1;
inline constexpr std::uint32_t newest_version = 2;
inline constexpr std::uint32_t first_version_with_format = 2;

/// How the data behind the XML are stored, and what they begin with then.
struct Format {
  std::string_view name;
  std::string_view magic;
};
/// The position in the table is the number in the header.
inline constexpr std::array formats{
    Format{"raw", "QEVM"sv},
    Format{"gzip", "\x1f\x8b"sv},
    Format{"bzip2", "BZh"sv},
    Format{"xz",
           "\xfd"
           "7zXZ\0"sv},
    Format{"lzop", "\x89LZO\0\r\n\x1a\n"sv},
    Format{"zstd", "\x28\xb5\x2f\xfd"sv},
    Format{"sparse", "QEVM"sv},
};
/// What no libvirt writes but a hand-made or repaired image may hold.
inline constexpr std::array foreign_formats{
    Format{"lz4", "\x04\x22\x4d\x18"sv},
    Format{"lzma", "\x5d\0\0"sv},
};
inline constexpr std::size_t longest_magic = 9;

}  // namespace vmstate::wire::libvirt_save
