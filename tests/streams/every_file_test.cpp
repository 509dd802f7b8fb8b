// SPDX-License-Identifier: Apache-2.0
// Every real file, whatever it is: nothing of them may crash the tools, each byte gets one owner, and the way the bytes
// arrive makes no difference.
#include <fcntl.h>

#include <csignal>
#include <set>
#include <thread>

#include "tests/streams/real_streams.hpp"
#include "tests/support/inspected.hpp"
#include "tools/app/dump.hpp"

namespace vmstate::test {
namespace {

using EveryFile = RealStreams;

// Statuses a file may deserve; anything else is a fault of the tools.
TEST_F(EveryFile, EndsInAStatusAndTiles) {
  for (const RealFile& file : real_files()) {
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    EXPECT_FALSE(seen.fault) << *seen.fault;
    EXPECT_GE(seen.status, app::exit_nothing_found);
    EXPECT_LE(seen.status, app::exit_unreadable);
    EXPECT_TRUE(seen.tiles);
    if (file.stream_version() == 3) {
      EXPECT_TRUE(seen.recognised) << seen.findings_text();
    }
    if (!seen.recognised) {
      EXPECT_EQ(seen.status, app::exit_unreadable);
      EXPECT_FALSE(seen.findings.empty()) << "what cannot be read must be called something";
    }
  }
}

// Streams of writers that say nothing of their devices: all their sections and pages are found all the same.
TEST_F(EveryFile, UndescribedStreamsHoldNothingWrong) {
  std::size_t files = 0;
  for (const RealFile& file : real_files()) {
    const bool sound_group = file.group() == "legacy" || file.group() == "sentinel";
    if (!sound_group || file.stream_version() != 3 || file.described()) continue;
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    if (seen.has(Code::ram_version_unknown)) continue;  // older RAM is another format
    EXPECT_EQ(to_string(seen.stream.end), "eof") << seen.findings_text();
    EXPECT_EQ(seen.lost_bytes, 0u);
    EXPECT_EQ(seen.accounted, file.size());
    // What a guest forged is an error of the loaders, not of the file.
    const bool forged = file.name.find("guestcraft") != std::string::npos;
    for (const Finding& finding : seen.findings)
      EXPECT_TRUE(finding.severity != Severity::error || (forged && finding.code == Code::subsection_forged)) << seen.findings_text();
    for (const BlockSeen& block : seen.blocks) EXPECT_EQ(block.pages.never_sent, 0u) << block.name;
    ++files;
  }
  EXPECT_GT(files, 100u);
}

// Where sections begin by the writer's own record.
std::set<Offset> sections_of_map(const RealFile& file) {
  std::set<Offset> sections;
  std::ifstream lines(file.path() + ".map");
  std::string line;
  while (std::getline(lines, line)) {
    const auto record = boost::json::parse(line).as_object();
    if (record.at("t").as_string().starts_with("section_")) sections.insert(record.at("o").to_number<Offset>());
  }
  return sections;
}

// The writer wrote down where each section begins: the search for headers must find all of them, and no other.
TEST_F(EveryFile, SectionsAreWhereTheWriterPutThem) {
  std::size_t files = 0;
  for (const RealFile& file : real_files()) {
    if (file.stream_version() != 3 || file.find("map") == nullptr || file.described()) continue;
    const std::set<Offset> written = sections_of_map(file);
    if (written.empty()) continue;
    SCOPED_TRACE(file.name);
    const Inspected seen = inspect(file.path());
    if (seen.has(Code::ram_version_unknown)) continue;
    std::set<Offset> found;
    for (const SectionSeen& section : seen.sections) found.insert(section.begin());
    EXPECT_EQ(found, written);
    ++files;
  }
  EXPECT_GT(files, 100u);
}

// Writers that died or were stopped.
TEST_F(EveryFile, UnfinishedSavesAreTruncated) {
  const std::set<Code> fitting{Code::ends_between_sections, Code::ends_in_footer, Code::ram_ends_early};
  for (const std::string name :
       {"flavours/cap-killed-early-m16.migr", "flavours/cap-cancelled-m16.migr", "described/alpha-clipper-m32.migr"}) {
    SCOPED_TRACE(name);
    const RealFile& file = real_file(name);
    const Inspected seen = inspect(file.path());
    EXPECT_EQ(to_string(seen.stream.end), "truncated");
    EXPECT_TRUE(std::ranges::any_of(seen.findings, [&](const Finding& finding) {
      return fitting.contains(finding.code) && finding.range.end() == file.size();
    })) << seen.findings_text();
    EXPECT_EQ(seen.status, app::exit_findings);
  }
}

// --- containers
// -------------------------------------------------------------------------------------------------------

// Names of all devices and of all RAM blocks with their sizes.
std::string machine_of(const Inspected& seen) {
  std::string text;
  for (const DeviceSeen& device : seen.devices) text += device.label + " " + std::to_string(device.range.size) + "\n";
  for (const BlockSeen& block : seen.blocks) text += block.name + " " + std::to_string(block.size) + "\n";
  return text;
}

TEST_F(EveryFile, LibvirtImagesHoldOneGuestInEveryCompression) {
  const Inspected raw = inspect(real_file("containers/libvirt-tiny-raw.save").path());
  ASSERT_FALSE(raw.devices.empty());
  for (const std::string name : {"raw", "gzip", "bzip2", "xz", "lzop"}) {
    SCOPED_TRACE(name);
    const Inspected seen = inspect(real_file("containers/libvirt-tiny-" + name + ".save").path());
    ASSERT_TRUE(seen.recognised) << seen.findings_text();
    EXPECT_EQ(seen.layers.front().kind, "libvirt-save");
    EXPECT_EQ(seen.layers.size(), name == "raw" ? 2u : 3u);
    EXPECT_EQ(to_string(seen.stream.end), "eof");
    EXPECT_EQ(machine_of(seen), machine_of(raw));
    EXPECT_EQ(seen.status, app::exit_nothing_found) << seen.findings_text();
    for (const BlockSeen& block : seen.blocks) EXPECT_EQ(block.pages.never_sent, 0u) << block.name;
  }
}

TEST_F(EveryFile, LibvirtImagesOfALaterLibvirt) {
  const Inspected gzip = inspect(real_file("containers/lv113-pctcgt.gzip.save").path());
  const Inspected zstd = inspect(real_file("containers/lv113-pctcgt.zstd.save").path());
  EXPECT_EQ(to_string(gzip.stream.end), "eof");
  EXPECT_FALSE(gzip.devices.empty());
  EXPECT_EQ(machine_of(gzip), machine_of(zstd));
}

TEST_F(EveryFile, InterruptedLibvirtSaveIsNamed) {
  const Inspected seen = inspect(real_file("containers/libvirt-save-interrupted.save").path());
  EXPECT_TRUE(seen.has(Code::libvirt_incomplete)) << seen.findings_text();
  EXPECT_NE(seen.status, app::exit_nothing_found);
}

// --- how bytes arrive
// -------------------------------------------------------------------------------------------------

struct Printed {
  int status = 0;
  boost::json::value document;
};

Printed print(const std::string& path, app::DumpOptions::Verb verb, IoMode mode, int standard_input) {
  app::DumpOptions options;
  options.files = {path};
  options.verb = verb;
  options.json = true;
  options.io = mode;
  std::string text;
  app::Io io;
  io.out = [&](std::string_view piece) { text += piece; };
  io.err = [](std::string_view message) { ADD_FAILURE() << message; };
  io.standard_input = standard_input;
  Printed printed;
  printed.status = app::dump(options, io);
  boost::json::parse_options depth;
  depth.max_depth = 128;
  printed.document = boost::json::parse(text, {}, depth);
  printed.document.as_object().erase("file");
  return printed;
}

// Through a pipe that is filled in small and odd pieces.
Printed print_from_pipe(const RealFile& file, app::DumpOptions::Verb verb) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const ByteVector bytes = file.bytes();
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away early is a failed test, not the end of all
  std::thread writer([&] {
    constexpr std::size_t piece = 60013;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto written = ::write(ends[1], &bytes[at], std::min(piece, bytes.size() - at));
      if (written <= 0) break;
      at += static_cast<std::size_t>(written);
    }
    ::close(ends[1]);
  });
  Printed printed = print("-", verb, IoMode::automatic, ends[0]);
  ::close(ends[0]);
  writer.join();
  return printed;
}

TEST_F(EveryFile, MappedReadAndPipedComeToTheSame) {
  constexpr std::uint64_t small = 4 << 20;
  const std::set<std::string> large{"flavours/cap-block-b-zeroblocks-m16.migr", "flavours/q100-pc.zpnone.vmstate",
                                    "flavours/q111-pc.mapped.vmstate"};
  std::size_t files = 0;
  for (const RealFile& file : described_files()) {
    if (file.size() > small && !large.contains(file.name)) continue;
    SCOPED_TRACE(file.name);
    using Verb = app::DumpOptions::Verb;
    for (const Verb verb : {Verb::sections, Verb::state, Verb::ram, Verb::bytes}) {
      const Printed mapped = print(file.path(), verb, IoMode::mmap, 0);
      const Printed read = print(file.path(), verb, IoMode::pread, 0);
      const Printed piped = print_from_pipe(file, verb);
      EXPECT_EQ(mapped.status, read.status);
      EXPECT_EQ(mapped.status, piped.status);
      // Documents are large: a difference is shown by its verb only.
      EXPECT_TRUE(mapped.document == read.document) << "verb " << static_cast<int>(verb);
      EXPECT_TRUE(mapped.document == piped.document) << "verb " << static_cast<int>(verb);
    }
    ++files;
  }
  EXPECT_GT(files, 90u);
}

}  // namespace
}  // namespace vmstate::test
