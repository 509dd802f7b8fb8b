// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/completeness.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "formats/base/offset_text.hpp"

namespace vmstate {
namespace {

std::string label(const std::string& name, std::uint32_t instance) {
  return instance == 0 ? name : name + "#" + std::to_string(instance);
}

// Section names carry the device's path: "0000:00:00.0/I440FX".
std::string_view bare(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// The host bridge tells the family of a PC; each family always has these sections.
// Source: hw/i386/pc_piix.c, pc_q35.c of all releases; docs/formats/qevm.md, "What every PC has".
struct Family {
  std::string_view host_bridge;
  std::string_view machine_prefix;  // machine names of the family begin so
};
constexpr std::array families{Family{"I440FX", "pc-i440fx"}, Family{"mch", "pc-q35"}};
constexpr std::array<std::string_view, 3> essentials{"mc146818rtc", "i8254", "i8259"};
// Machines of the first family before 1.x and aliases.
bool is_family_name(std::string_view machine, const Family& family) {
  if (machine.starts_with(family.machine_prefix)) return true;
  return family.host_bridge == "I440FX" && (machine == "pc" || machine.starts_with("pc-0") || machine.starts_with("pc-1"));
}

}  // namespace

void Completeness::on(const Command& e) {
  constexpr std::string_view switchover = "switchover_start";
  switchover_seen_ = switchover_seen_ || e.name == switchover;
  packaged_ = packaged_ || e.package_size.has_value();
}

void Completeness::on(const DescriptionKnown& e) {
  described_.assign(e.devices.begin(), e.devices.end());
  description_known_ = e.complete || !e.devices.empty();
  description_complete_ = e.complete;
}

void Completeness::on(const SectionBegin& e) {
  const SectionHeader& header = e.header;
  ram_seen_ = ram_seen_ || header.name == "ram";
  switch (header.type) {
    case SectionType::full:
      if (devices_.size() >= limits_.remembered_sections) return;
      devices_.push_back({header.name, header.instance, header.version, header.id, header.range, header.package_depth > 0});
      return;
    case SectionType::start:
      if (iterables_.size() < limits_.remembered_sections)
        iterables_.try_emplace(header.id, Iterable{section_label(header), header.name == "ram", false, header.range, devices_.size()});
      return;
    case SectionType::part: return;
    case SectionType::end:
      if (const auto it = iterables_.find(header.id); it != iterables_.end()) {
        if (it->second.ram && !it->second.ended) devices_inside_ram(it->second.first_device, header.range.offset);
        it->second.ended = true;
      }
      return;
  }
}

// Those of a package belong there: postcopy sends them before the rest of RAM.
void Completeness::devices_inside_ram(std::size_t first, Offset end) {
  for (std::size_t i = std::max(first, judged_inside_ram_); i < devices_.size(); ++i)
    if (!devices_[i].packaged)
      report(Code::device_before_ram_end, devices_[i],
             "'" + label(devices_[i].name, devices_[i].instance) + "' stands before the end of RAM at " + offset_text(end));
  judged_inside_ram_ = devices_.size();
}

void Completeness::on(const EndOfStream& e) {
  if (!e.premature) end_byte_ = e.range;
}

void Completeness::report(Code code, const Device& device, std::string message) {
  Finding& finding = findings_.add(code, device.header, std::move(message));
  finding.section = label(device.name, device.instance);
}

void Completeness::on(const StreamEnd& e) {
  if (description_known_) {
    compare_with_description();
  } else {
    compare_with_itself();
    if (e.kind == StreamEndKind::eof) check_essentials();
  }
  if (e.kind == StreamEndKind::eof || e.kind == StreamEndKind::premature_eof) check_iterables(e);
  check_parts(e);
  check_machine();
}

void Completeness::compare_with_description() {
  std::map<Identity, std::vector<std::size_t>> positions;
  for (std::size_t i = 0; i < described_.size(); ++i) positions[{described_[i].name, described_[i].instance}].push_back(i);
  std::vector<std::optional<Offset>> found(described_.size());  // where each described device stands
  std::map<Identity, std::size_t> seen;
  std::vector<std::size_t> order, matched;
  std::vector<std::size_t> strangers;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    const auto it = positions.find({device.name, device.instance});
    if (it == positions.end()) {
      strangers.push_back(i);
      continue;
    }
    const std::size_t occurrence = seen[{device.name, device.instance}]++;
    if (occurrence >= it->second.size()) {
      report(Code::section_duplicated, device, "'" + label(device.name, device.instance) + "' stands in the stream once more");
      continue;
    }
    const std::size_t position = it->second[occurrence];
    found[position] = device.header.offset;
    order.push_back(position);
    matched.push_back(i);
    if (described_[position].version && device.version != *described_[position].version)
      report(Code::version_differs, device,
             "'" + label(device.name, device.instance) + "' has version " + std::to_string(device.version) +
                 " in its header and " + std::to_string(*described_[position].version) + " in the description");
  }
  compare_order(order, matched);
  if (description_complete_)
    for (const std::size_t i : strangers)
      report(Code::device_undescribed, devices_[i],
             "'" + label(devices_[i].name, devices_[i].instance) + "' is not in the description");
  // A missing device belongs in front of the next one that is there.
  Offset place = end_byte_ ? end_byte_->offset : 0;
  for (std::size_t i = described_.size(); i-- > 0;) {
    if (found[i]) {
      place = *found[i];
      continue;
    }
    const std::string name = label(described_[i].name, described_[i].instance);
    Finding& finding = findings_.add(Code::device_missing, {place, 0},
                                     "'" + name + "' is described but not in the stream; its place is at " + offset_text(place));
    finding.section = name;
    if (lost_) finding.hint = "part of the stream could not be read: it may have been there";
  }
}

void Completeness::compare_order(const std::vector<std::size_t>& positions, const std::vector<std::size_t>& devices) {
  for (std::size_t i = 1; i < positions.size(); ++i) {
    if (positions[i] > positions[i - 1]) continue;
    const Device& device = devices_[devices[i]];
    report(Code::section_out_of_order, device,
           "'" + label(device.name, device.instance) + "' stands behind '" +
               label(devices_[devices[i - 1]].name, devices_[devices[i - 1]].instance) +
               "', the description has them the other way round");
  }
}

void Completeness::compare_with_itself() {
  // QEMU itself saves two devices under one name and instance now and then (isa-ide), but never under one section id.
  std::set<std::pair<Identity, std::uint32_t>> seen;
  std::map<std::string, std::map<std::uint32_t, ByteRange>> instances;
  for (const Device& device : devices_) {
    if (!seen.insert({{device.name, device.instance}, device.id}).second)
      report(Code::section_duplicated, device, "'" + label(device.name, device.instance) + "' stands in the stream once more");
    auto& numbers = instances[device.name];
    if (!numbers.empty() && device.instance < numbers.rbegin()->first)
      report(Code::section_out_of_order, device,
             "'" + label(device.name, device.instance) + "' stands behind '" + label(device.name, numbers.rbegin()->first) + "'");
    numbers.try_emplace(device.instance, device.header);
  }
  // Instances count from 0; larger numbers are I/O addresses of old ISA devices.
  constexpr std::uint32_t largest_counted = 16;
  for (const auto& [name, numbers] : instances) {
    std::uint32_t expected = 0;
    for (const auto& [number, header] : numbers) {
      if (number > largest_counted) break;
      for (; expected < number; ++expected) {
        Finding& finding = findings_.add(Code::instance_gap, {}, "'" + label(name, number) + "' is there but '" +
                                                                     label(name, expected) + "' is not");
        finding.range = header;
        finding.section = label(name, expected);
      }
      expected = number + 1;
    }
  }
}

void Completeness::check_essentials() {
  const bool family = std::ranges::any_of(devices_, [](const Device& device) {
    return std::ranges::find(families, bare(device.name), &Family::host_bridge) != families.end();
  });
  if (!family) return;
  std::string missing;
  for (const std::string_view name : essentials) {
    const bool there = std::ranges::any_of(devices_, [&](const Device& device) { return bare(device.name) == name; });
    if (!there) missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  if (missing.empty()) return;
  const ByteRange at = end_byte_.value_or(ByteRange{});
  findings_.add(Code::expected_device_missing, at, "every PC has " + missing + ", this stream has not");
  if (!end_byte_) return;
  if (trailing_)
    findings_.add(Code::premature_eof, at, "the stream ends at " + offset_text(at.offset) +
                                               " although devices that every PC has have not come")
        .hint = "a loader takes the zero byte for the end and leaves all later devices in their reset state";
  else
    findings_.add(Code::ends_in_body, at, "the file ends although devices that every PC has have not come; its last byte is "
                                          "zero by chance and was taken for the end of the stream");
}

void Completeness::check_machine() {
  if (!machine_ || machine_->empty()) return;
  for (const Family& family : families) {
    const auto bridge = std::ranges::find_if(devices_, [&](const Device& device) { return bare(device.name) == family.host_bridge; });
    if (bridge == devices_.end()) continue;
    const bool other = std::ranges::any_of(families, [&](const Family& f) {
      return f.host_bridge != family.host_bridge && is_family_name(*machine_, f);
    });
    const bool bridgeless = *machine_ == "isapc" || *machine_ == "microvm" || *machine_ == "none";
    if (other || bridgeless)
      report(Code::machine_contradicted, *bridge,
             "the configuration names '" + *machine_ + "', but the host bridge is that of " + std::string(family.machine_prefix));
  }
}

void Completeness::check_iterables(const StreamEnd&) {
  for (const auto& [id, iterable] : iterables_) {
    if (iterable.ended) continue;
    if (!iterable.ram) {
      findings_.add(Code::section_unfinished, iterable.header, "'" + iterable.label + "' has no END section");
      continue;
    }
    Finding& finding = findings_.add(Code::ram_end_missing, iterable.header, "RAM has no END section");
    // Background snapshots never send this command; every other stream of QEMU 10.0 and later does.
    if (switchover_seen_) {
      finding.severity = Severity::error;
      finding.message += " although the source had switched over: its last part is lost";
    } else {
      finding.hint = "a background snapshot looks like this and is whole; in any other stream the last part of RAM is lost";
    }
    finding.section = iterable.label;
  }
}

void Completeness::check_parts(const StreamEnd& e) {
  const bool ended = e.kind == StreamEndKind::eof || e.kind == StreamEndKind::premature_eof;
  const ByteRange start{0, 0};
  if (ended && !ram_seen_ && !devices_.empty() && machine_)
    findings_.add(Code::ram_section_missing, start, "the stream has device state but no RAM section");
  if (e.footers && !machine_ && ram_seen_)
    findings_.add(Code::configuration_lost, {8, 0}, "the sections have footers, but no configuration section names the machine");
  if (ended && !e.description && !description_known_) {
    const Code code = packaged_ ? Code::postcopy_without_description : Code::description_missing;
    findings_.add(code, {e.size, 0}, "no description follows the stream");
  }
}

}  // namespace vmstate
