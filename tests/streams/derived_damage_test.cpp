// SPDX-License-Identifier: Apache-2.0
// Damage made from sound files: everywhere in them, one kind at a time. Each must be found, by a fitting code, where it
// is. What cannot be told from a sound stream is left out where it occurs, with the reason.
#include <random>
#include <set>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"

namespace vmstate::test {
namespace {

/// A sound stream and where its parts are.
struct Sound {
  std::string name;
  ByteVector bytes;
  Inspected seen;
  bool footers() const { return seen.stream.footers; }
  bool described() const { return seen.stream.description; }
  Offset first_device() const {
    const auto it = std::ranges::find_if(seen.sections, &SectionSeen::full);
    return it == seen.sections.end() ? bytes.size() : it->begin();
  }
};

Sound sound_file(const std::string& name) {
  const RealFile& file = real_file(name);
  return {name, file.bytes(), inspect(file.path())};
}

// With footers and description: several targets, writers of 5.2, 7.2, 10.0 and 11.1.
const std::vector<std::string> whole_streams{
    "described/x86-i440fx-7.2-tcg-S-m2.migr",  "described/aarch64-virt-smp2-m16.migr",
    "described/riscv64-virt-nobios-m16.migr",  "described/avr-uno.migr",
    "described/x86-none-tcg-m1.migr",          "described/s390x-ccw-m64.migr",
    "described/q52-q35-5.2-min.plain.vmstate", "described/dev100-usb-hub.vmstate",
    "described/dev111-megasas.vmstate"};
// Described, but without footers.
const std::vector<std::string> streams_without_footers{"described/x86-i440fx-7.2-nofooter-m2.migr",
                                                       "described/x86-i440fx-2.3-tcg-S-m2.migr",
                                                       "described/x86-i440fx-1.4-tcg-S-m2.migr"};
// With neither.
const std::vector<std::string> bare_streams{"legacy/1.2.2-t-default-S.v3", "legacy/0.14.1-t-default-S.v3"};

std::vector<std::string> joined(std::vector<std::string> left, const std::vector<std::string>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}
const std::vector<std::string> described_streams = joined(whole_streams, streams_without_footers);
const std::vector<std::string> all_streams = joined(described_streams, bare_streams);

ByteVector erased(ByteVector bytes, ByteRange range) {
  const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
  bytes.erase(at, at + static_cast<std::ptrdiff_t>(range.size));
  return bytes;
}
ByteVector inserted(ByteVector bytes, Offset at, const ByteVector& more) {
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  return bytes;
}
ByteVector part(const ByteVector& bytes, ByteRange range) {
  const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
  return {at, at + static_cast<std::ptrdiff_t>(range.size)};
}
ByteRange whole(const SectionSeen& section) { return ByteRange::between(section.begin(), section.end()); }

bool touches(const Finding& finding, Offset from, Offset to) {
  return finding.range.offset <= to && std::max(finding.range.end(), finding.range.offset + 1) > from;
}
bool found(const Inspected& seen, const std::set<Code>& codes, Offset from, Offset to) {
  return std::ranges::any_of(seen.findings, [&](const Finding& finding) {
    return codes.contains(finding.code) && touches(finding, from, to);
  });
}
bool anything_found(const Inspected& seen, Offset from, Offset to) {
  return std::ranges::any_of(seen.findings, [&](const Finding& finding) {
    return finding.severity >= Severity::warning && touches(finding, from, to);
  });
}

// QEMU described this section wrongly: its real length is known by its footer only.
bool wrongly_described(const Sound& sound, const SectionSeen& section) {
  return std::ranges::any_of(sound.seen.findings, [&](const Finding& finding) {
    return finding.code == Code::description_writer_defect && finding.section == section.label;
  });
}

// How many of the last `count` sections are found again at the end of the damaged stream.
std::size_t kept_at_end(const Sound& sound, const Inspected& seen, std::size_t count) {
  const auto& left = sound.seen.sections;
  const auto& right = seen.sections;
  std::size_t kept = 0;
  while (kept < count && kept < right.size() &&
         left[left.size() - 1 - kept].label == right[right.size() - 1 - kept].label &&
         left[left.size() - 1 - kept].header.type == right[right.size() - 1 - kept].header.type)
    ++kept;
  return kept;
}

class DerivedDamage : public RealStreams {
 protected:
  // Calls `check(sound, section, number)` for every section of every file.
  template <class Check>
  static void each_section(const std::vector<std::string>& names, Check&& check) {
    for (const std::string& name : names) {
      const Sound sound = sound_file(name);
      for (std::size_t i = 0; i < sound.seen.sections.size(); ++i) {
        const SectionSeen& section = sound.seen.sections[i];
        SCOPED_TRACE(name + ": " + std::string(to_string(section.header.type)) + " " + section.label + " at " +
                     std::to_string(section.begin()) + "+" + std::to_string(whole(section).size));
        check(sound, section, i);
        if (HasFatalFailure()) return;
      }
    }
  }
};

// --- truncation
// -------------------------------------------------------------------------------------------------------

std::set<Offset> cuts(const Sound& sound) {
  std::set<Offset> places;
  const auto around = [&](Offset at) {
    for (const Offset place : {at - 1, at, at + 1})
      if (place > 0 && place < sound.bytes.size()) places.insert(place);
  };
  for (const SectionSeen& section : sound.seen.sections) {
    around(section.begin());
    around(section.body.offset);
    around(section.end());
    if (section.footer) around(section.footer->offset);
  }
  if (sound.seen.end_byte) around(*sound.seen.end_byte + 1);
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) places.insert(1 + random() % (sound.bytes.size() - 1));
  return places;
}

const std::set<Code> truncation_codes{
    Code::ends_between_sections, Code::ends_in_header,        Code::ends_in_body,   Code::ends_in_footer,
    Code::ends_in_command,       Code::ends_in_stream_header, Code::ram_ends_early, Code::configuration_damaged};

void expect_truncated(const Sound& sound, Offset cut) {
  const Inspected seen = inspect(Bytes(sound.bytes).first(static_cast<std::size_t>(cut)));
  const std::string text = "cut to " + std::to_string(cut) + ", end " + std::string(to_string(seen.stream.end)) +
                           ":\n" + seen.findings_text();
  if (!seen.recognised) {
    EXPECT_LT(cut, 8u) << text;
    EXPECT_EQ(seen.status, app::exit_unreadable) << text;
    return;
  }
  EXPECT_TRUE(seen.tiles) << text;
  EXPECT_EQ(seen.accounted, cut) << text;
  const Offset end = *sound.seen.end_byte + 1;
  // Without footers only a description that can be recognised tells the last device from what follows it.
  constexpr Offset recognisable = 32;
  if (cut > end && !sound.footers() && cut < end + recognisable && seen.stream.end == StreamEndKind::truncated) return;
  if (cut >= end) {
    // The stream is whole, its description is not.
    EXPECT_EQ(seen.stream.end, StreamEndKind::eof) << text;
    const Code code = cut == end ? Code::description_missing : Code::description_cut;
    EXPECT_TRUE(found(seen, {code}, end, cut)) << text;
    return;
  }
  // Without footers, and with the description cut off, a zero byte at the end of the data is the end of the stream.
  const bool looks_whole =
      !sound.footers() && cut > sound.first_device() && sound.bytes[static_cast<std::size_t>(cut) - 1] == 0;
  if (looks_whole && seen.stream.end != StreamEndKind::truncated) return;
  EXPECT_EQ(seen.stream.end, StreamEndKind::truncated) << text;
  EXPECT_TRUE(found(seen, truncation_codes, cut - 1, cut)) << text;
  EXPECT_NE(seen.status, app::exit_nothing_found) << text;
}

TEST_F(DerivedDamage, TruncatedAnywhere) {
  for (const std::string& name : all_streams) {
    SCOPED_TRACE(name);
    const Sound sound = sound_file(name);
    for (const Offset cut : cuts(sound)) expect_truncated(sound, cut);
  }
}

// --- one byte
// ---------------------------------------------------------------------------------------------------------

// Where neither description nor footers tell the ends of devices, a zeroed header is lost in the device before it.
TEST_F(DerivedDamage, ZeroInPlaceOfASectionType) {
  each_section(described_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    const Inspected seen = inspect(with_byte(sound.bytes, static_cast<std::size_t>(section.begin()), 0));
    EXPECT_TRUE(found(seen, {Code::premature_eof}, section.begin(), section.begin())) << seen.findings_text();
    EXPECT_EQ(to_string(seen.stream.end), "premature-eof");
    // The section itself is read all the same, though not whether it was a PART or an END.
    EXPECT_TRUE(std::ranges::any_of(seen.sections, [&](const SectionSeen& one) {
      return one.begin() == section.begin() + 1 && one.label == section.label;
    })) << seen.findings_text();
    const std::size_t behind = sound.seen.sections.size() - number - 1;
    EXPECT_EQ(kept_at_end(sound, seen, behind), behind) << seen.findings_text();
    EXPECT_TRUE(seen.tiles);
  });
}

TEST_F(DerivedDamage, ZeroInPlaceOfASectionTypeInABareStream) {
  each_section(bare_streams, [](const Sound& sound, const SectionSeen& section, std::size_t) {
    const bool behind_device = section.begin() > sound.first_device();
    const Inspected seen = inspect(with_byte(sound.bytes, static_cast<std::size_t>(section.begin()), 0));
    if (!behind_device) {
      EXPECT_TRUE(found(seen, {Code::premature_eof}, section.begin(), section.begin())) << seen.findings_text();
    }
    EXPECT_TRUE(seen.tiles);
  });
}

TEST_F(DerivedDamage, WrongFooterId) {
  each_section(whole_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    ASSERT_TRUE(section.footer);
    if (wrongly_described(sound, section)) return;
    const auto at = static_cast<std::size_t>(section.footer->end() - 1);
    const Inspected seen = inspect(with_byte(sound.bytes, at, static_cast<std::uint8_t>(sound.bytes[at] ^ 0x40)));
    EXPECT_TRUE(found(seen, {Code::footer_wrong_id}, at, at)) << seen.findings_text();
    EXPECT_EQ(seen.about_the_file().size(), sound.seen.about_the_file().size() + 1) << seen.findings_text();
    const std::size_t behind = sound.seen.sections.size() - number - 1;
    EXPECT_EQ(kept_at_end(sound, seen, behind), behind) << seen.findings_text();
  });
}

// Codes that say of a body that its bytes do not fit.
const std::set<Code> ram_codes{
    Code::ram_bad_flags,          Code::ram_unknown_block,  Code::ram_offset_beyond_block, Code::ram_no_current_block,
    Code::ram_block_list_damaged, Code::ram_resynchronised, Code::ram_unterminated,        Code::zero_run};
const std::set<Code> shift_codes{Code::description_size_differs, Code::footer_missing,       Code::bytes_skipped,
                                 Code::header_damaged,           Code::unknown_section_type, Code::subsection_mismatch,
                                 Code::special_body_damaged,     Code::stray_footer};

// A body that is one byte longer or shorter. `from`: where; what stands behind must be found again.
void expect_shift(const Sound& sound, const SectionSeen& section, std::size_t number, const ByteVector& damaged,
                  Offset at) {
  const Inspected seen = inspect(damaged);
  const bool ram = section.header.name == "ram";
  if (wrongly_described(sound, section)) return;
  const Offset from = ram ? at : section.begin();
  EXPECT_TRUE(found(seen, ram ? ram_codes : shift_codes, from, section.end() + 1)) << "at " << at << "\n"
                                                                                   << seen.findings_text();
  const std::size_t behind = sound.seen.sections.size() - number - 1;
  EXPECT_EQ(kept_at_end(sound, seen, behind), behind) << "at " << at << "\n" << seen.findings_text();
  EXPECT_TRUE(seen.tiles);
  EXPECT_EQ(seen.status, app::exit_findings);
}

TEST_F(DerivedDamage, ByteInsertedInABody) {
  each_section(described_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    if (section.body.empty()) return;
    const Offset at = section.body.offset + section.body.size / 2;
    for (const auto byte : hex("00 05 ff")) expect_shift(sound, section, number, inserted(sound.bytes, at, {byte}), at);
  });
}

TEST_F(DerivedDamage, ByteDeletedFromABody) {
  each_section(described_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    if (section.body.empty()) return;
    const Offset at = section.body.offset + section.body.size / 2;
    expect_shift(sound, section, number, erased(sound.bytes, {at, 1}), at);
  });
}

// --- whole sections
// ---------------------------------------------------------------------------------------------------

constexpr std::uint64_t end_mark_alone = 8;  // size of a RAM body without pages

TEST_F(DerivedDamage, SectionRemoved) {
  each_section(described_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    const Inspected seen = inspect(erased(sound.bytes, whole(section)));
    const std::size_t behind = sound.seen.sections.size() - number - 1;
    EXPECT_TRUE(seen.tiles);
    switch (section.header.type) {
      case SectionType::full:
        EXPECT_TRUE(std::ranges::any_of(seen.findings, [&](const Finding& finding) {
          return finding.code == Code::device_missing && finding.section == section.label;
        })) << seen.findings_text();
        EXPECT_EQ(kept_at_end(sound, seen, behind), behind) << seen.findings_text();
        break;
      case SectionType::start: EXPECT_TRUE(seen.has(Code::section_never_started)) << seen.findings_text(); break;
      case SectionType::end:
        EXPECT_TRUE(seen.has(Code::ram_end_missing) || seen.has(Code::section_unfinished)) << seen.findings_text();
        break;
      case SectionType::part:
        // A round without pages leaves no trace, and one whose pages came again later costs nothing but time.
        if (section.header.name == "ram" && section.body.size > end_mark_alone) {
          EXPECT_TRUE(seen.has(Code::ram_pages_never_sent) || seen.has(Code::ram_elsewhere)) << seen.findings_text();
        }
        break;
    }
  });
}

TEST_F(DerivedDamage, SectionTwice) {
  each_section(all_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    const Inspected seen = inspect(inserted(sound.bytes, section.end(), part(sound.bytes, whole(section))));
    EXPECT_TRUE(seen.tiles);
    switch (section.header.type) {
      case SectionType::full:
        EXPECT_TRUE(found(seen, {Code::section_duplicated}, section.end(), section.end())) << seen.findings_text();
        break;
      case SectionType::start:
        EXPECT_TRUE(found(seen, {Code::started_twice}, section.end(), section.end())) << seen.findings_text();
        break;
      case SectionType::end:
        EXPECT_TRUE(found(seen, {Code::duplicate_part_after_end}, section.end(), section.end()))
            << seen.findings_text();
        break;
      case SectionType::part: return;  // the same pages once more are what a live migration sends
    }
    const std::size_t behind = sound.seen.sections.size() - number - 1;
    EXPECT_EQ(kept_at_end(sound, seen, behind), behind) << seen.findings_text();
  });
}

TEST_F(DerivedDamage, NeighboursExchanged) {
  each_section(described_streams, [](const Sound& sound, const SectionSeen& section, std::size_t number) {
    if (number == 0) return;
    const SectionSeen& before = sound.seen.sections[number - 1];
    if (!section.full() || !before.full()) return;
    const ByteVector left = part(sound.bytes, whole(before)), right = part(sound.bytes, whole(section));
    const Inspected seen = inspect(inserted(erased(sound.bytes, whole(before)), before.begin() + right.size(), left));
    EXPECT_TRUE(found(seen, {Code::section_out_of_order}, before.begin(), section.end())) << seen.findings_text();
    EXPECT_EQ(seen.about_the_file().size(), sound.seen.about_the_file().size() + 1) << seen.findings_text();
    EXPECT_EQ(to_string(seen.stream.end), "eof");
  });
}

// --- lost blocks
// ------------------------------------------------------------------------------------------------------

constexpr std::uint64_t block_size = 4096;

// Whether zeroing `hole` changes the frame of some section: its header or its footer.
bool breaks_frame(const Sound& sound, ByteRange hole) {
  const auto changes = [&](ByteRange range) {
    const Offset from = std::max(range.offset, hole.offset), to = std::min(range.end(), hole.end());
    for (Offset at = from; at < to; ++at)
      if (sound.bytes[static_cast<std::size_t>(at)] != 0) return true;
    return false;
  };
  return std::ranges::any_of(sound.seen.sections, [&](const SectionSeen& section) {
    return changes(section.header.range) || (section.footer && changes(*section.footer));
  });
}

// A hole inside one body is data that the guest could have had. One that takes the end of the stream with it takes the
// beginning of the description as well: the stream ends somewhere in the device before.
TEST_F(DerivedDamage, ZeroedBlockInDevices) {
  std::size_t holes = 0;
  for (const std::string& name : described_streams) {
    const Sound sound = sound_file(name);
    const Offset end = *sound.seen.end_byte;
    for (Offset at = sound.first_device() / block_size * block_size; at < end; at += block_size) {
      const ByteRange hole{at, std::min<std::uint64_t>(block_size, sound.bytes.size() - at)};
      if (!breaks_frame(sound, hole)) continue;
      SCOPED_TRACE(name + ": zeros from " + std::to_string(at));
      ByteVector damaged = sound.bytes;
      std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(hole.offset), hole.size, std::uint8_t{0});
      const Inspected seen = inspect(damaged);
      Offset from = hole.offset;
      for (const SectionSeen& section : sound.seen.sections)
        if (whole(section).contains(hole.offset)) from = section.begin();
      const bool takes_end = hole.contains(end);
      EXPECT_TRUE(anything_found(seen, from, takes_end ? sound.bytes.size() : hole.end())) << seen.findings_text();
      std::set<std::string> there;
      for (const SectionSeen& section : seen.sections) there.insert(section.label);
      for (const SectionSeen& section : sound.seen.sections)
        if (section.full() && section.begin() >= hole.end() && !there.contains(section.label)) {
          ADD_FAILURE() << section.label << " behind the hole is lost:\n" << seen.findings_text();
          break;
        }
      EXPECT_TRUE(seen.tiles);
      ++holes;
    }
  }
  EXPECT_GT(holes, 30u);
}

// A page word is lost with every block of 4096 bytes in guest RAM, because the records are longer than that or far
// shorter.
TEST_F(DerivedDamage, ZeroedBlockInGuestRam) {
  constexpr std::array<std::string_view, 3> names{"described/x86-i440fx-7.2-tcg-S-m2.migr",
                                                  "described/x86-i440fx-1.4-tcg-S-m2.migr",
                                                  "legacy/1.2.2-t-default-S.v3"};
  std::size_t holes = 0;
  for (const std::string_view name : names) {
    const Sound sound = sound_file(std::string(name));
    for (Offset at = 2 * block_size; at + block_size < sound.first_device(); at += 3 * block_size) {
      SCOPED_TRACE(std::string(name) + ": zeros from " + std::to_string(at));
      ByteVector damaged = sound.bytes;
      const auto hole = damaged.begin() + static_cast<std::ptrdiff_t>(at);
      std::fill_n(hole, block_size, std::uint8_t{0});
      if (damaged == sound.bytes) continue;
      const Inspected seen = inspect(damaged);
      EXPECT_TRUE(found(seen, {Code::zero_run, Code::ram_bad_flags, Code::ram_resynchronised}, at, at + block_size - 1))
          << seen.findings_text();
      EXPECT_EQ(seen.devices.size(), sound.seen.devices.size()) << seen.findings_text();
      EXPECT_TRUE(seen.tiles);
      ++holes;
    }
  }
  EXPECT_GT(holes, 20u);
}

// --- what follows
// -----------------------------------------------------------------------------------------------------

TEST_F(DerivedDamage, GarbageAppended) {
  std::mt19937 random(11);
  ByteVector garbage(3000);
  for (auto& byte : garbage) byte = static_cast<std::uint8_t>(1 + random() % 255);
  for (const std::string& name : described_streams) {
    SCOPED_TRACE(name);
    const Sound sound = sound_file(name);
    const Inspected seen = inspect(ByteVector(sound.bytes) + garbage);
    EXPECT_TRUE(found(seen, {Code::trailing_bytes}, sound.bytes.size(), sound.bytes.size())) << seen.findings_text();
    EXPECT_EQ(seen.about_the_file().size(), sound.seen.about_the_file().size() + 1) << seen.findings_text();
    EXPECT_EQ(seen.stream.size, sound.bytes.size());
    EXPECT_EQ(to_string(seen.stream.end), "eof");
  }
}

TEST_F(DerivedDamage, ZerosAppended) {
  for (const std::string& name : all_streams)
    for (const std::size_t count : {1u, 511u, 4096u, 100000u}) {
      SCOPED_TRACE(name + " and " + std::to_string(count) + " zeros");
      const Sound sound = sound_file(name);
      const Inspected seen = inspect(ByteVector(sound.bytes) + ByteVector(count, 0));
      EXPECT_EQ(to_string(seen.stream.end), "eof") << seen.findings_text();
      EXPECT_EQ(seen.sections.size(), sound.seen.sections.size());
      EXPECT_EQ(seen.status, app::exit_nothing_found) << seen.findings_text();
      // Nothing tells the last device of a bare stream from few zeros behind it.
      if (!sound.described() && count <= 4096) continue;
      EXPECT_TRUE(found(seen, {Code::trailing_zeros}, sound.bytes.size(), sound.bytes.size() + count))
          << seen.findings_text();
    }
}

TEST_F(DerivedDamage, SecondStreamAppended) {
  const ByteVector second = real_file("described/avr-uno.migr").bytes();
  for (const std::string& name : described_streams) {
    SCOPED_TRACE(name);
    const Sound sound = sound_file(name);
    const Inspected seen = inspect(ByteVector(sound.bytes) + second);
    EXPECT_TRUE(found(seen, {Code::second_stream}, sound.bytes.size(), sound.bytes.size())) << seen.findings_text();
    EXPECT_EQ(seen.about_the_file().size(), sound.seen.about_the_file().size() + 1) << seen.findings_text();
    EXPECT_EQ(seen.sections.size(), sound.seen.sections.size());
    EXPECT_EQ(to_string(seen.stream.end), "eof");
  }
}

}  // namespace
}  // namespace vmstate::test
