// SPDX-License-Identifier: Apache-2.0
// Files that were damaged on purpose. What is expected of each comes from what was done to it: `base.migr` has a
// configuration, footers and a description, `baseold.migr` none of them.
#include <set>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"

namespace vmstate::test {
namespace {

using Damaged = RealStreams;

/// One of `codes` must be found with its range touching [from, to].
struct Claim {
  std::vector<Code> codes;
  Offset from;
  Offset to;
};

struct Case {
  std::string file;
  std::vector<Claim> claims;
  StreamEndKind end;
  int status = app::exit_findings;
  /// Errors may be found from here on only; nothing: wherever they are.
  std::optional<Offset> sound_before = std::nullopt;
};

constexpr auto eof = StreamEndKind::eof;
constexpr auto truncated = StreamEndKind::truncated;
constexpr auto premature = StreamEndKind::premature_eof;

// clang-format off
const std::vector<Case> cases{
    {"new-04-trunc-in-config.migr", {{{Code::configuration_damaged}, 16, 17}}, truncated},
    {"new-06-trunc-in-ramblock-list.migr", {{{Code::ram_ends_early}, 249, 249}}, truncated, 1, 249},
    {"new-08-trunc-between-pages.migr", {{{Code::ram_ends_early}, 594446, 594446}}, truncated, 1, 594446},
    {"new-10-trunc-mid-device.migr", {{{Code::ends_in_body}, 1151040, 1151040}}, truncated, 1, 1151040},
    {"new-12-trunc-mid-footer.migr", {{{Code::ends_in_footer}, 1153411, 1153414}}, truncated, 1, 1153411},
    {"new-14-trunc-last-device-missing-eof.migr", {{{Code::ends_between_sections}, 1408739, 1408739}}, truncated, 1, 1408739},
    {"new-16-trunc-in-vmdesc.migr", {{{Code::description_cut}, 1409745, 1409745}}, eof, 1, 1409745},
    {"new-18-vmdesc-len-too-big.migr", {{{Code::description_length_wrong, Code::description_cut}, 1408741, 1408744}}, eof, 1, 1408741},
    // mc146818rtc: header from 1155301, body from 1155328
    {"new-20-zero-inserted-in-device.migr", {{{Code::description_size_differs}, 1155332, 1155332}}, eof, 1, 1155328},
    {"new-22-byte-deleted-in-device.migr", {{{Code::description_size_differs}, 1155332, 1155332}}, eof, 1, 1155328},
    {"new-24-footer-wrong-id.migr", {{{Code::footer_wrong_id}, 1153415, 1153415}}, eof, 1, 1153411},
    {"new-26-footer-as-05.migr", {{{Code::footer_missing}, 1153411, 1153411}}, eof, 1, 1153411},
    {"new-28-duplicated-section.migr", {{{Code::section_duplicated}, 1153416, 1153460}}, eof, 1, 1153416},
    {"new-32-unknown-device-name.migr", {{{Code::device_undescribed}, 1153376, 1153394}, {{Code::device_missing}, 0, 1514955}}, eof, 1, 1153376},
    {"new-34-version-plus-1.migr", {{{Code::version_differs}, 1153394, 1153394}}, eof, 1, 1153376},
    {"new-36-file-version-2.migr", {{{Code::stream_version_contradicted}, 7, 7}}, eof},
    {"new-38-bad-magic.migr", {{{Code::magic_damaged}, 0, 0}}, eof},
    {"new-40-trailing-zeros-64k.migr", {{{Code::trailing_zeros}, 1514955, 1514955}}, eof, 0, 1514955},
    {"new-42-lf-to-crlf.migr", {{{Code::text_mode}, 67278, 67279}}, eof, 1, 67270},
    // zeros from 1150976 to 1155071: the second half of cpu, all devices up to mc146818rtc
    {"new-46-hole-4k-in-devices.migr", {{{Code::zero_run}, 1151981, 1155071}, {{Code::footer_missing, Code::zero_run}, 1151981, 1151981},
                                        {{Code::device_missing}, 0, 1514955}}, eof, 1, 1150976},
    // page words of pc.ram at 594446 and 598550
    {"new-50-ramflag-xbzrle-bit.migr", {{{Code::ram_bad_flags}, 594453, 594453}, {{Code::ram_resynchronised}, 594446, 598549}}, eof, 1, 594446},
    {"new-52-ramflag-0x100.migr", {{{Code::ram_bad_flags}, 594452, 594452}, {{Code::ram_resynchronised}, 594446, 598549}}, eof, 1, 594446},
    {"new-54-ramflag-0x800.migr", {{{Code::ram_bad_flags}, 594452, 594452}, {{Code::ram_resynchronised}, 594446, 598549}}, eof, 1, 594446},
    {"new-56-ram-addr-beyond.migr", {{{Code::ram_offset_beyond_block}, 594448, 594452}, {{Code::ram_resynchronised}, 594446, 598549}}, eof, 1, 594446},
    {"new-58-ramblock-name-changed.migr", {{{Code::ram_unknown_block}, 291, 291}, {{Code::ram_pages_never_sent}, 26, 291}}, eof, 1, 52},
    {"new-60-ram-total-plus-1page.migr", {{{Code::ram_block_list_damaged}, 43, 273}}, eof, 1, 43},
    {"new-62-config-name-other.migr", {{{Code::machine_contradicted}, 0, 1514955}}, eof, 1, 1514955},
    {"new-64-config-removed.migr", {{{Code::configuration_lost}, 8, 8}}, eof, 1, 1514955},
    {"new-66-unknown-subsection-appended.migr", {{{Code::subsection_appended}, 1153411, 1153411}, {{Code::description_size_differs}, 1153395, 1153430}}, eof, 1, 1153395},
    {"new-68-lone-05-before-footer.migr", {{{Code::description_size_differs}, 1153411, 1153411}}, eof, 1, 1153395},
    {"new-72-newline-prepended.migr", {{{Code::leading_bytes}, 0, 0}}, eof, 1, 1514956},
    {"new-76-devices-before-ram.migr", {{{Code::device_before_ram_end}, 1149979, 1150018}, {{Code::section_out_of_order}, 1149979, 1153416}}, eof, 1, 1514955},
    {"new-78-globalstate-not-terminated.migr", {{{Code::run_state_unterminated}, 1408634, 1408733}}, eof, 1, 1408634},
    // file blocks from 376832 and 753664, each inside RAM
    {"new-80-blocks-exchanged.migr", {{{Code::ram_bad_flags, Code::ram_resynchronised}, 376832, 380927},
                                      {{Code::ram_bad_flags, Code::ram_resynchronised}, 753664, 757759}}, eof, 1, 376832},
    {"new-82-trunc-devices-zero-padded.migr", {{{Code::premature_eof}, 1153376, 1153376}, {{Code::zero_run}, 1153376, 1514954}}, premature, 1, 1153376},
    {"new-84-ram-eos-lost.migr", {{{Code::ram_unterminated}, 1149966, 1149966}}, eof, 1, 1149966},
    {"new-88-first-byte-lost.migr", {{{Code::magic_damaged}, 0, 0}}, eof},
    // the loss is inside a page: the word behind it comes 4096 bytes early
    {"new-90-middle-4k-lost.migr", {{{Code::ram_bad_flags, Code::ram_resynchronised}, 594454, 598558}}, eof, 1, 594446},

    {"old-08-trunc-between-pages.migr", {{{Code::ram_ends_early}, 594383, 594383}}, truncated, 1, 594383},
    // behind a whole section whose last byte is zero: nothing but the missing devices tells that byte from the end
    {"old-11-trunc-before-footer.migr", {{{Code::ends_between_sections, Code::ends_in_body}, 1148726, 1148761}}, truncated, 1, 1148726},
    {"old-14-trunc-last-device-missing-eof.migr", {{{Code::ends_between_sections, Code::ends_in_body}, 1227341, 1227341}}, truncated, 1, 1227341},
    {"old-21-zero-inserted-in-page.migr", {{{Code::ram_bad_flags, Code::ram_resynchronised}, 594491, 598487}}, eof, 1, 594491},
    {"old-27-swapped-adjacent-sections.migr", {{{Code::section_out_of_order}, 1148726, 1148796}}, eof, 1, 1227342},
    {"old-30-section-removed.migr", {{{Code::instance_gap}, 1148726, 1148761}}, eof, 1, 1227342},
    {"old-33-wrong-instance-id.migr", {{{Code::instance_gap}, 1148726, 1148796}}, eof, 1, 1227342},
    {"old-36-file-version-2.migr", {{{Code::stream_version_contradicted}, 7, 7}}, eof},
    // without footers and description the end of the last device is not known: it may go on in what follows
    {"old-39-trailing-garbage.migr", {{{Code::trailing_bytes, Code::ends_in_body}, 1227342, 1230342}}, truncated, 1, 1227341},
    {"old-42-lf-to-crlf.migr", {{{Code::text_mode}, 67202, 67203}}, eof, 1, 67190},
    {"old-45-hole-4k-in-ram-aligned.migr", {{{Code::zero_run}, 594383, 598015}, {{Code::ram_resynchronised}, 594383, 598487}}, eof, 1, 593920},
    {"old-51-ramflag-page-to-zero.migr", {{{Code::ram_bad_flags}, 594383, 594399}, {{Code::ram_resynchronised}, 594392, 598487}}, eof, 1, 594383},
    {"old-54-ramflag-0x800.migr", {{{Code::ram_bad_flags}, 594389, 594389}, {{Code::ram_resynchronised}, 594383, 598487}}, eof, 1, 594383},
    {"old-57-ram-addr-swapped-low-bit.migr", {{{Code::ram_wrong_pass}, 0, 1227342}, {{Code::ram_pages_never_sent}, 0, 1227342}}, eof, 1, 1227342},
    {"old-60-ram-total-plus-1page.migr", {{{Code::ram_block_list_damaged}, 25, 215}}, eof, 1, 25},
    {"old-67-foreign-subsection-appended.migr", {{{Code::subsection_appended}, 1148761, 1148775}}, eof, 1, 1148761},
    {"old-76-devices-before-ram.migr", {{{Code::device_before_ram_end}, 1145518, 1145552}}, eof, 1, 1227342},
    // zeros from the section at 1148726 on; the body before it ends in zeros as well, from 1148607 on
    {"old-82-trunc-devices-zero-padded.migr", {{{Code::premature_eof}, 1148607, 1148726}, {{Code::expected_device_missing}, 0, 1227342}}, premature, 1, 1148607},
    {"old-85-high-bit-stripped.migr", {{{Code::high_bits_stripped}, 0, 0}}, eof},
    {"old-88-first-byte-lost.migr", {{{Code::magic_damaged}, 0, 0}}, eof},
    // the header of i8259 is no header any more: that instance is missing
    {"old-91-ver-section-huge-idlen.migr", {{{Code::instance_gap, Code::header_damaged}, 1148726, 1148796}}, eof, 1, 1148726},
};
// clang-format on

bool touches(const Finding& finding, Offset from, Offset to) {
  return finding.range.offset <= to && std::max(finding.range.end(), finding.range.offset + 1) > from;
}

bool fulfilled(const Claim& claim, const Inspected& seen) {
  return std::ranges::any_of(seen.findings, [&](const Finding& finding) {
    return std::ranges::find(claim.codes, finding.code) != claim.codes.end() && touches(finding, claim.from, claim.to);
  });
}

RealFile damaged(const std::string& name) { return real_file("damaged/" + name); }

TEST_F(Damaged, IsFoundWhereItIs) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.file);
    const Inspected seen = inspect(damaged(one.file).path());
    EXPECT_EQ(seen.status, one.status);
    EXPECT_EQ(to_string(seen.stream.end), to_string(one.end));
    EXPECT_TRUE(seen.tiles);
    for (const Claim& claim : one.claims)
      EXPECT_TRUE(fulfilled(claim, seen))
          << code_text(claim.codes.front()) << " is not found between " << claim.from << " and " << claim.to << ":\n"
          << seen.findings_text();
    for (const Finding& finding : seen.findings) {
      if (!one.sound_before || finding.severity != Severity::error) continue;
      EXPECT_GE(finding.range.end(), *one.sound_before) << "in front of the damage:\n" << seen.findings_text();
    }
  }
}

// Removed from a described stream: missing by name, nothing else.
TEST_F(Damaged, RemovedSectionIsNamed) {
  const Inspected seen = inspect(damaged("new-30-section-removed.migr").path());
  ASSERT_EQ(seen.findings.size(), 1u) << seen.findings_text();
  EXPECT_EQ(seen.findings.front().code, Code::device_missing);
  EXPECT_EQ(seen.findings.front().section, "i8259");
  EXPECT_EQ(seen.status, app::exit_findings);
}

// Everything whose header the hole destroyed is named; what lies in front and behind is decoded as in the sound file.
TEST_F(Damaged, HoleNamesEveryDeviceThatItSwallowed) {
  constexpr ByteRange hole{1150976, 4096};
  const Inspected sound = inspect(real_file("damaged/base.migr").path());
  const Inspected seen = inspect(damaged("new-46-hole-4k-in-devices.migr").path());
  std::set<std::string> swallowed, named, kept;
  for (const SectionSeen& section : sound.sections)
    if (section.full() && section.header.range.end() > hole.offset && section.begin() < hole.end())
      swallowed.insert(section.label);
  for (const Finding& finding : seen.findings)
    if (finding.code == Code::device_missing) named.insert(finding.section);
  EXPECT_EQ(named, swallowed);
  for (const SectionSeen& section : seen.sections) kept.insert(section.label);
  for (const SectionSeen& section : sound.sections) {
    if (swallowed.contains(section.label)) continue;
    EXPECT_TRUE(kept.contains(section.label)) << section.label;
  }
}

// The same findings as the sound file, which for the old one are notes that it says nothing of its devices.
TEST_F(Damaged, NothingIsClaimedOfGuestDataThatCouldBeSo) {
  for (const std::string name :
       {"new-00-untouched.migr", "new-48-hole-inside-page-only.migr", "new-86-bitrot-cpu.migr", "old-00-untouched.migr",
        "old-24-footer-wrong-id.migr", "old-48-hole-inside-page-only.migr"}) {
    SCOPED_TRACE(name);
    const Inspected seen = inspect(damaged(name).path());
    const Inspected sound = inspect(damaged(name.starts_with("new") ? "base.migr" : "baseold.migr").path());
    EXPECT_EQ(seen.findings_text(), sound.findings_text());
    EXPECT_EQ(seen.status, app::exit_nothing_found);
    EXPECT_EQ(seen.stream.end, eof);
  }
}

TEST_F(Damaged, WholeFileChangesAreNamed) {
  struct Whole {
    std::string file;
    Code code;
    int status;
  };
  for (const Whole& one : {Whole{"new-02-empty.migr", Code::empty_file, app::exit_unreadable},
                           Whole{"new-44-http-chunk-framing.migr", Code::http_chunks, app::exit_unreadable},
                           Whole{"new-74-base64.migr", Code::base64_text, app::exit_unreadable},
                           Whole{"new-70-utf8-mangled.migr", Code::utf8_mangled, app::exit_findings},
                           Whole{"old-70-utf8-mangled.migr", Code::utf8_mangled, app::exit_findings},
                           Whole{"new-42-lf-to-crlf.migr", Code::text_mode, app::exit_findings},
                           Whole{"old-42-lf-to-crlf.migr", Code::text_mode, app::exit_findings},
                           Whole{"old-85-high-bit-stripped.migr", Code::high_bits_stripped, app::exit_findings}}) {
    SCOPED_TRACE(one.file);
    const Inspected seen = inspect(damaged(one.file).path());
    EXPECT_TRUE(seen.has(one.code)) << seen.findings_text();
    EXPECT_EQ(seen.status, one.status);
  }
}

TEST_F(Damaged, HeaderAlone) {
  const Inspected seen = inspect(damaged("old-03-magic-only.migr").path());
  EXPECT_EQ(to_string(seen.stream.end), to_string(truncated));
  ASSERT_EQ(seen.findings.size(), 1u) << seen.findings_text();
  EXPECT_EQ(seen.findings.front().code, Code::ends_between_sections);
  EXPECT_EQ(seen.findings.front().range.offset, 8u);
}

// Not damaged, only wrapped.
TEST_F(Damaged, GzippedFileIsSound) {
  const Inspected seen = inspect(damaged("old-73-gzip.migr").path());
  EXPECT_EQ(seen.findings_text(), inspect(damaged("baseold.migr").path()).findings_text());
  EXPECT_EQ(seen.status, app::exit_nothing_found);
  ASSERT_EQ(seen.layers.size(), 2u);
  EXPECT_EQ(seen.layers.front().kind, "gzip");
}

// The tests above leave no damaged file out.
TEST_F(Damaged, EveryFileIsTested) {
  const std::set<std::string> elsewhere{"base.migr",
                                        "baseold.migr",
                                        "new-30-section-removed.migr",
                                        "new-00-untouched.migr",
                                        "new-48-hole-inside-page-only.migr",
                                        "new-86-bitrot-cpu.migr",
                                        "old-00-untouched.migr",
                                        "old-24-footer-wrong-id.migr",
                                        "old-48-hole-inside-page-only.migr",
                                        "new-02-empty.migr",
                                        "new-44-http-chunk-framing.migr",
                                        "new-74-base64.migr",
                                        "new-70-utf8-mangled.migr",
                                        "old-70-utf8-mangled.migr",
                                        "old-03-magic-only.migr",
                                        "old-73-gzip.migr"};
  for (const RealFile& file : real_files()) {
    if (file.group() != "damaged") continue;
    const std::string name = file.name.substr(file.name.find('/') + 1);
    EXPECT_TRUE(elsewhere.contains(name) || std::ranges::find(cases, name, &Case::file) != cases.end()) << name;
  }
}

}  // namespace
}  // namespace vmstate::test
