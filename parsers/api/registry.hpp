// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "parsers/api/opener.hpp"
#include "parsers/api/section_parser.hpp"
#include "parsers/api/stream_parser.hpp"

namespace vmstate {

/// Every plug-in of this build, in the order in which they are asked. Made from the CMakeLists of the plug-in folders.
class Registry {
 public:
  std::vector<const Opener*> openers;
  std::vector<const StreamParser*> streams;
  std::vector<const SectionParser*> sections;

  const SectionParser* section_for(std::string_view name, std::uint32_t version, SectionType type) const;
};

const Registry& built_in_plugins();

}  // namespace vmstate
