// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/inspect/completeness.hpp"

namespace vmstate::test {
namespace {

// A stream told in events: every section is 100 bytes behind the one before.
class CompletenessTest : public testing::Test {
 protected:
  Limits limits;
  Findings findings{limits};
  std::unique_ptr<Completeness> pass = std::make_unique<Completeness>(findings, limits);
  Offset next = 100;

  EventSink& sink() { return *pass; }
  ByteRange section(SectionType type, std::uint32_t id, const std::string& name, std::uint32_t instance = 0,
                    std::uint32_t version = 1, unsigned package_depth = 0) {
    const SectionHeader header{type, id, name, instance, version, {next, 20}, package_depth};
    next += 100;
    sink().on(SectionBegin{header, {}});
    return header.range;
  }
  ByteRange full(const std::string& name, std::uint32_t instance = 0, std::uint32_t version = 1) {
    return section(SectionType::full, 9, name, instance, version);
  }
  void whole_ram() {
    section(SectionType::start, 2, "ram");
    section(SectionType::end, 2, "ram");
  }
  void machine(const std::string& name) {
    Configuration configuration{};
    configuration.machine = name;
    sink().on(configuration);
  }
  void describe(std::vector<DescribedDevice> devices, bool complete = true) {
    sink().on(DescriptionKnown{devices, 4096, complete});
  }
  ByteRange end(bool description, StreamEndKind kind = StreamEndKind::eof, bool footers = true) {
    const ByteRange at{next, 1};
    sink().on(EndOfStream{at, false});
    sink().on(StreamEnd{kind, next + 1, footers, description, 4096});
    return at;
  }
  std::string found() const {
    std::string all;
    for (const Finding& finding : findings.all()) all += code_text(finding.code) + " [" + finding.section + "] " + finding.message + "\n";
    return all;
  }
  // Exactly this finding and no other.
  void expect_only(Code code, ByteRange range, const std::string& of) {
    ASSERT_EQ(findings.all().size(), 1u) << found();
    const Finding& finding = findings.all().front();
    EXPECT_EQ(finding.code, code) << found();
    EXPECT_EQ(finding.range, range) << found();
    EXPECT_EQ(finding.section, of) << found();
  }
};

const std::vector<DescribedDevice> two_devices{{"timer", 0, 2, 8}, {"cpu", 0, 12, 100}};

TEST_F(CompletenessTest, AWholeStreamGivesNothing) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  full("cpu", 0, 12);
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, ADescribedDeviceIsMissing) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  const auto at = end(true);
  expect_only(Code::device_missing, {at.offset, 0}, "cpu");
  EXPECT_EQ(findings.all()[0].hint, "");
}

TEST_F(CompletenessTest, LostBytesMayHaveBeenTheDevice) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  sink().on(Gap{Gap::Kind::lost, {5, 5}, ""});
  const auto at = end(true);
  expect_only(Code::device_missing, {at.offset, 0}, "cpu");
  EXPECT_NE(findings.all()[0].hint, "");
}

TEST_F(CompletenessTest, ASectionThatTheDescriptionDoesNotList) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  const auto stranger = full("stranger", 3);
  full("cpu", 0, 12);
  end(true);
  expect_only(Code::device_undescribed, stranger, "stranger#3");
}

TEST_F(CompletenessTest, ACutDescriptionAccusesNoStrangers) {
  machine("none");
  describe(two_devices, false);
  whole_ram();
  full("timer", 0, 2);
  full("cpu", 0, 12);
  full("later", 0, 1);
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, ASectionStandsTwiceAgainstItsDescription) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  const auto again = full("timer", 0, 2);
  full("cpu", 0, 12);
  end(true);
  expect_only(Code::section_duplicated, again, "timer");
}

TEST_F(CompletenessTest, ADeviceThatIsDescribedTwiceMayStandTwice) {
  machine("none");
  describe({{"slirp", 0, 4, 8}, {"slirp", 0, 4, 8}});
  whole_ram();
  full("slirp", 0, 4);
  full("slirp", 0, 4);
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, SectionsInAnotherOrder) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("cpu", 0, 12);
  const auto late = full("timer", 0, 2);
  end(true);
  expect_only(Code::section_out_of_order, late, "timer");
}

TEST_F(CompletenessTest, AVersionOtherThanDescribed) {
  machine("none");
  describe(two_devices);
  whole_ram();
  full("timer", 0, 2);
  const auto cpu = full("cpu", 0, 13);
  end(true);
  expect_only(Code::version_differs, cpu, "cpu");
}

TEST_F(CompletenessTest, ADeviceWithoutDescribedVersionMayHaveAny) {
  machine("none");
  describe({{"slirp", 0, std::nullopt, 8}});
  whole_ram();
  full("slirp", 0, 77);
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, WithoutDescriptionSectionsAreComparedWithThemselves) {
  machine("none");
  whole_ram();
  full("serial", 0);
  const auto again = full("serial", 0);
  end(true);
  expect_only(Code::section_duplicated, again, "serial");
}

TEST_F(CompletenessTest, AnInstanceIsMissing) {
  machine("none");
  whole_ram();
  full("serial", 0);
  const auto later = full("serial", 2);
  end(true);
  expect_only(Code::instance_gap, later, "serial#1");
}

TEST_F(CompletenessTest, InstancesOfIsaDevicesAreAddresses) {
  machine("none");
  whole_ram();
  full("ne2000", 0x300);
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, InstancesOutOfOrder) {
  machine("none");
  whole_ram();
  full("serial", 0);
  full("serial", 2);
  const auto late = full("serial", 1);
  end(true);
  expect_only(Code::section_out_of_order, late, "serial#1");
}

TEST_F(CompletenessTest, ADeviceInFrontOfTheEndOfRam) {
  machine("none");
  describe(two_devices);
  section(SectionType::start, 2, "ram");
  const auto early = full("timer", 0, 2);
  section(SectionType::end, 2, "ram");
  full("cpu", 0, 12);
  end(true);
  expect_only(Code::device_before_ram_end, early, "timer");
}

TEST_F(CompletenessTest, DevicesInAPackageStandBeforeTheEndOfRamByDesign) {
  machine("none");
  section(SectionType::start, 2, "ram");
  section(SectionType::full, 3, "timer", 0, 2, 1);
  section(SectionType::end, 2, "ram");
  end(true);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, ASectionThatNeverEnds) {
  machine("none");
  const auto start = section(SectionType::start, 3, "block");
  whole_ram();
  full("timer");
  end(true);
  expect_only(Code::section_unfinished, start, "");
  EXPECT_NE(findings.all()[0].message.find("'block'"), std::string::npos);
}

TEST_F(CompletenessTest, RamThatNeverEndsMayBeABackgroundSnapshot) {
  machine("none");
  const auto start = section(SectionType::start, 2, "ram");
  full("timer");
  end(true);
  expect_only(Code::ram_end_missing, start, "ram");
  EXPECT_EQ(findings.all()[0].severity, Severity::warning);
}

TEST_F(CompletenessTest, BehindASwitchoverRamMustEnd) {
  machine("none");
  const auto start = section(SectionType::start, 2, "ram");
  Command command{};
  command.number = 11;
  command.name = "switchover_start";
  sink().on(command);
  full("timer");
  end(true);
  expect_only(Code::ram_end_missing, start, "ram");
  EXPECT_EQ(findings.all()[0].severity, Severity::error);
}

TEST_F(CompletenessTest, ATruncatedStreamIsNotAskedForItsEnds) {
  machine("none");
  section(SectionType::start, 2, "ram");
  section(SectionType::start, 3, "block");
  end(false, StreamEndKind::truncated);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, NoRamSection) {
  machine("none");
  full("timer");
  end(true);
  expect_only(Code::ram_section_missing, {0, 0}, "");
}

TEST_F(CompletenessTest, FootersWithoutConfiguration) {
  whole_ram();
  full("timer");
  end(true);
  expect_only(Code::configuration_lost, {8, 0}, "");
}

TEST_F(CompletenessTest, NeitherFootersNorConfigurationIsAnOldMachine) {
  whole_ram();
  full("timer");
  end(true, StreamEndKind::eof, false);
  EXPECT_EQ(found(), "");
}

TEST_F(CompletenessTest, NoDescription) {
  machine("none");
  whole_ram();
  full("timer");
  const auto at = end(false);
  expect_only(Code::description_missing, {at.offset + 1, 0}, "");
}

TEST_F(CompletenessTest, NoDescriptionAfterPostcopy) {
  machine("none");
  whole_ram();
  Command command{};
  command.number = 7;
  command.name = "packaged";
  command.package_size = 10;
  sink().on(command);
  full("timer");
  const auto at = end(false);
  expect_only(Code::postcopy_without_description, {at.offset + 1, 0}, "");
}

TEST_F(CompletenessTest, APcLacksWhatEveryPcHas) {
  machine("pc-i440fx-7.2");
  whole_ram();
  full("0000:00:00.0/I440FX");
  full("i8254");
  full("i8259");
  const auto at = end(true);
  ASSERT_EQ(findings.all().size(), 2u) << found();
  EXPECT_EQ(findings.all()[0].code, Code::expected_device_missing);
  EXPECT_EQ(findings.all()[0].range, at);
  EXPECT_NE(findings.all()[0].message.find("mc146818rtc"), std::string::npos);
  EXPECT_EQ(findings.all()[1].code, Code::ends_in_body);
}

TEST_F(CompletenessTest, BytesBehindTheEndOfAnIncompletePcMeanAnEarlyEnd) {
  machine("pc-i440fx-7.2");
  whole_ram();
  full("0000:00:00.0/I440FX");
  sink().on(EndOfStream{{next, 1}, false});
  sink().on(Gap{Gap::Kind::trailing, {next + 1, 50}, ""});
  sink().on(StreamEnd{StreamEndKind::eof, next + 1, true, true, 4096});
  ASSERT_EQ(findings.all().size(), 2u) << found();
  EXPECT_EQ(findings.all()[1].code, Code::premature_eof);
  EXPECT_EQ(findings.all()[1].range, (ByteRange{next, 1}));
}

TEST_F(CompletenessTest, TheMachineContradictsItsHostBridge) {
  machine("pc-q35-7.2");
  whole_ram();
  const auto bridge = full("0000:00:00.0/I440FX");
  full("mc146818rtc");
  full("i8254");
  full("i8259");
  end(true);
  expect_only(Code::machine_contradicted, bridge, "0000:00:00.0/I440FX");
}

TEST_F(CompletenessTest, ManyDistinctSectionsStayBounded) {
  limits.remembered_sections = 10;
  machine("none");
  whole_ram();
  for (std::uint32_t i = 0; i < 1000; ++i) full("device" + std::to_string(i));
  for (std::uint32_t i = 100; i < 1000; ++i) section(SectionType::start, i, "iterable" + std::to_string(i));
  end(true);
  EXPECT_LE(findings.all().size(), 11u) << found();
}

}  // namespace
}  // namespace vmstate::test
