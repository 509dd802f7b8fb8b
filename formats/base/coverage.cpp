// SPDX-License-Identifier: Apache-2.0
#include "formats/base/coverage.hpp"

namespace vmstate {

void Coverage::on(const StreamBegin& e) {
  next_ = e.range.offset;
  claim(e.range, "stream header");
}

void Coverage::on(const SectionBegin& e) {
  section_ = section_label(e.header);
  claim(e.range(), "section header");
}

void Coverage::on(const RamMappedPages& e) {
  claim(e.padding, "padding");
  claim(e.pages, "mapped RAM pages");
}

void Coverage::on(const SectionEnd& e) {
  if (e.footer) claim(*e.footer, "section footer");
  section_.clear();
}

void Coverage::on(const Gap& e) {
  switch (e.kind) {
    case Gap::Kind::lost: return claim(e.range, "lost", true);
    case Gap::Kind::padding: return claim(e.range, "padding");
    case Gap::Kind::trailing: return claim(e.range, "trailing bytes", true);
  }
}

void Coverage::claim(ByteRange range, std::string_view label, bool lost) {
  if (range.empty()) return;
  if (range.offset != next_) tiles_ = false;
  next_ = range.end();
  if (!current_.empty() && current_.end() == range.offset && label_ == label && current_section_ == section_) {
    current_.size += range.size;
    return;
  }
  flush();
  current_ = range;
  label_ = label;
  current_section_ = section_;
  lost_ = lost;
}

void Coverage::flush() {
  if (!current_.empty()) run_({current_, label_, current_section_, lost_});
  current_ = {};
}

}  // namespace vmstate
