// SPDX-License-Identifier: Apache-2.0
#include "formats/loaders/generations.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace vmstate::loaders {
namespace {

using enum SubsectionLookup;
using enum KnownRelease;
using enum LoaderFraming;

// The two lines of QEMU up to 1.7: both went to standard error as warnings, the reason was not given.
constexpr LoaderTexts warnings{
    .unknown_subsection = "qemu: warning: error while loading state for instance {instance} of device '{section}'",
    .sentinel_missing = "qemu: warning: error while loading state for instance {instance} of device '{section}'",
    .subsection_too_new = "qemu: warning: error while loading state for instance {instance} of device '{section}'",
    .unknown_type = "Unknown savevm section type {number}",
    .unknown_section = "Unknown savevm section or instance",
    .footer_missing = "",
    .footer_mismatch = ""};
constexpr LoaderTexts reports{
    .unknown_subsection = "error while loading state for instance {instance} of device '{section}': No such file or directory",
    .sentinel_missing = "",
    .subsection_too_new = "{subsection}: incoming version_id {version} is too new for local version_id {local}",
    .unknown_type = "Unknown savevm section type {number}",
    .unknown_section = "Unknown savevm section or instance",
    .footer_missing = "Missing section footer for {section}",
    .footer_mismatch = "Mismatched section id in footer for {section}"};
constexpr LoaderTexts named{
    .unknown_subsection = "VM subsection '{subsection}' in '{description}' does not exist",
    .sentinel_missing = "",
    .subsection_too_new = "{subsection}: incoming version_id {version} is too new for local version_id {local}",
    .unknown_type = "Unknown section type {number}",
    .unknown_section = "Unknown section or instance",
    .footer_missing = "Missing section footer for {section}",
    .footer_mismatch = "Mismatched section id in footer for {section}"};

constexpr LoaderGeneration all_generations[] = {
#define VMS_LOADER(id, first, last, lookup, newest_format, ram_min, ram_max, framing, at_least, at_most, texts) \
  {id, first, last, lookup, newest_format, ram_min, ram_max, framing, at_least, at_most, &(texts)},
#include "formats/loaders/generations.def"
};

struct VersionRow {
  std::string_view description;
  KnownRelease since;
  std::uint32_t version;
};
constexpr VersionRow version_rows[] = {
#define VMS_VERSION(description, since, version) {description, since, version},
#include "formats/loaders/known_descriptions.def"
};

struct SubsectionRow {
  std::string_view description;
  std::string_view name;
  KnownRelease since;
};
constexpr SubsectionRow subsection_rows[] = {
#define VMS_SUBSECTION(description, subsection, since) {description, subsection, since},
#include "formats/loaders/known_descriptions.def"
};

// Sections that no older release can have had under any handler: the device is new, not only its description.
struct IntroducedRow {
  std::string_view section;
  KnownRelease since;
};
constexpr IntroducedRow introduced_rows[] = {
    {"kvm-tpr-opt", v1_2}, {"ICH9LPC", v1_5},    {"mch", v1_5},         {"pvscsi", v1_5},
    {"vmxnet3", v1_5},     {"acpi_build", v1_7}, {"globalstate", v2_4}, {"e1000e", v2_8},
};

// Both lists are sorted by description.
template <class Row, std::size_t size>
std::span<const Row> rows_of(const Row (&rows)[size], std::string_view description) {
  const Row* first = std::ranges::lower_bound(rows, description, {}, &Row::description);
  const Row* last = std::ranges::upper_bound(rows, description, {}, &Row::description);
  return {first, last};
}

Knowledge knowledge_of(const LoaderGeneration& loader, KnownRelease since) {
  if (since <= loader.at_least) return Knowledge::yes;
  return since <= loader.at_most ? Knowledge::unsure : Knowledge::no;
}

// Next number of a release text, which loses it; missing numbers are absent.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (text.starts_with('.')) text.remove_prefix(1);
  return number;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view to_string(SubsectionLookup lookup) {
  switch (lookup) {
    case never: return "never";
    case always: return "always";
    case if_listed: return "if-listed";
    case by_prefix: return "by-prefix";
  }
  return "?";
}

std::span<const LoaderGeneration> generations() { return all_generations; }

const LoaderGeneration* find_generation(std::string_view release) {
  for (const LoaderGeneration& loader : all_generations)
    if (loader.id == release) return &loader;
  for (const LoaderGeneration& loader : all_generations)
    if (!release.empty() && compare_releases(loader.first, release) <= 0 && compare_releases(release, loader.last) <= 0)
      return &loader;
  return nullptr;
}

Knowledge knows_subsection(const LoaderGeneration& loader, std::string_view description, std::string_view name) {
  for (const SubsectionRow& row : rows_of(subsection_rows, description))
    if (row.name == name) return knowledge_of(loader, row.since);
  return Knowledge::unsure;
}

Knowledge knows_any_subsection(const LoaderGeneration& loader, std::string_view description) {
  const bool listed = !rows_of(version_rows, description).empty();
  Knowledge any = listed && loader.at_most != newer ? Knowledge::no : Knowledge::unsure;
  for (const SubsectionRow& row : rows_of(subsection_rows, description)) {
    const Knowledge one = knowledge_of(loader, row.since);
    if (one == Knowledge::yes) return one;
    if (one == Knowledge::unsure) any = one;
  }
  return any;
}

std::optional<std::uint32_t> newest_version(const LoaderGeneration& loader, std::string_view description) {
  if (loader.at_most == newer) return std::nullopt;
  std::optional<std::uint32_t> newest;
  for (const VersionRow& row : rows_of(version_rows, description))
    if (row.since <= loader.at_most) newest = row.version;
  return newest;
}

std::optional<KnownRelease> section_introduced(std::string_view name) {
  const auto row = std::ranges::find(introduced_rows, name, &IntroducedRow::section);
  if (row == std::end(introduced_rows)) return std::nullopt;
  return row->since;
}

std::optional<std::size_t> listed_position(std::string_view description, std::string_view name) {
  const auto rows = rows_of(subsection_rows, description);
  const auto row = std::ranges::find(rows, name, &SubsectionRow::name);
  if (row == rows.end()) return std::nullopt;
  return static_cast<std::size_t>(row - rows.begin());
}

int compare_releases(std::string_view a, std::string_view b) {
  for (;;) {
    const auto left = take_number(a), right = take_number(b);
    if (!left || !right) return 0;
    if (*left != *right) return *left < *right ? -1 : 1;
  }
}

std::string_view machine_release(std::string_view machine) {
  std::size_t begin = machine.size();
  while (begin > 0 && (is_digit(machine[begin - 1]) || machine[begin - 1] == '.')) --begin;
  const std::string_view release = machine.substr(begin);
  const bool is_release = begin > 0 && machine[begin - 1] == '-' && release.find('.') != std::string_view::npos &&
                     is_digit(release.front()) && is_digit(release.back());
  return is_release ? release : std::string_view{};
}

std::string fill_text(std::string_view pattern, std::span<const TextValue> values) {
  std::string text;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    const auto close = pattern.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const auto value = std::ranges::find(values, pattern.substr(open + 1, close - open - 1), &TextValue::key);
    text += pattern.substr(0, open);
    if (value != values.end()) text += value->value;
    pattern.remove_prefix(close + 1);
  }
  return text += pattern;
}

}  // namespace vmstate::loaders
