// SPDX-License-Identifier: Apache-2.0
// What is predicted of loaders against what they did with the same real files.
#include <algorithm>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"

namespace vmstate::test {
namespace {

/// A file seen by a pass of its own.
struct Judged {
  Limits limits;
  Findings findings{limits};
  Ambiguity pass{findings, limits};
  Inspected seen;

  explicit Judged(const RealFile& file) {
    InspectOptions options;
    options.more = &pass;
    seen = inspect(file.path(), options);
  }
  bool loads(std::string_view release) const {
    const auto verdict = pass.stream_verdict(*loaders::find_generation(release));
    return verdict && !verdict->stumbles();
  }
  const AmbiguousPlace* place_at(Offset at) const {
    const auto found = std::ranges::find_if(pass.places(), [&](const AmbiguousPlace& p) { return p.range.offset == at; });
    return found == pass.places().end() ? nullptr : &*found;
  }
  const AmbiguousPlace& place(std::string_view name) const {
    const auto found = std::ranges::find(pass.places(), name, &AmbiguousPlace::name);
    if (found == pass.places().end()) throw std::runtime_error("no place named " + std::string(name));
    return *found;
  }
};

const LoaderVerdict& verdict(const AmbiguousPlace& place, std::string_view release) {
  const auto found = std::ranges::find(place.verdicts, loaders::find_generation(release), &LoaderVerdict::loader);
  if (found == place.verdicts.end()) throw std::runtime_error(std::string(release) + " gave no verdict");
  return *found;
}
const LoaderVerdict& supposed(const AmbiguousPlace& place, loaders::SubsectionLookup lookup, Knows knows) {
  const auto found = std::ranges::find_if(place.suppositions,
                                          [&](const LoaderVerdict& v) { return v.loader->lookup == lookup && v.knows == knows; });
  if (found == place.suppositions.end()) throw std::runtime_error("no such supposition");
  return *found;
}

// "v0.14.1" is that release; "v4", "v4pair" and the like are the tree of version 4.
std::string release_of(const boost::json::object& proof) {
  const std::string loader(proof.at("loader").as_string());
  return loader.starts_with("v4") ? "2011-v4" : loader.substr(1);
}

using AmbiguityOfReal = RealStreams;

TEST_F(AmbiguityOfReal, LoadersDidWhatIsPredicted) {
  std::size_t loaded = 0, refused = 0;
  for (const RealFile& file : real_files()) {
    const auto* proof = file.find("load_proof");
    if (proof == nullptr || !proof->is_object() || !proof->as_object().contains("loader")) continue;
    if (file.group() != "legacy" && file.group() != "sentinel") continue;
    // Refused by the check of one device, of values in its own registers.
    if (file.name == "legacy/2.8.1.1-nics.v3") continue;
    SCOPED_TRACE(file.name);
    const Judged judged(file);
    const std::string release = release_of(proof->as_object());
    ASSERT_NE(loaders::find_generation(release), nullptr) << release;
    EXPECT_TRUE(judged.pass.can_take(*loaders::find_generation(release))) << release;
    const bool did = proof->at("ok").as_bool();
    EXPECT_EQ(judged.loads(release), did) << release;
    ++(did ? loaded : refused);
  }
  EXPECT_GE(loaded, 100u);
  EXPECT_GE(refused, 15u);
}

TEST_F(AmbiguityOfReal, DataBehindStructuresAreSeen) {
  std::size_t places = 0;
  for (const RealFile& file : real_files()) {
    const auto* data = file.find("data_05_right_after_struct");
    if (data == nullptr || !data->is_array() || file.stream_version() != 3) continue;
    SCOPED_TRACE(file.name);
    const Judged judged(file);
    for (const auto& one : data->as_array()) {
      const auto at = one.at("offset").to_number<Offset>();
      const AmbiguousPlace* place = judged.place_at(at);
      ASSERT_NE(place, nullptr) << at;
      EXPECT_FALSE(place->subsection);
      EXPECT_FALSE(place->field.empty());
      // Behind a subsection of the structure its own description is asked first.
      const std::string structure = place->description.substr(0, place->description.find('/'));
      EXPECT_TRUE(std::string(one.at("after").as_string()).starts_with(structure)) << place->description;
      ++places;
    }
  }
  EXPECT_GE(places, 25u);
}

TEST_F(AmbiguityOfReal, SentinelsTakeTheDoubtAway) {
  for (const RealFile& file : real_files()) {
    if (file.group() != "sentinel" || file.stream_version() != 4) continue;
    SCOPED_TRACE(file.name);
    const Judged judged(file);
    EXPECT_TRUE(std::ranges::all_of(judged.pass.places(), &AmbiguousPlace::subsection));
  }
}

TEST_F(AmbiguityOfReal, AGuestsForgeryIsAnErrorWhereQemuRefusedIt) {
  std::size_t files = 0;
  for (const RealFile& file : real_files()) {
    const auto* said = file.find("qemu_verdict");
    if (!file.name.starts_with("ambiguous/amb-") || said == nullptr || !file.described()) continue;
    SCOPED_TRACE(file.name);
    const Judged judged(file);
    const bool alive = said->at("alive").as_bool();
    EXPECT_EQ(judged.loads("7.2"), alive);
    EXPECT_EQ(judged.seen.has(Code::subsection_forged), !alive) << judged.seen.findings_text();
    EXPECT_EQ(judged.seen.status, alive ? app::exit_nothing_found : app::exit_findings) << judged.seen.findings_text();
    ++files;
  }
  EXPECT_EQ(files, 5u);
}

TEST_F(AmbiguityOfReal, ASubsectionReadAsTheSecondDrive) {
  const Judged judged(real_file("ambiguous/cross-fdrive-media-0.15.50.v3"));
  const LoaderVerdict& stock = verdict(judged.place("fdrive/media_changed"), "0.15.1");
  EXPECT_EQ(stock.outcome, Outcome::misreads);
  EXPECT_EQ(stock.knows, Knows::none);
  EXPECT_EQ(stock.field, "state.drives[1].head");
  EXPECT_EQ(stock.message, "Unknown savevm section type 100");
  EXPECT_FALSE(stock.half_loads);
  EXPECT_TRUE(judged.loads("2011-v4"));
  EXPECT_TRUE(judged.loads("1.0"));
}

TEST_F(AmbiguityOfReal, ASubsectionThatEndsTheStream) {
  const Judged judged(real_file("ambiguous/cross-err-v0.15.1.v3"));
  const AmbiguousPlace& place = judged.place("ide_bus/error");
  EXPECT_EQ(verdict(place, "0.15.1").outcome, Outcome::as_intended);
  const LoaderVerdict& without = supposed(place, loaders::SubsectionLookup::if_listed, Knows::none);
  EXPECT_EQ(without.outcome, Outcome::misreads);
  EXPECT_TRUE(without.half_loads);
  EXPECT_EQ(without.field, "bus[1].cmd");
  EXPECT_TRUE(verdict(place, "0.14.1").half_loads);
  EXPECT_TRUE(judged.seen.has(Code::loader_half_loads)) << judged.seen.findings_text();
  // What such a loader never got to see.
  EXPECT_NE(judged.seen.findings_text().find("starts without 'i2c_bus' and 1 section behind it"), std::string::npos)
      << judged.seen.findings_text();
}

// QEMU loads what it writes: nothing here breaks the loaders a sound stream is made for.
TEST_F(AmbiguityOfReal, SoundStreamsAreNotAccused) {
  std::size_t files = 0, places = 0;
  for (const RealFile& file : described_files()) {
    if (file.group() == "ambiguous") continue;
    SCOPED_TRACE(file.name);
    const Judged judged(file);
    places += judged.pass.places().size();
    for (const Finding& finding : judged.findings.all()) EXPECT_EQ(finding.severity, Severity::note) << finding.message;
    if (const auto writer = file.find("qemu"); writer != nullptr && writer->is_string()) {
      const std::string release(writer->as_string());
      if (const auto* loader = loaders::find_generation(release)) {
        EXPECT_TRUE(judged.loads(loader->id)) << release;
      }
    }
    ++files;
  }
  EXPECT_GT(files, 50u);
  EXPECT_GT(places, 500u);
}

}  // namespace
}  // namespace vmstate::test
