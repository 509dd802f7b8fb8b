// SPDX-License-Identifier: Apache-2.0
#include "parsers/api/registry.hpp"

namespace vmstate {

// Each plug-in file defines its factory; a name in a CMakeLists without a factory does not link.
#define VMSTATE_OPENER(name) const Opener& opener_##name();
#define VMSTATE_STREAM(name) const StreamParser& stream_##name();
#define VMSTATE_SECTION(name) const SectionParser& section_##name();
#include "vmstate_plugins.inc"
#undef VMSTATE_OPENER
#undef VMSTATE_STREAM
#undef VMSTATE_SECTION

const SectionParser* Registry::section_for(std::string_view name, std::uint32_t version, SectionType type) const {
  for (const SectionParser* parser : sections)
    if (parser->accepts(name, version, type)) return parser;
  return nullptr;
}

const Registry& built_in_plugins() {
  static const Registry registry = [] {
    Registry made;
#define VMSTATE_OPENER(name) made.openers.push_back(&opener_##name());
#define VMSTATE_STREAM(name) made.streams.push_back(&stream_##name());
#define VMSTATE_SECTION(name) made.sections.push_back(&section_##name());
#include "vmstate_plugins.inc"
#undef VMSTATE_OPENER
#undef VMSTATE_STREAM
#undef VMSTATE_SECTION
    return made;
  }();
  return registry;
}

}  // namespace vmstate
