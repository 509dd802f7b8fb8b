// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"
#include "formats/layouts/catalogue.hpp"
#include "parsers/source/open_chain.hpp"

namespace vmstate::app {

enum class When : std::uint8_t { automatic, always, never };

/// What every verb understands.
struct CommonOptions {
  std::vector<std::string> files;
  bool json = false;
  IoMode io = IoMode::automatic;
  When color = When::automatic;
  When progress = When::automatic;
  Severity fail_on = Severity::warning;
  Limits limits;
  std::string layouts_folder;  ///< more device layouts; empty: those of the build
  std::shared_ptr<const LayoutCatalogue> layouts;  ///< of both, once the folder was read
};

struct DumpOptions : CommonOptions {
  enum class Verb : std::uint8_t { overview, sections, state, ram, bytes, check, extract, formats, layouts };
  Verb verb = Verb::overview;
  std::vector<std::string> devices;    ///< state: globs of section names
  std::vector<std::string> fields;     ///< state: globs of field paths
  std::optional<Offset> at;            ///< bytes: one offset of the stream
  std::optional<Offset> file_offset;   ///< bytes: one offset of the outermost file
  std::optional<std::string> explain;  ///< check: a code
  bool quiet = false;                  ///< check: exit status only
  std::string part;                    ///< layouts: list, show; extract: stream, section, description, xml, cookie
  std::string section;                 ///< layouts show: a name; extract section: its label: "name" (instance 0) or "name#instance"
  std::string output;                  ///< extract: file, or "-"
  bool force = false;                  ///< extract: replace an existing output
};

}  // namespace vmstate::app
