// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// What is known of QEMU's loaders, as data: docs/formats/subsections.md. The rows are generations.def and
// known_descriptions.def; what a loader makes of a stream is computed elsewhere.
namespace vmstate::loaders {

/// When the loader takes a 0x05 behind the fields of a description for a subsection.
enum class SubsectionLookup : std::uint8_t {
  never,      ///< it knows no subsections: the byte is data of whatever comes next
  always,     ///< behind every description
  if_listed,  ///< behind descriptions that have subsections of their own
  by_prefix   ///< behind every description, if the record's name begins with the description's name and is longer
};
std::string_view to_string(SubsectionLookup lookup);

/// Releases whose descriptions are listed, in order of time.
enum class KnownRelease : std::uint8_t {
  v0_12, v0_13, v0_14, v0_15, v2011, v1_0, v1_2, v1_5, v1_7, v2_0, v2_3, v2_4, v2_8,
  newer  ///< than every list
};

/// Whether it knows the configuration section and footers, which its machine types of 2.4 and later demand.
enum class LoaderFraming : std::uint8_t { bare, modern };

/// How refusals are worded. In the patterns {section}, {instance} (hexadecimal), {description}, {subsection}, {number},
/// {version} and {local} stand for what they name. Every failed load ends in "load of migration failed".
struct LoaderTexts {
  std::string_view unknown_subsection;
  std::string_view sentinel_missing;
  std::string_view subsection_too_new;
  std::string_view unknown_type;     ///< a byte that is no section type where one belongs
  std::string_view unknown_section;  ///< what follows reads like the header of a section that the machine has not
  std::string_view footer_missing;
  std::string_view footer_mismatch;
};

struct LoaderGeneration {
  std::string_view id;
  std::string_view first;
  std::string_view last;
  SubsectionLookup lookup;
  std::uint32_t newest_format;
  std::uint32_t ram_min;
  std::uint32_t ram_max;
  LoaderFraming framing;
  KnownRelease at_least;
  KnownRelease at_most;
  const LoaderTexts* texts;

  /// The rules of 1.0, which hold to this day.
  bool current_rules() const { return lookup == SubsectionLookup::by_prefix; }
};

/// All of them, oldest first.
std::span<const LoaderGeneration> generations();
/// By id, or by a release between `first` and `last`; null if there is none.
const LoaderGeneration* find_generation(std::string_view release);

enum class Knowledge : std::uint8_t { no, yes, unsure };

/// Does this loader know the subsection `name` of `description`?
Knowledge knows_subsection(const LoaderGeneration& loader, std::string_view description, std::string_view name);
/// Does it know any subsection of `description`?
Knowledge knows_any_subsection(const LoaderGeneration& loader, std::string_view description);
/// A version of `description` that it does not exceed, where that is known.
std::optional<std::uint32_t> newest_version(const LoaderGeneration& loader, std::string_view description);
/// Where every older loader lacks a section of this name for certain: the first listed release that has it.
std::optional<KnownRelease> section_introduced(std::string_view name);

/// Place of `name` in the list of its description; nothing where it is not known.
std::optional<std::size_t> listed_position(std::string_view description, std::string_view name);

/// -1, 0 or 1: the order of release numbers ("0.15.1" < "1.0" < "10.2"), compared as far as both go.
int compare_releases(std::string_view a, std::string_view b);
/// Release a machine type is named after ("pc-i440fx-7.2", "virt-2.6", "pc-0.15"): "7.2"; empty where it names none.
std::string_view machine_release(std::string_view machine);

/// A message: every {key} of `pattern` replaced by its value.
struct TextValue {
  std::string_view key;
  std::string_view value;
};
std::string fill_text(std::string_view pattern, std::span<const TextValue> values);

}  // namespace vmstate::loaders
