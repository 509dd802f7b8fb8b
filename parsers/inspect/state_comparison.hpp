// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/base/limits.hpp"
#include "parsers/inspect/comparison.hpp"
#include "parsers/inspect/section_comparison.hpp"
#include "parsers/inspect/section_state.hpp"

namespace vmstate {

/// What a stream says of its machine as a whole; not state is how the stream is written (capabilities, commands, description).
struct MachineIdentity {
  bool configuration = false;
  std::string machine;
  std::optional<std::uint32_t> page_bits;
  std::optional<std::string> uuid;
};

/// Compares all that is not guest memory: the machine, devices, and what iterable sections hold. The left stream goes first,
/// whole; of it is kept what Limits::kept_state allows, of larger bodies digests only.
class StateComparison {
 public:
  StateComparison(const Limits& limits, Comparison& out);
  StateComparison(const StateComparison&) = delete;
  StateComparison& operator=(const StateComparison&) = delete;

  EventSink& left() { return left_; }
  EventSink& right() { return right_; }
  /// After the left stream: it is not whole, so that what it lacks may have been lost.
  void left_is_incomplete() { left_incomplete_ = true; }
  void right_is_incomplete() { right_incomplete_ = true; }
  /// After both streams.
  void finish();

 private:
  // One stream: its sections and its configuration.
  class Side final : public EventSink {
   public:
    explicit Side(std::function<void(SectionState&&)> take) : states_(std::move(take)) {}
    void on(const StreamBegin& e) override { states_.on(e); }
    void on(const Configuration& e) override { identity = {true, e.machine, e.page_bits, e.uuid}; }
    void on(const SectionBegin& e) override { states_.on(e); }
    void on(const DeviceState& e) override { states_.on(e); }
    void on(const Payload& e) override { states_.on(e); }
    void on(const BodyItem& e) override { states_.on(e); }
    void on(const SectionEnd& e) override { states_.on(e); }
    void on(const StreamEnd& e) override { states_.on(e); }
    MachineIdentity identity;

   private:
    SectionStates states_;
  };
  using Label = std::pair<std::string, std::uint32_t>;
  struct Places {
    std::vector<std::size_t> kept;  ///< numbers in kept_, in order of the left stream
    std::size_t matched = 0;
  };

  void keep(SectionState&& state);
  void match(SectionState&& state);
  void compare_identity();
  void only(const SectionState& state, bool on_the_left);
  void judge(const SectionState& state, Certainty certainty);
  void name_in(std::vector<std::string>& list, const SectionState& state) const;
  void note_order();

  const Limits& limits_;
  Comparison& out_;
  Side left_;
  Side right_;
  std::vector<SectionState> kept_;
  std::map<Label, Places> places_;
  std::vector<std::pair<std::size_t, std::size_t>> positions_;  ///< of matched devices, left and right
  std::vector<std::string> missing_;    ///< labels of devices that an incomplete stream lacks, or has in part
  std::vector<std::string> unbounded_;  ///< labels of devices of which one body goes on behind the guessed end of the other
  std::vector<std::string> uncertain_;  ///< labels of devices whose bodies may differ in sentinels only
  std::size_t memory_ = 0;
  bool overflow_ = false;
  bool left_incomplete_ = false;
  bool right_incomplete_ = false;
};

}  // namespace vmstate
