// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The body of Proxmox VE's "pbs-state" section, docs/formats/special_sections.md.
namespace vmstate::wire::pbs_state {

inline constexpr std::string_view section = "pbs-state";
inline constexpr std::uint32_t version = 1;

inline constexpr std::size_t size_size = 8;  // be64, then that many bytes
/// Far above what the backup library keeps (32 bytes for each 4 MiB of disk): a larger size is damage.
inline constexpr std::uint64_t largest_state = 1u << 30;

}  // namespace vmstate::wire::pbs_state
