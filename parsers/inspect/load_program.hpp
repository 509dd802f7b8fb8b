// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/loaders/generations.hpp"

namespace vmstate {

/// What a destination is supposed to know of the subsection at one place.
enum class Knows : std::uint8_t {
  it,      ///< this subsection
  others,  ///< other subsections of that description
  none     ///< no subsection of that description
};
std::string_view to_string(Knows knows);

/// A loader that reads a body. `supposed` overrides what the table says of one subsection.
struct Destination {
  const loaders::LoaderGeneration* loader;
  struct Supposition {
    std::string_view description;
    std::string_view subsection;
    Knows knows;
  };
  std::optional<Supposition> supposed;
};

/// What a loader that arrives at a place as the writer meant it makes of it.
enum class Outcome : std::uint8_t {
  not_affected,  ///< it does not look for subsections there, and there is none
  as_intended,   ///< it looks and decides as the writer meant it
  refuses,       ///< the load fails there
  misreads       ///< data are taken for a subsection or a subsection for data; the load goes on
};
std::string_view to_string(Outcome outcome);

/// One run of a loader over the rest of a body.
struct Reading {
  enum class Refusal : std::uint8_t { none, unknown_subsection, subsection_too_new, sentinel_missing };
  Outcome outcome = Outcome::as_intended;
  Refusal refusal = Refusal::none;   ///< also of loaders that misread before
  Offset at = 0;                     ///< of the byte that is refused or misread first
  Offset refused_at = 0;
  std::string description;           ///< refusals: the description that was being loaded
  std::string subsection;            ///< refusals: the name that was read
  std::uint32_t version = 0;         ///< refusals: of that subsection, as the loader stores it
  std::uint32_t local_version = 0;   ///< subsection_too_new
  const Field* field = nullptr;      ///< misreads: the first field that gets wrong bytes
  std::optional<Offset> body_end;    ///< misreads: where the body ends for this loader, if it gets there
};

/// A section body as the program that loaders run over it: what is read in which order and where they look for
/// subsections. It has the layout of the writer: a loader is thought to differ from it in its subsections only.
class LoadProgram {
 public:
  /// A position where a body ends and 0x05 stands.
  struct Place {
    Offset at = 0;
    std::string description;         ///< the innermost one that ends here, which is asked first
    const Field* behind = nullptr;   ///< its structure or subsection; null: the section body
    const Field* following = nullptr;   ///< the field that is read next where nobody sees a subsection; null: none
    const Field* subsection = nullptr;  ///< the subsection that begins here; null: the byte is data of `following`
    std::string owner;               ///< description that the subsection belongs to
    bool duplicate = false;          ///< the owner has had a subsection of this name before
    bool out_of_order = false;       ///< the owner has had one that every list puts behind this one
    std::size_t step = 0;
    std::vector<std::size_t> returns;
  };

  /// `e` must outlive the program. At most `most_places` places are kept.
  LoadProgram(const DeviceState& e, std::size_t most_places);

  LoadProgram(const LoadProgram&) = delete;
  LoadProgram& operator=(const LoadProgram&) = delete;

  const std::vector<Place>& places() const { return places_; }
  std::size_t places_dropped() const { return dropped_; }

  /// Lets `destination` read from `place` on. `budget` counts steps down; at 0 the end of the body stays unknown.
  Reading read(const Place& place, const Destination& destination, std::size_t& budget) const;
  /// Name that a record at `at` would have, as far as the body goes; empty if there is none.
  std::string name_at(Offset at) const;

 private:
  struct Step {
    enum class Kind : std::uint8_t { read, look, sentinel, done };
    Kind kind;
    std::uint32_t look;  ///< number in looks_
    const Field* field;  ///< read: the leaf; look: what ends here
  };
  struct Look {
    std::string_view description;
    const std::vector<Field>* subsections;  ///< in the order of the stream
    std::vector<std::size_t> blocks;        ///< first step of each subsection's body
    std::size_t next;                       ///< step behind these blocks
    /// Number of the subsection that begins at `at`.
    std::optional<std::size_t> subsection_at(Offset at) const;
  };
  struct State {
    std::size_t step;
    Offset at;
    std::vector<std::size_t> returns;  ///< look steps that subsections being read go back to
  };
  struct Found;  // a record header as a loader sees it
  class Run;

  void flatten(std::string_view description, const Field* of, const std::vector<Field>& fields,
               const std::vector<Field>& subsections);
  void find_places(std::size_t most);
  void arrive(const State& state, const Look& look, std::size_t most);
  std::optional<std::uint8_t> byte_at(Offset at) const;
  Found record_at(Offset at) const;
  const Field* next_leaf(State state) const;

  ByteRange range_;
  Bytes bytes_;
  std::string section_;  ///< its description
  std::vector<Step> steps_;
  std::vector<Look> looks_;
  std::vector<Place> places_;
  std::size_t dropped_ = 0;
};

/// Name by which loaders compare the subsections of a section: the description's, which is the part of the section's
/// name behind the device path.
std::string section_description(const SectionHeader& header, const FieldTree& tree);

}  // namespace vmstate
