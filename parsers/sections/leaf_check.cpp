// SPDX-License-Identifier: Apache-2.0
#include "parsers/sections/leaf_check.hpp"

#include <algorithm>

namespace vmstate {
namespace {

constexpr std::string_view marker_types[] = {"nullptr", "ptr-marker"};

// The first byte for which `is_odd` holds, as a problem.
template <class Predicate>
std::optional<DecodeProblem> odd_byte(const Field& leaf, Bytes bytes, Code code, std::string_view what, Predicate is_odd) {
  const auto odd = std::ranges::find_if(bytes, is_odd);
  if (odd == bytes.end()) return std::nullopt;
  const auto at = leaf.range.offset + static_cast<std::size_t>(odd - bytes.begin());
  return DecodeProblem{code, {at, 1}, {}, std::string(what) + std::to_string(*odd)};
}

// Vendor 0 or 0xffff, or a header type that is none: configuration space never looks so. PCI 3.0 §6.1.
std::optional<DecodeProblem> odd_pci_config(const Field& leaf, Bytes bytes) {
  constexpr std::size_t header_type_at = 0x0e;
  if (bytes.size() < 64) return std::nullopt;
  const unsigned vendor = bytes[0] | static_cast<unsigned>(bytes[1]) << 8;
  const unsigned header_type = bytes[header_type_at] & 0x7f;
  if (vendor != 0 && vendor != 0xffff && header_type <= 2) return std::nullopt;
  return DecodeProblem{Code::pci_config_implausible, leaf.range, {},
                       vendor == 0 || vendor == 0xffff
                           ? "the vendor id is 0x" + std::string(vendor == 0 ? "0000" : "ffff")
                           : "the header type is " + std::to_string(header_type)};
}

}  // namespace

std::optional<DecodeProblem> odd_value(const Field& leaf, Bytes bytes) {
  if (leaf.type == "bool")
    return odd_byte(leaf, bytes, Code::bool_odd, "boolean '" + leaf.name + "' holds ", [](std::uint8_t byte) { return byte > 1; });
  if (std::ranges::find(marker_types, leaf.type) != std::end(marker_types))
    return odd_byte(leaf, bytes, Code::pointer_marker_odd, "pointer marker of '" + leaf.name + "' is ",
                    [](std::uint8_t byte) { return byte != 0x30 && byte != 0x31; });
  if (leaf.type == "pci config") return odd_pci_config(leaf, bytes);
  return std::nullopt;
}

}  // namespace vmstate
