// SPDX-License-Identifier: Apache-2.0
#include "formats/base/events.hpp"

namespace vmstate {

std::string_view to_string(SectionType type) {
  switch (type) {
    case SectionType::start: return "start";
    case SectionType::part: return "part";
    case SectionType::end: return "end";
    case SectionType::full: return "full";
  }
  return "unknown";
}

std::string_view to_string(Boundary boundary) {
  switch (boundary) {
    case Boundary::self: return "self";
    case Boundary::description: return "description";
    case Boundary::footer: return "footer";
    case Boundary::layout: return "layout";
    case Boundary::scan: return "scan";
    case Boundary::length: return "length";
    case Boundary::end: return "end";
  }
  return "unknown";
}

std::string_view to_string(RamKind kind) {
  switch (kind) {
    case RamKind::data: return "data";
    case RamKind::zero: return "zero";
    case RamKind::fill: return "fill";
    case RamKind::xbzrle: return "xbzrle";
    case RamKind::compressed: return "compressed";
    case RamKind::eos: return "end of section data";
    case RamKind::flush: return "multifd flush";
    case RamKind::hook: return "hook";
  }
  return "unknown";
}

std::string_view to_string(StreamEndKind kind) {
  switch (kind) {
    case StreamEndKind::eof: return "eof";
    case StreamEndKind::truncated: return "truncated";
    case StreamEndKind::premature_eof: return "premature-eof";
    case StreamEndKind::unreadable: return "unreadable";
  }
  return "unknown";
}

std::string section_label(const SectionHeader& header) {
  return header.instance == 0 ? header.name : header.name + "#" + std::to_string(header.instance);
}

}  // namespace vmstate
