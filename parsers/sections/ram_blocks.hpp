// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "parsers/api/section_parser.hpp"
#include "parsers/sections/ram_pages.hpp"

// The list of RAM blocks, with the extras that capabilities add: docs/formats/ram.md. Part of the plug-in ram.cpp.
namespace vmstate::ram {

enum class ListEnd : std::uint8_t { complete, cut };

/// Reads the list at the reader, which stands at its MEM_SIZE word, and claims its bytes. What damage leaves unread is left
/// to the page records. For mapped-ram the page areas between the entries are claimed as well.
ListEnd read_block_list(SectionContext& context, std::uint64_t word, BlockTable& blocks);

}  // namespace vmstate::ram
