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
  std::size_t page_digests = 32u << 20;       ///< comparing: digests of both sides' pages that are kept at a time
  std::size_t rebuilt_pages = 16u << 20;      ///< comparing: content of pages that are rebuilt from deltas at a time
  std::size_t kept_state = 24u << 20;         ///< comparing: device state of one side
  std::size_t differences = 1000;             ///< comparing: kept one by one; further ones are counted
  unsigned compare_passes = 256;              ///< comparing: how often a file is read
  std::size_t ram_blocks = 4096;              ///< blocks in one list
  std::size_t scan = 64u << 20;               ///< how far a lost boundary is searched
  std::size_t name_text = 4096;               ///< machine name and the like
  std::size_t xml_text = 4u << 20;            ///< domain XML, cookie and padding of a libvirt save image
  std::size_t findings_per_code = 100;        ///< kept one by one; further ones are counted
  std::size_t remembered_sections = 1u << 16;  ///< sections, names and ids that one pass or parser keeps in mind
  std::size_t ambiguous_places = 1024;        ///< places kept where loaders could read differently
  std::size_t loader_steps = 1u << 24;        ///< fields that imagined loaders read, over the whole stream
  unsigned layer_depth = 8;                   ///< containers inside containers
  unsigned nesting = 32;                      ///< structs inside structs, packages inside packages
  std::size_t decoder_memory = 256u << 20;    ///< windows and dictionaries of all decoders of one file
  std::uint64_t expansion = std::uint64_t{1} << 46;        ///< decompressed bytes of all layers of one file
  std::uint64_t expansion_ratio = 1u << 16;                ///< the same over the compressed bytes of the outermost one
  std::uint64_t expansion_floor = std::uint64_t{1} << 30;  ///< decompressed bytes from which on the ratio counts
};

}  // namespace vmstate
