// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"

namespace vmstate {

/// What the machine was doing when it was saved, as far as described sections say.
class MachineSummary final : public EventSink {
 public:
  explicit MachineSummary(Findings& findings) : findings_(findings) {}

  const std::optional<std::string>& run_state() const { return run_state_; }
  std::uint32_t cpus() const { return cpus_; }
  std::uint32_t devices() const { return devices_; }
  std::uint64_t device_bytes() const { return device_bytes_; }

  void on(const SectionBegin& e) override;
  void on(const DeviceState& e) override;

 private:
  void read_global_state(const DeviceState& e);
  Findings& findings_;
  std::optional<std::string> run_state_;
  std::uint32_t cpus_ = 0;
  std::uint32_t devices_ = 0;
  std::uint64_t device_bytes_ = 0;
};

}  // namespace vmstate
