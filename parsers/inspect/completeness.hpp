// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"

namespace vmstate {

/// Is everything there, once, in order? Compares the sections of a stream with its description, or, without one, with
/// themselves and with what every machine of a kind has. No loader asks any of this.
class Completeness final : public EventSink {
 public:
  Completeness(Findings& findings, const Limits& limits) : findings_(findings), limits_(limits) {}

  void on(const Configuration& e) override { machine_ = e.machine; }
  void on(const Command& e) override;
  void on(const DescriptionKnown& e) override;
  void on(const SectionBegin& e) override;
  void on(const EndOfStream& e) override;
  void on(const Gap& e) override {
    (e.kind == Gap::Kind::lost ? lost_ : trailing_) = true;
  }
  void on(const StreamEnd& e) override;

 private:
  struct Device {
    std::string name;
    std::uint32_t instance;
    std::uint32_t version;
    std::uint32_t id;
    ByteRange header;
    bool packaged;
  };
  struct Iterable {
    std::string label;
    bool ram = false;
    bool ended = false;
    ByteRange header;
    std::size_t first_device = 0;  ///< number of the first device behind the START
  };
  using Identity = std::pair<std::string, std::uint32_t>;

  void compare_with_description();
  void compare_order(const std::vector<std::size_t>& positions, const std::vector<std::size_t>& devices);
  void compare_with_itself();
  void check_essentials();
  void check_machine();
  void check_iterables(const StreamEnd& e);
  void check_parts(const StreamEnd& e);
  void devices_inside_ram(std::size_t first, Offset end);
  void report(Code code, const Device& device, std::string message);

  Findings& findings_;
  const Limits& limits_;
  std::optional<std::string> machine_;
  std::vector<DescribedDevice> described_;
  bool description_known_ = false;
  bool description_complete_ = false;
  std::vector<Device> devices_;
  std::map<std::uint32_t, Iterable> iterables_;
  std::size_t judged_inside_ram_ = 0;  ///< devices before this one were looked at when RAM ended
  std::optional<ByteRange> end_byte_;
  bool switchover_seen_ = false;
  bool packaged_ = false;
  bool ram_seen_ = false;
  bool lost_ = false;
  bool trailing_ = false;  ///< bytes follow the end of the stream
};

}  // namespace vmstate
