// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "tools/app/json_parts.hpp"

namespace vmstate::app {

/// Turns events into one record a section, configuration, command or description, in stream order.
class SectionRecords final : public EventSink {
 public:
  explicit SectionRecords(std::function<void(const SectionRecord&)> take) : take_(std::move(take)) {}

  void on(const Configuration& e) override {
    take_({"configuration", {}, "configuration", {}, {}, e.range, ByteRange{e.range.offset + 1, e.range.size - 1}, "self", {}});
  }
  void on(const Command& e) override {
    constexpr std::uint64_t header = 5;
    take_({"command", e.number, e.name, {}, {}, e.range, ByteRange{e.range.offset + header, e.range.size - header}, "length", {}});
  }
  void on(const SectionEnd& e) override {
    const Offset end = e.footer ? e.footer->end() : e.body.end();
    take_({to_string(e.header.type), e.header.id, e.header.name, e.header.instance, e.header.version,
           ByteRange::between(e.header.range.offset, end), e.body, to_string(e.boundary), {}});
  }
  void on(const Description& e) override {
    take_({"description", {}, "vmdescription", {}, {}, e.range, e.text, "length", {}});
  }

 private:
  std::function<void(const SectionRecord&)> take_;
};

}  // namespace vmstate::app
