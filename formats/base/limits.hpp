// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmstate {

/// What one run may cost, whatever numbers a file contains. All sizes are bytes unless the name says otherwise.
struct Limits {
  std::size_t lookahead = 24u << 20;          ///< kept of a pipe while the description is searched
  std::size_t description = 24u << 20;        ///< JSON text of a device description
  std::size_t description_fields = 1u << 20;  ///< fields of one description, over all devices
  std::size_t body = 8u << 20;                ///< device body that is decoded in one piece; larger ones stay opaque
  std::size_t fields_per_section = 1u << 18;  ///< nodes of one field tree
  std::size_t page_map = 16u << 20;           ///< bookkeeping of what each guest page is
  std::size_t ram_blocks = 4096;              ///< blocks in one list
  std::size_t scan = 64u << 20;               ///< how far a lost boundary is searched
  std::size_t name_text = 4096;               ///< machine name and the like
  std::size_t xml_text = 4u << 20;            ///< domain XML, cookie and padding of a libvirt save image
  std::size_t findings_per_code = 100;        ///< kept one by one; further ones are counted
  std::size_t sections_per_name = 1u << 16;   ///< distinct sections remembered by the completeness pass
  std::size_t ambiguous_places = 1024;        ///< places kept where loaders could read differently
  std::size_t loader_steps = 1u << 24;        ///< fields that imagined loaders read, over the whole stream
  unsigned layer_depth = 8;                   ///< containers inside containers
  unsigned nesting = 32;                      ///< structs inside structs, packages inside packages
  std::uint64_t expansion = std::uint64_t{1} << 46;  ///< decompressed size of one layer
  std::uint64_t expansion_ratio = 1u << 20;   ///< decompressed over compressed size of one layer
};

}  // namespace vmstate
