// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/machine_summary.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace vmstate {
namespace {

// Every run state any release wrote; docs/formats/special_sections.md, "globalstate".
constexpr std::array<std::string_view, 17> run_states{
    "debug",      "inmigrate", "internal-error", "io-error", "paused",   "postmigrate", "prelaunch",      "finish-migrate", "restore-vm",
    "running",    "save-vm",   "shutdown",       "suspended", "watchdog", "guest-panicked", "colo", "preconfig"};

const Field* find_field(const FieldTree& tree, std::string_view name) {
  const auto it = std::ranges::find(tree.fields, name, &Field::name);
  return it == tree.fields.end() ? nullptr : &*it;
}

}  // namespace

void MachineSummary::on(const SectionBegin& e) {
  if (e.header.type != SectionType::full) return;
  ++devices_;
  if (e.header.name == "cpu") ++cpus_;
}

void MachineSummary::on(const DeviceState& e) {
  device_bytes_ += e.range.size;
  if (e.header.name == "globalstate") read_global_state(e);
}

void MachineSummary::read_global_state(const DeviceState& e) {
  const Field* size_field = find_field(e.tree, "size");
  const Field* text_field = find_field(e.tree, "runstate");
  if (size_field == nullptr || text_field == nullptr) return;
  const FieldValue size = field_value(*size_field, bytes_of(e, *size_field));
  const auto text = as_text(bytes_of(e, *text_field));
  const auto length = text.find('\0');
  const auto report = [&](Code code, const std::string& message) {
    Finding& finding = findings_.add(code, text_field->range, message);
    finding.section = section_label(e.header);
    finding.field = text_field->name;
  };
  if (length == std::string_view::npos) return report(Code::run_state_unterminated, "the run state has no terminating zero byte");
  const std::string state(text.substr(0, length));
  run_state_ = state;
  if (std::ranges::find(run_states, state) == run_states.end())
    return report(Code::run_state_unknown, "the run state is '" + state + "', which no QEMU knows");
  if (const auto* stated = std::get_if<std::uint64_t>(&size); stated != nullptr && *stated != length + 1)
    report(Code::run_state_unterminated, "the run state '" + state + "' has " + std::to_string(length + 1) +
                                             " bytes, the section says " + std::to_string(*stated));
}

}  // namespace vmstate
