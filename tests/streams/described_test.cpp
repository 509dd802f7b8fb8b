// SPDX-License-Identifier: Apache-2.0
// Streams that QEMU wrote and described itself: everything in them must be explained, and nothing found wrong.
#include <set>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"

namespace vmstate::test {
namespace {

// What each way of saving makes true of a sound file.
std::set<Code> expected_findings(const RealFile& file) {
  std::set<Code> codes;
  const bool elsewhere = file.name.find("multifd") != std::string::npos || file.has_capability("multifd");
  if (elsewhere && !file.has_capability("mapped-ram")) codes.insert(Code::ram_elsewhere);
  if (file.has_capability("background-snapshot")) codes.insert(Code::ram_end_missing);
  if (file.has_capability("x-ignore-shared")) codes.insert(Code::ram_shared_elsewhere);
  if (file.name.find("noconfig") != std::string::npos) codes.insert(Code::configuration_lost);
  // What the guest put there, QEMU 7.2 refused: the rest of ambiguous/ it loaded.
  for (const char* forged : {"amb-rtl8139-05-PCIDevice-slash", "amb-xmm1-fake-subsection"})
    if (file.name.find(forged) != std::string::npos) codes.insert(Code::subsection_forged);
  if (file.name.find("s390x") != std::string::npos) codes.insert(Code::description_writer_defect);
  return codes;
}

bool worth_a_status(Code code) { return info(code).severity >= Severity::warning; }

using Described = RealStreams;

TEST_F(Described, EveryByteIsExplainedAndNothingIsFoundWrong) {
  const auto files = described_files();
  ASSERT_GT(files.size(), 100u);
  for (const RealFile& file : files) {
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    EXPECT_FALSE(seen.fault) << *seen.fault;
    EXPECT_EQ(seen.stream.end, StreamEndKind::eof);
    EXPECT_EQ(seen.stream.version, 3u);
    EXPECT_TRUE(seen.stream.description);
    EXPECT_EQ(seen.stream.configuration, file.find("stream")->at("configuration").as_bool());
    EXPECT_TRUE(seen.tiles);
    EXPECT_EQ(seen.lost_bytes, 0u);
    EXPECT_EQ(seen.accounted, file.size());
    EXPECT_EQ(seen.stream.size, file.size());
    std::set<Code> codes;
    for (const Finding& finding : seen.about_the_file()) codes.insert(finding.code);
    const std::set<Code> expected = expected_findings(file);
    EXPECT_EQ(codes, expected) << seen.findings_text();
    EXPECT_EQ(seen.status,
              std::ranges::any_of(expected, worth_a_status) ? app::exit_findings : app::exit_nothing_found);
  }
}

TEST_F(Described, EveryDeviceIsDecodedByItsDescription) {
  std::size_t devices = 0;
  for (const RealFile& file : described_files()) {
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    std::set<std::string> defects;
    for (const Finding& finding : seen.findings)
      if (finding.code == Code::description_writer_defect) defects.insert(finding.section);
    for (const DeviceSeen& device : seen.devices) {
      EXPECT_FALSE(device.gap) << device.label << " has bytes that its description does not cover";
      EXPECT_EQ(device.decoded_by, defects.contains(device.label) ? "opaque" : "description") << device.label;
    }
    for (const SectionSeen& section : seen.sections)
      if (section.full() && !defects.contains(section.label)) {
        EXPECT_EQ(section.boundary, Boundary::description) << section.label;
      }
    const auto full = static_cast<std::size_t>(std::ranges::count_if(seen.sections, &SectionSeen::full));
    EXPECT_EQ(seen.devices.size(), full);
    devices += full;
  }
  EXPECT_GT(devices, 3000u);
}

TEST_F(Described, EveryPageIsCounted) {
  for (const RealFile& file : described_files()) {
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    const auto expected = expected_findings(file);
    const bool elsewhere = expected.contains(Code::ram_elsewhere) || expected.contains(Code::ram_shared_elsewhere);
    for (const BlockSeen& block : seen.blocks) {
      const RamSummary::Pages& pages = block.pages;
      const auto sum =
          pages.data + pages.zero + pages.fill + pages.xbzrle + pages.compressed + pages.mapped + pages.never_sent;
      EXPECT_EQ(sum * seen.page_size, block.size) << block.name;
      if (elsewhere) continue;
      EXPECT_EQ(pages.never_sent, 0u) << block.name;
    }
  }
}

}  // namespace
}  // namespace vmstate::test
