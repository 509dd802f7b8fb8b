// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"
#include "parsers/inspect/load_program.hpp"

namespace vmstate {

/// What one generation of loaders makes of one place.
struct LoaderVerdict {
  const loaders::LoaderGeneration* loader = nullptr;
  std::optional<Knows> knows;  ///< of a subsection; nothing where the byte is data
  bool supposed = false;       ///< nobody knows whether it is so
  Outcome outcome = Outcome::not_affected;
  Reading::Refusal refusal = Reading::Refusal::none;
  std::string message;         ///< with which it refuses, at once or after misreading; empty: it notices nothing
  std::optional<Offset> at;    ///< where it stumbles
  std::string field;           ///< misreads: the first field with wrong bytes
  bool half_loads = false;     ///< misreads: it takes the byte at `at` for the end of the stream and succeeds

  bool stumbles() const { return outcome == Outcome::refuses || outcome == Outcome::misreads; }
  bool same_as(const LoaderVerdict& other) const;  ///< but for the loader
  /// Orders verdicts from harmless to dangerous.
  unsigned severity() const;
};

/// A place where a body ends and 0x05 stands: a subsection, or data that look like one.
struct AmbiguousPlace {
  ByteRange range;           ///< the record, or the byte
  bool subsection = false;   ///< as the writer meant it
  std::string name;          ///< of the subsection, real or not
  std::string section;       ///< label
  std::string behind;        ///< path of what ends here; empty: the section
  std::string description;   ///< of that
  std::string field;         ///< path of the subsection or of the data
  std::size_t section_number = 0;
  bool reported = false;     ///< findings tell of loaders that read it otherwise
  std::vector<LoaderVerdict> verdicts;      ///< one for each generation that can take the stream, oldest first
  std::vector<LoaderVerdict> suppositions;  ///< real subsections: for each rule, destinations that know it, others, none
};

/// Where would loaders of different ages read the same bytes differently? Runs each of them over every decoded body.
/// Its results are whole when the stream has ended. docs/formats/subsections.md
class Ambiguity final : public EventSink {
 public:
  Ambiguity(Findings& findings, const Limits& limits);

  const std::vector<AmbiguousPlace>& places() const { return places_; }
  /// Places that were not kept, and sections without a known inside.
  std::size_t places_dropped() const { return dropped_; }
  std::size_t sections_unseen() const { return unseen_; }
  /// Can this generation take the stream at all, as far as its framing and versions tell?
  bool can_take(const loaders::LoaderGeneration& loader) const;
  /// "1.0 to 2.3": releases from the one generation to the other, without those that lack the machine type.
  std::string releases_text(const loaders::LoaderGeneration& from, const loaders::LoaderGeneration& to) const;
  /// The worst of its verdicts over all places; nothing where it cannot take the stream.
  std::optional<LoaderVerdict> stream_verdict(const loaders::LoaderGeneration& loader) const;

  void on(const StreamBegin& e) override;
  void on(const Configuration& e) override;
  void on(const DescriptionKnown& e) override;
  void on(const SectionBegin& e) override;
  void on(const DeviceState& e) override;
  void on(const SectionEnd& e) override;
  void on(const StreamEnd& e) override;

 private:
  /// A body that ends early for one loader: what it meets there means one thing with footers and another without.
  struct EarlyEnd {
    std::size_t place;
    bool supposition;
    std::size_t number;  ///< of the verdict
    std::vector<std::uint8_t> bytes;
  };

  template <class Predicate>
  void exclude(Predicate predicate);
  void judge(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e);
  void suppose(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e);
  void judge_record(const LoadProgram::Place& at, const AmbiguousPlace& place);
  void add_verdict(const LoadProgram& program, const LoadProgram::Place& at, const DeviceState& e,
                   const loaders::LoaderGeneration& loader, std::optional<Knows> supposed);
  std::string path_of(const Field* field) const;
  void end_early(const SectionHeader& header, LoaderVerdict& verdict, const std::vector<std::uint8_t>& bytes, bool footers);
  struct Troubled;
  void report(AmbiguousPlace& place);
  void report_broken(const AmbiguousPlace& place, const std::string& quoted, const Troubled& troubled);
  Finding& add(Code code, const AmbiguousPlace& place, std::string message);
  std::string releases_text(const std::vector<const loaders::LoaderGeneration*>& some) const;
  std::string left_at_reset(const AmbiguousPlace& place) const;

  Findings& findings_;
  const Limits& limits_;
  std::size_t budget_;
  bool active_ = false;
  bool configuration_ = false;
  std::string machine_release_;  ///< that the machine type is named after
  std::vector<bool> excluded_;  ///< of loaders::generations()
  std::vector<AmbiguousPlace> places_;
  std::vector<EarlyEnd> early_ends_;  ///< of the section that is being read
  std::map<const Field*, std::string> paths_;  ///< of the fields that places of this section name
  std::vector<std::string> sections_;  ///< labels, in order
  std::size_t dropped_ = 0;
  std::size_t unseen_ = 0;
  std::string first_unseen_;
  ByteRange first_unseen_at_{};
};

}  // namespace vmstate
