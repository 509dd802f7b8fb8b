// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/ambiguity.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/body_maker.hpp"

namespace vmstate::test {
namespace {

class AmbiguityTest : public testing::Test {
 protected:
  Limits limits;
  Findings findings{limits};
  std::unique_ptr<Ambiguity> pass = std::make_unique<Ambiguity>(findings, limits);

  EventSink& sink() { return *pass; }
  void begin(std::uint32_t version = 3) { sink().on(StreamBegin{"qevm", version, {0, 8}, {}, nullptr}); }
  void machine(const std::string& name) {
    Configuration configuration{};
    configuration.machine = name;
    sink().on(configuration);
  }
  void section(const std::string& name, std::uint32_t version = 1) {
    const SectionHeader header{SectionType::full, 9, name, 0, version, {900, 20}, 0};
    sink().on(SectionBegin{header, {}});
  }
  void device(const std::string& name, const BodyMaker& body, bool footer = false, std::uint32_t version = 1) {
    const SectionHeader header{SectionType::full, 9, name, 0, version, {900, 20}, 0};
    const FieldTree tree = body.tree();
    sink().on(SectionBegin{header, {}});
    sink().on(DeviceState{header, tree, body.range(), body.bytes()});
    const ByteRange at{body.end(), 5};
    sink().on(SectionEnd{header, body.range(), Boundary::self, footer ? std::optional(at) : std::nullopt, {}});
  }
  void end() { sink().on(StreamEnd{StreamEndKind::eof, 5000, false, false, 4096}); }
  void only(const BodyMaker& body, const std::string& name, bool footer = false) {
    begin();
    device(name, body, footer);
    section("behind");
    section("far behind");
    end();
  }

  const LoaderVerdict& verdict(std::string_view release, std::size_t place = 0) const {
    const auto& all = pass->places().at(place).verdicts;
    const auto found = std::ranges::find(all, loaders::find_generation(release), &LoaderVerdict::loader);
    if (found == all.end()) throw std::runtime_error(std::string(release) + " gave no verdict");
    return *found;
  }
  const LoaderVerdict& supposed(loaders::SubsectionLookup lookup, Knows knows, std::size_t place = 0) const {
    const auto& all = pass->places().at(place).suppositions;
    const auto found = std::ranges::find_if(all, [&](const auto& v) { return v.loader->lookup == lookup && v.knows == knows; });
    if (found == all.end()) throw std::runtime_error("no such supposition");
    return *found;
  }
  /// Outcomes of 0.12, 0.13, 0.14, 0.15, the version-4 tree, 1.0, 2.8 and 11.1 by their first letters.
  std::string outcomes(std::size_t place = 0) const {
    std::string letters;
    for (const auto release : {"0.12", "0.13", "0.14", "0.15", "2011-v4", "1.0", "2.8", "11.1"})
      letters += to_string(verdict(release, place).outcome).front();
    return letters;
  }
  std::string found() const {
    std::string all;
    for (const Finding& finding : findings.all())
      all += code_text(finding.code) + " " + std::to_string(finding.range.offset) + "+" + std::to_string(finding.range.size) +
             " [" + finding.section + "] " + finding.message + "\n";
    return all;
  }
};

// a: as intended, n: not affected, r: refuses, m: misreads
BodyMaker with_data_behind(const std::string& description, const ByteVector& data) {
  BodyMaker body;
  body.structure("first", description).leaf("config", hex("01020304")).done().leaf("data", data);
  return body;
}

TEST_F(AmbiguityTest, DataBehindADescriptionWithoutSubsections) {
  only(with_data_behind("PCIDevice", hex("05 60 aa bb cc dd 00 00 00 00 00 00")), "0000:00:02.0/rtl8139");
  ASSERT_EQ(pass->places().size(), 1u);
  EXPECT_EQ(outcomes(), "nrnnraaa");
  EXPECT_EQ(verdict("0.13").message,
            "qemu: warning: error while loading state for instance 0x0 of device '0000:00:02.0/rtl8139'");
  EXPECT_EQ(verdict("0.13").at, 1004u);
  EXPECT_EQ(pass->places()[0].field, "data");
  EXPECT_EQ(pass->places()[0].behind, "first");
  EXPECT_FALSE(pass->places()[0].subsection);
  EXPECT_EQ(found(), "VMS0627 1004+1 [0000:00:02.0/rtl8139] the byte 05 is a subsection of 'PCIDevice' to QEMU 0.13.0, 0.15.50\n");
  EXPECT_FALSE(findings.any_at_least(Severity::warning));
}

TEST_F(AmbiguityTest, DataBehindADescriptionThatGotSubsectionsWithTime) {
  only(with_data_behind("ide_bus", hex("05 00 00")), "ide");
  EXPECT_EQ(outcomes(), "nrnrraaa");
}

TEST_F(AmbiguityTest, DataBehindADescriptionThatAlwaysHadSubsections) {
  only(with_data_behind("ide bmdma", hex("05 00 00")), "ide");
  EXPECT_EQ(outcomes(), "nrrrraaa");
}

TEST_F(AmbiguityTest, DataThatLookLikeASubsectionAreAnErrorOfEveryLoaderSince1_0) {
  only(with_data_behind("PCIDevice", hex("05 0a 'PCIDevice/' 00 00")), "0000:00:02.0/rtl8139");
  EXPECT_EQ(outcomes(), "nrnnrrrr");
  EXPECT_EQ(verdict("11.1").message, "VM subsection 'PCIDevice/' in 'PCIDevice' does not exist");
  EXPECT_EQ(verdict("2.8").message,
            "error while loading state for instance 0x0 of device '0000:00:02.0/rtl8139': No such file or directory");
  EXPECT_TRUE(findings.has(Code::subsection_forged));
  EXPECT_TRUE(findings.any_at_least(Severity::error));
}

TEST_F(AmbiguityTest, WhatLoadersCompareOfAName) {
  const std::vector<std::pair<ByteVector, Outcome>> cases{
      {hex("05 0a 'PCIDevicX/' 00000001"), Outcome::as_intended},     // another name
      {hex("05 09 'PCIDevice' 00000001 00"), Outcome::as_intended},   // not longer than the description's
      {hex("05 0a 'PCIDeviceX' 00000001"), Outcome::refuses},         // the slash is not compared
      {hex("05 0b 'PCIDevice' 00 00 0000"), Outcome::refuses},        // a C string of nine characters, but a length of eleven
      {hex("05 ff 'PCIDevice/'"), Outcome::refuses},                  // the rest of the name stands in what follows
      {hex("05 0a 'PCIDevi'"), Outcome::as_intended},                 // the prefix is cut
      {hex("05"), Outcome::as_intended},
  };
  for (const auto& [data, expected] : cases) {
    Findings own(limits);
    pass = std::make_unique<Ambiguity>(own, limits);
    only(with_data_behind("PCIDevice", data), "rtl8139");
    EXPECT_EQ(verdict("7.2").outcome, expected) << data.size();
  }
}

TEST_F(AmbiguityTest, ASubsectionThatEveryoneKnowsIsNoFinding) {
  BodyMaker body;
  body.leaf("data", hex("01 02")).subsection("rtl8139/hotplug_ready").done();
  begin();
  machine("pc-i440fx-7.2");
  device("0000:00:02.0/rtl8139", body, true);
  end();
  EXPECT_EQ(found(), "");
  ASSERT_EQ(pass->places().size(), 1u);
  EXPECT_EQ(pass->places()[0].verdicts.size(), 2u);  // 7.2 and later
  EXPECT_EQ(verdict("7.2").outcome, Outcome::as_intended);
  EXPECT_EQ(verdict("7.2").knows, Knows::it);
  EXPECT_FALSE(verdict("7.2").supposed);
}

TEST_F(AmbiguityTest, TwoSubsectionsInOneBodyAreTooManyForTheFirstRules) {
  BodyMaker body;
  body.structure("bmdma", "ide bmdma").leaf("cmd", hex("01"));
  body.subsection("ide bmdma_current").leaf("addr", hex("aa")).done().subsection("ide bmdma/status").leaf("status", hex("60")).done();
  body.done().leaf("rest", hex("77 88"));
  only(body, "ide");
  ASSERT_EQ(pass->places().size(), 2u);
  EXPECT_EQ(outcomes(0), "maaaaaaa");
  EXPECT_EQ(outcomes(1), "mrraraaa");
  EXPECT_EQ(verdict("2011-v4", 1).refusal, Reading::Refusal::unknown_subsection);
  // The first subsection's own body is asked for the second.
  EXPECT_EQ(pass->places()[1].description, "ide bmdma_current");
}

// fdc of 0.15.50 in 0.15: drives have no subsections there.
BodyMaker two_drives() {
  BodyMaker body;
  for (const char* drive : {"drive0", "drive1"})
    body.structure(drive, "fdrive").leaf("head", hex("00 00")).subsection("fdrive/media_changed").leaf("changed", hex("01")).done().done();
  return body;
}

TEST_F(AmbiguityTest, ASubsectionReadAsDataMovesTheEndOfTheSection) {
  only(two_drives(), "fdc");
  const LoaderVerdict& stock = verdict("0.15");
  EXPECT_EQ(stock.outcome, Outcome::misreads);
  EXPECT_EQ(stock.knows, Knows::none);
  EXPECT_EQ(stock.field, "drive1.head");
  // Two bytes of the record become drive1, and the section is over: 'f' stands where a section type belongs.
  EXPECT_EQ(stock.at, 1004u);
  EXPECT_EQ(stock.message, "Unknown savevm section type 102");
  EXPECT_EQ(verdict("1.0").outcome, Outcome::as_intended);
  EXPECT_EQ(supposed(loaders::SubsectionLookup::if_listed, Knows::it).outcome, Outcome::as_intended);
  EXPECT_EQ(supposed(loaders::SubsectionLookup::if_listed, Knows::others).outcome, Outcome::refuses);
  EXPECT_EQ(supposed(loaders::SubsectionLookup::if_listed, Knows::none).message, "Unknown savevm section type 102");
  EXPECT_EQ(supposed(loaders::SubsectionLookup::by_prefix, Knows::none).outcome, Outcome::refuses);
  EXPECT_EQ(supposed(loaders::SubsectionLookup::never, Knows::it).outcome, Outcome::misreads);
}

TEST_F(AmbiguityTest, AZeroByteWhereTheSectionEndsTooEarlyIsTheEndOfTheStream) {
  BodyMaker body;
  body.structure("bus", "ide_bus").leaf("cmd", hex("00")).subsection("ide_bus/error").leaf("status", hex("00000000")).done().done();
  body.leaf("identify", hex("aa bb cc dd ee"));
  const std::size_t record = 2 + 13 + 4 + 4;
  body.leaf("rest", ByteVector(record, 0));
  only(body, "0000:00:01.1/ide");
  const LoaderVerdict& half = verdict("0.14");
  EXPECT_EQ(half.outcome, Outcome::misreads);
  EXPECT_TRUE(half.half_loads);
  EXPECT_EQ(half.at, body.end() - record);
  EXPECT_EQ(half.message, "");
  EXPECT_EQ(half.field, "identify");
  EXPECT_EQ(pass->stream_verdict(*loaders::find_generation("0.14"))->half_loads, true);
  EXPECT_EQ(pass->stream_verdict(*loaders::find_generation("0.15"))->outcome, Outcome::as_intended);
  ASSERT_TRUE(findings.has(Code::loader_half_loads)) << found();
  const auto finding = std::ranges::find(findings.all(), Code::loader_half_loads, &Finding::code);
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_EQ(finding->message, "subsection 'ide_bus/error' is identify to QEMU 0.10 to 0.12.5, 0.14.0 to 0.14.1: the zero byte at 0x405 "
                              "ends the stream, and the machine starts without 'behind' and 1 section behind it");
}

TEST_F(AmbiguityTest, WithFootersAnEarlyEndIsNoticed) {
  BodyMaker body;
  body.structure("a", "some").leaf("x", hex("00")).subsection("other/name").leaf("y", hex("00")).done().done().leaf("z", ByteVector(40, 0));
  only(body, "thing", true);
  EXPECT_EQ(verdict("2.4").message, "Missing section footer for thing");
  EXPECT_FALSE(verdict("2.4").half_loads);
  EXPECT_EQ(pass->places()[0].verdicts.front().loader->id, "2.4");
  EXPECT_TRUE(findings.has(Code::subsection_unprefixed)) << found();
}

TEST_F(AmbiguityTest, ASubsectionAtTheEndOfTheSectionThatNobodySees) {
  BodyMaker body;
  body.leaf("x", hex("00")).subsection("m-security").leaf("y", hex("00")).done();
  only(body, "armv7m_nvic");
  EXPECT_EQ(verdict("2.3").message, "Unknown savevm section type 5");
  EXPECT_EQ(verdict("2.3").field, "");
  EXPECT_EQ(verdict("2.3").at, 1001u);
  EXPECT_TRUE(findings.has(Code::subsection_unprefixed)) << found();
}

TEST_F(AmbiguityTest, ANestedDescriptionTakesWhatIsNotItsOwn) {
  BodyMaker body;
  body.structure("last", "virt").leaf("x", hex("00")).done().subsection("virtio/extra").leaf("y", hex("00")).done();
  only(body, "0000:00:03.0/virtio");
  EXPECT_EQ(verdict("2.3").outcome, Outcome::refuses);
  EXPECT_TRUE(findings.has(Code::subsection_captured)) << found();
  EXPECT_EQ(verdict("11.1").message, "VM subsection 'virtio/extra' in 'virt' does not exist");
}

TEST_F(AmbiguityTest, RecordsThatAreOddForEveryone) {
  BodyMaker body;
  body.leaf("x", hex("00"));
  body.subsection("ide_drive/tray_state", 0x101).leaf("t", hex("01")).done();
  body.subsection("ide_drive/pio_state").leaf("p", hex("01")).done();
  body.subsection("ide_drive/pio_state").leaf("p", hex("02")).done();
  begin();
  machine("isapc");
  device("ide_drive", body, true);
  end();
  EXPECT_EQ(found(),
            "VMS0624 1001+27 [ide_drive] subsection 'ide_drive/tray_state' has version 257, loaders take it for version 1\n"
            "VMS0625 1028+26 [ide_drive] subsection 'ide_drive/pio_state' belongs in front of the one before it\n"
            "VMS0623 1054+26 [ide_drive] subsection 'ide_drive/pio_state' stands here once more\n"
            "VMS0625 1054+26 [ide_drive] subsection 'ide_drive/pio_state' belongs in front of the one before it\n");
}

TEST_F(AmbiguityTest, AVersionThatIsTooNewIsRefused) {
  BodyMaker body;
  body.leaf("x", hex("00")).subsection("rtl8139/hotplug_ready", 2).done();
  only(body, "rtl8139");
  EXPECT_EQ(verdict("2.8").message, "rtl8139/hotplug_ready: incoming version_id 2 is too new for local version_id 1");
  EXPECT_EQ(verdict("11.1").outcome, Outcome::as_intended);
  EXPECT_TRUE(findings.has(Code::subsection_unknown_to_some)) << found();
  EXPECT_FALSE(findings.any_at_least(Severity::warning)) << found();
}

TEST_F(AmbiguityTest, WhoDoesNotKnowASubsectionMattersWhereTheMachineTypePromisesSomething) {
  for (const auto& [name, notes] : {std::pair{"pc-i440fx-2.4", true}, {"isapc", false}}) {
    Findings own(limits);
    pass = std::make_unique<Ambiguity>(own, limits);
    BodyMaker body;
    body.leaf("x", hex("00")).subsection("fw_cfg/dma").leaf("address", ByteVector(8, 0)).done();
    begin();
    machine(name);
    device("fw_cfg", body, true);
    end();
    EXPECT_EQ(verdict("2.4").outcome, Outcome::refuses);
    EXPECT_EQ(own.has(Code::subsection_unknown_to_some), notes) << name;
    EXPECT_EQ(pass->places()[0].reported, notes) << name;
  }
}

TEST_F(AmbiguityTest, SentinelsLeaveNoDoubt) {
  BodyMaker body;
  body.structure("first", "PCIDevice", true).leaf("config", hex("01")).done().leaf("data", hex("05 0a 'PCIDevice/'"));
  begin(4);
  device("rtl8139", body);
  end();
  EXPECT_TRUE(pass->places().empty());
  EXPECT_EQ(found(), "");
  EXPECT_TRUE(pass->can_take(*loaders::find_generation("2011-v4")));
  EXPECT_FALSE(pass->can_take(*loaders::find_generation("1.0")));
}

TEST_F(AmbiguityTest, TheLoaderOfVersion4RefusesTwoSubsectionsToo) {
  BodyMaker body;
  body.structure("bmdma", "ide bmdma", true).leaf("cmd", hex("01"));
  body.subsection("ide bmdma_current").done().subsection("ide bmdma/status").done().done();
  begin(4);
  device("ide", body);
  end();
  ASSERT_EQ(pass->places().size(), 2u);
  EXPECT_EQ(verdict("2011-v4", 0).outcome, Outcome::as_intended);
  EXPECT_EQ(verdict("2011-v4", 1).outcome, Outcome::refuses);
}

TEST_F(AmbiguityTest, AMissingSentinelStopsALoaderThatMisreads) {
  BodyMaker body;
  body.structure("bmdma", "unknown thing", true).leaf("cmd", hex("01")).subsection("unknown thing/x").leaf("y", hex("02")).done().done();
  begin(4);
  device("ide", body);
  end();
  EXPECT_EQ(verdict("2011-v4").outcome, Outcome::as_intended);  // supposed to know what was written
  EXPECT_TRUE(verdict("2011-v4").supposed);
  EXPECT_EQ(supposed(loaders::SubsectionLookup::always, Knows::none).outcome, Outcome::refuses);
}

TEST_F(AmbiguityTest, WhatAStreamIsTellsWhoCanTakeIt) {
  begin();
  machine("pc-i440fx-2.6");
  end();
  EXPECT_FALSE(pass->can_take(*loaders::find_generation("2.4")));
  EXPECT_TRUE(pass->can_take(*loaders::find_generation("2.6")));
  EXPECT_EQ(pass->stream_verdict(*loaders::find_generation("2.4")), std::nullopt);
  EXPECT_EQ(pass->stream_verdict(*loaders::find_generation("2.8"))->outcome, Outcome::not_affected);
  EXPECT_EQ(pass->releases_text(*loaders::find_generation("2.6"), *loaders::find_generation("11.1")), "2.6 to 11.1");
}

TEST_F(AmbiguityTest, SectionVersionsTellWhoCanTakeIt) {
  begin();
  section("0000:00:01.3/piix4_pm", 3);
  end();
  EXPECT_FALSE(pass->can_take(*loaders::find_generation("1.0")));
  EXPECT_TRUE(pass->can_take(*loaders::find_generation("2.0")));
}

TEST_F(AmbiguityTest, ADescriptionIsBeyondLoadersBefore1_0) {
  begin();
  const std::vector<DescribedDevice> devices{{"timer", 0, 2, 8}};
  sink().on(DescriptionKnown{devices, 4096, true});
  end();
  EXPECT_FALSE(pass->can_take(*loaders::find_generation("0.15")));
  EXPECT_TRUE(pass->can_take(*loaders::find_generation("1.0")));
}

TEST_F(AmbiguityTest, StreamsWithRecordLengthsHaveNoAmbiguity) {
  begin(2);
  device("ide", with_data_behind("ide bmdma", hex("05 00")));
  end();
  EXPECT_TRUE(pass->places().empty());
  EXPECT_EQ(found(), "");
  EXPECT_FALSE(pass->can_take(*loaders::find_generation("0.12")));
}

TEST_F(AmbiguityTest, SectionsWithoutAKnownInsideAreOneNote) {
  begin();
  for (int i = 0; i < 3; ++i) {
    FieldTree tree;
    tree.decoded_by = "opaque";
    const SectionHeader header{SectionType::full, 9, "slirp", 0, 1, {900, 20}, 0};
    sink().on(SectionBegin{header, {}});
    sink().on(DeviceState{header, tree, {920, 2}, {}});
  }
  end();
  EXPECT_EQ(pass->sections_unseen(), 3u);
  EXPECT_EQ(found(), "VMS0620 920+2 [slirp] 3 sections are not decoded, so subsections and what looks like them are not seen inside\n");
}

TEST_F(AmbiguityTest, PlacesAreLimited) {
  limits.ambiguous_places = 2;
  pass = std::make_unique<Ambiguity>(findings, limits);
  BodyMaker body;
  for (int i = 0; i < 5; ++i)
    body.structure("s", "ide_bus").leaf("x", hex("00")).subsection("ide_bus/error").leaf("e", hex("00")).done().done();
  only(body, "ide");
  EXPECT_EQ(pass->places().size(), 2u);
  EXPECT_EQ(pass->places_dropped(), 3u);
  EXPECT_TRUE(findings.has(Code::ambiguity_limit)) << found();
}

TEST_F(AmbiguityTest, PlacesThatCouldNotBeJudgedInTimeAreNotShown) {
  limits.loader_steps = 40;
  pass = std::make_unique<Ambiguity>(findings, limits);
  only(two_drives(), "fdc");
  EXPECT_TRUE(pass->places().empty());
  EXPECT_EQ(pass->places_dropped(), 2u);
  EXPECT_EQ(found(), "VMS0630 0+0 [] 2 places where loaders could differ were not judged\n");
}

TEST_F(AmbiguityTest, ADescriptionMayHaveASlashInItsName) {
  BodyMaker body;
  body.leaf("x", hex("00")).subsection("spapr/htab/more").done();
  only(body, "spapr/htab");
  EXPECT_EQ(pass->places()[0].description, "spapr/htab");
  EXPECT_EQ(verdict("2.8").outcome, Outcome::as_intended);
}

}  // namespace
}  // namespace vmstate::test
