// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/encode/stream_edits.hpp"

namespace vmstate {

/// Learns from the events of one stream how it is written in the other of the two versions that have the same records: 3
/// (legacy) and 4 (sentinel-delimited). docs/formats/sentinel.md
///
/// Exact or not at all: where the end of a struct is not known there is an obstacle, and edits() must not be used.
class SentinelWriter final : public EventSink {
 public:
  enum class Target : std::uint8_t { legacy, sentinel };
  /// Why the stream cannot be written in the other version.
  struct Obstacle {
    std::string section;  ///< section_label(), or empty
    ByteRange range;      ///< in the stream
    std::string reason;
  };

  explicit SentinelWriter(Target target) : target_(target) {}

  const StreamEdits& edits() const { return edits_; }
  const std::vector<Obstacle>& obstacles() const { return obstacles_; }
  /// Further obstacles that are not listed one by one.
  std::uint64_t more_obstacles() const { return more_obstacles_; }
  std::uint32_t from_version() const { return from_version_; }

  void on(const StreamBegin& e) override;
  void on(const DescriptionKnown& e) override;
  void on(const Command& e) override;
  void on(const PackageEnd& e) override;
  void on(const SectionBegin& e) override;
  void on(const RamMappedBitmap& e) override { expect_unmoved(e.range); }
  void on(const RamMappedPages& e) override { expect_unmoved(e.pages); }
  void on(const Payload& e) override;
  void on(const DeviceState& e) override;
  void on(const SectionEnd& e) override;
  void on(const EndOfStream& e) override;
  void on(const Gap& e) override;
  void on(const StreamEnd& e) override;

 private:
  struct Described {
    std::uint64_t size = 0;
    bool hand_written = false;
    bool defective = false;
  };
  struct Package {
    std::size_t edit;
    std::uint64_t size;
    std::int64_t growth;  ///< of what stands in front of its content
  };

  void obstacle(ByteRange range, std::string reason);
  void expect_unmoved(ByteRange pages);
  bool fields(const std::vector<Field>& fields);
  bool field(const Field& field);
  bool ends_in_sentinel(const Field& element) const;
  bool is_defective(const SectionHeader& header) const;
  void check_hand_written(const DeviceState& e, std::string_view unknown);
  void check_described(const DeviceState& e, std::uint64_t sentinels);
  std::int64_t growth() const {
    return static_cast<std::int64_t>(edits_.inserted()) - static_cast<std::int64_t>(edits_.removed());
  }

  Target target_;
  std::uint32_t from_version_ = 0;
  bool wrong_version_ = false;  ///< then all else is no obstacle of its own
  StreamEdits edits_;
  std::vector<Obstacle> obstacles_;
  std::uint64_t more_obstacles_ = 0;
  std::multimap<std::pair<std::string, std::uint32_t>, Described> described_;  ///< by name and instance
  std::vector<Package> packages_;
  const DeviceState* state_ = nullptr;  ///< at hand
  std::string section_;
  ByteRange undecoded_{};  ///< of the section at hand
  bool by_hand_ = false;   ///< the section at hand is taken as a whole since devices so called hold no structs
};

}  // namespace vmstate
