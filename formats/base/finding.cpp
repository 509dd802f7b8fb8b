// SPDX-License-Identifier: Apache-2.0
#include "formats/base/finding.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace vmstate {
namespace {

constexpr std::array code_table{
#define VMS_FINDING(number, identifier, severity, title, explanation) \
  CodeInfo{Code::identifier, #identifier, Severity::severity, title, explanation},
#include "formats/base/finding_codes.def"
#undef VMS_FINDING
};

// Where a finding is listed: by its place in the file, or in the layer whose bytes do not stand there.
Offset place_of(const Finding& finding) { return finding.file_offset().value_or(finding.range.offset); }

// Sums over all of guest RAM stand at its first record, but follow from what was found in it.
bool is_sum_over_ram(const Finding& finding) {
  return finding.code == Code::ram_pages_never_sent || finding.code == Code::ram_wrong_pass;
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "unknown";
}

std::optional<Severity> severity_from(std::string_view text) {
  for (const auto severity : {Severity::note, Severity::warning, Severity::error})
    if (text == to_string(severity)) return severity;
  return std::nullopt;
}

const CodeInfo& info(Code code) {
  const auto it = std::ranges::find(code_table, code, &CodeInfo::code);
  return it == code_table.end() ? code_table.front() : *it;
}

std::vector<CodeInfo> all_codes() { return {code_table.begin(), code_table.end()}; }

std::string code_text(Code code) {
  std::string digits = std::to_string(static_cast<unsigned>(code));
  return "VMS" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

std::optional<Offset> Finding::file_offset() const { return origin ? origin->file_offset(range.offset) : range.offset; }

Finding& Findings::add(Code code, ByteRange range, std::string message) {
  Finding finding;
  finding.code = code;
  finding.severity = info(code).severity;
  finding.range = range;
  finding.origin = origin_;
  finding.section = section_;
  finding.message = std::move(message);
  return add(std::move(finding));
}

Finding& Findings::add(Finding finding) {
  if (++count_[finding.code] > per_code_) {
    ++suppressed_[finding.code];
    highest_suppressed_ = std::max(highest_suppressed_.value_or(finding.severity), finding.severity);
    scratch_ = std::move(finding);
    return scratch_;
  }
  return all_.emplace_back(std::move(finding));
}

bool Findings::any_at_least(Severity severity) const {
  if (highest_suppressed_ && *highest_suppressed_ >= severity) return true;
  return std::ranges::any_of(all_, [&](const Finding& finding) { return finding.severity >= severity; });
}

void Findings::finish() {
  Offset last_in_ram = 0;
  for (const Finding& finding : all_)
    if (finding.section == "ram" && !is_sum_over_ram(finding)) last_in_ram = std::max(last_in_ram, place_of(finding));
  std::ranges::stable_sort(all_, {}, [&](const Finding& finding) {
    const bool sum = is_sum_over_ram(finding);
    return std::pair(sum ? std::max(place_of(finding), last_in_ram) : place_of(finding), sum);
  });
  for (const auto& [code, dropped] : suppressed_) {
    Finding note;
    note.code = Code::findings_suppressed;
    note.severity = Severity::note;
    note.message = std::to_string(dropped) + " more findings of " + code_text(code) + " are not listed";
    all_.push_back(std::move(note));
  }
  suppressed_.clear();
}

}  // namespace vmstate
