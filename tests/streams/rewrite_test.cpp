// SPDX-License-Identifier: Apache-2.0
// Real files from version 3 to 4 and back: identical, or refused for a reason that is known.
#include <sys/stat.h>

#include <map>

#include "parsers/source/open_chain.hpp"
#include "tests/streams/real_streams.hpp"
#include "tests/support/rewriting.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/sinks.hpp"

namespace vmstate::test {
namespace {

class Rewriting : public RealStreams {
 protected:
  // Outputs may be large: they go beside the unpacked files.
  const ScratchFolder& scratch() {
    if (!scratch_) scratch_ = std::make_unique<ScratchFolder>(std::filesystem::path(VMSTATE_TEST_STREAMS).parent_path());
    return *scratch_;
  }

 private:
  std::unique_ptr<ScratchFolder> scratch_;
};

struct FileState {
  ByteVector bytes;
  timespec modified{};
  friend bool operator==(const FileState& a, const FileState& b) {
    return a.bytes == b.bytes && a.modified.tv_sec == b.modified.tv_sec && a.modified.tv_nsec == b.modified.tv_nsec;
  }
};
FileState state_of(const std::string& path) {
  struct stat there {};
  EXPECT_EQ(::stat(path.c_str(), &there), 0);
  return {read_file(path), there.st_mtim};
}

// The stream inside all layers of a file, to its last byte.
ByteVector stream_in(const std::string& path) {
  const Limits limits;
  Findings unheard(limits);
  auto file = open_path(path, IoMode::automatic);
  if (!file) throw std::runtime_error(file.error().message);
  auto chain = OpenChain::open(std::move(*file), built_in_plugins(), unheard, limits);
  if (!chain) throw std::runtime_error(chain.error().message);
  MemorySink out;
  EXPECT_TRUE(out.copy((*chain)->innermost(), {0, std::uint64_t{1} << 40}));
  return out.bytes();
}

bool is_compressed(const Inspected& seen) {
  return std::ranges::any_of(seen.layers, [](const Layer& layer) {
    return layer.kind != "libvirt-save" && layer.kind != "qevm";
  });
}

// There and back, with everything that must hold on the way. Answers the number of sentinels.
std::uint64_t expect_there_and_back(const std::string& input, const ScratchFolder& scratch) {
  const std::string v4 = scratch / "v4", v3 = scratch / "v3";
  const FileState original = state_of(input);
  const Upgraded up = upgrade(input, v4, Target::sentinel);
  EXPECT_EQ(up.status, app::exit_nothing_found) << up.err;
  if (up.status != app::exit_nothing_found) return 0;
  const Read before(input), between(v4);
  EXPECT_EQ(between.seen.stream.version, 4u);
  EXPECT_LE(between.errors(), before.errors()) << "version 4 may only have less of them\n" << between.seen.findings_text();
  EXPECT_TRUE(between.fields.text() == before.fields.text()) << "devices say something else";
  EXPECT_EQ(between.seen.lost_bytes, before.seen.lost_bytes);
  EXPECT_EQ(between.seen.layers.size(), before.seen.layers.size());
  EXPECT_EQ(between.seen.stream.size, before.seen.stream.size + between.fields.sentinels());
  EXPECT_TRUE(state_of(input) == original) << "the input was touched";
  const Upgraded down = upgrade(v4, v3, Target::legacy);
  EXPECT_EQ(down.status, app::exit_nothing_found) << down.err;
  if (down.status == app::exit_nothing_found) {
    const bool identical = is_compressed(before.seen) ? stream_in(v3) == stream_in(input) : read_file(v3) == original.bytes;
    EXPECT_TRUE(identical) << "turned back it is another file";
    std::filesystem::remove(v3);
  }
  std::filesystem::remove(v4);
  EXPECT_TRUE(scratch.names().empty()) << "something is left: " << *scratch.names().begin();
  return between.fields.sentinels();
}

void expect_refused(const std::string& input, const std::string& reason, const ScratchFolder& scratch) {
  const FileState original = state_of(input);
  const Upgraded up = upgrade(input, scratch / "v4", Target::sentinel);
  EXPECT_EQ(up.status, app::exit_unreadable);
  EXPECT_NE(up.err.find(reason), std::string::npos) << up.err << up.out;
  EXPECT_TRUE(scratch.names().empty()) << "a refusal leaves nothing";
  EXPECT_TRUE(state_of(input) == original) << "the input was touched";
}

// Damage behind which nobody can say where the structs are, and what is said of it.
const std::map<std::string, std::string> refused_damage{
    {"damaged/new-20-zero-inserted-in-device.migr", "that no description explains"},
    {"damaged/new-22-byte-deleted-in-device.migr", "that no description explains"},
    {"damaged/new-24-footer-wrong-id.migr", "footer with a wrong id"},
    {"damaged/new-26-footer-as-05.migr", "damaged footer"},
    {"damaged/new-42-lf-to-crlf.migr", "unreadable RAM"},
    {"damaged/new-46-hole-4k-in-devices.migr", "that no description explains"},
    {"damaged/new-50-ramflag-xbzrle-bit.migr", "unreadable RAM"},
    {"damaged/new-52-ramflag-0x100.migr", "unreadable RAM"},
    {"damaged/new-54-ramflag-0x800.migr", "unreadable RAM"},
    {"damaged/new-56-ram-addr-beyond.migr", "unreadable RAM"},
    {"damaged/new-66-unknown-subsection-appended.migr", "that no description explains"},
    {"damaged/new-68-lone-05-before-footer.migr", "that no description explains"},
    {"damaged/new-80-blocks-exchanged.migr", "unreadable RAM"},
    {"damaged/new-90-middle-4k-lost.migr", "unreadable RAM"},
};

TEST_F(Rewriting, EveryDescribedStream) {
  std::size_t rewritten = 0, refused = 0;
  std::uint64_t sentinels = 0;
  for (const RealFile& file : real_files()) {
    if (!file.described()) continue;
    SCOPED_TRACE(file.name);
    if (const auto damage = refused_damage.find(file.name); damage != refused_damage.end()) {
      expect_refused(file.path(), damage->second, scratch());
      ++refused;
      continue;
    }
    sentinels += expect_there_and_back(file.path(), scratch());
    ++rewritten;
  }
  EXPECT_GT(rewritten, 140u);
  EXPECT_EQ(refused, refused_damage.size());
  EXPECT_GT(sentinels, 5000u);
}

TEST_F(Rewriting, EveryContainerOfOneWholeStream) {
  for (const std::string name : {"libvirt-tiny-raw.save", "libvirt-tiny-gzip.save", "libvirt-tiny-bzip2.save", "libvirt-tiny-xz.save",
                                 "libvirt-tiny-lzop.save", "lv113-pctcgt.zstd.save", "lv113-pctcgt.gzip.save"}) {
    SCOPED_TRACE(name);
    EXPECT_GT(expect_there_and_back(real_file("containers/" + name).path(), scratch()), 0u);
  }
}

TEST_F(Rewriting, AnImageThatWasNotFinishedIsRefused) {
  expect_refused(real_file("containers/libvirt-save-interrupted.save").path(), "nothing was written", scratch());
}

// Streams of writers that say nothing of their devices: where layouts explain them, the result is exact; nothing is guessed.
TEST_F(Rewriting, UndescribedStreamsAreRewrittenExactlyOrRefused) {
  std::size_t exact = 0, refused = 0;
  for (const RealFile& file : real_files()) {
    if (file.stream_version() != 3 || file.described() || file.group() == "damaged") continue;
    SCOPED_TRACE(file.name);
    const Upgraded up = upgrade(file.path(), scratch() / "v4", Target::sentinel);
    if (up.status == app::exit_nothing_found) {
      const Upgraded down = upgrade(scratch() / "v4", scratch() / "v3", Target::legacy);
      EXPECT_EQ(down.status, app::exit_nothing_found) << down.err;
      EXPECT_TRUE(read_file(scratch() / "v3") == file.bytes());
      std::filesystem::remove(scratch() / "v4");
      std::filesystem::remove(scratch() / "v3");
      ++exact;
    } else {
      EXPECT_EQ(up.status, app::exit_unreadable) << up.err;
      EXPECT_NE(up.err.find("cannot be rewritten exactly"), std::string::npos) << up.err;
      ++refused;
    }
    EXPECT_TRUE(scratch().names().empty());
  }
  EXPECT_GT(exact + refused, 100u);
}

// One stopped process wrote both.
TEST_F(Rewriting, PairsOfOneProcessAreMadeOfEachOther) {
  std::size_t made = 0, refused = 0;
  for (const RealFile& file : real_files()) {
    const bool damaged = file.name.find("damaged") != std::string::npos;
    if (file.group() != "sentinel" || damaged || !file.name.ends_with(".v3")) continue;
    const std::string twin = file.path().substr(0, file.path().size() - 3) + ".v4";
    if (!std::filesystem::exists(twin)) continue;
    SCOPED_TRACE(file.name);
    const auto expect_made = [&](const std::string& from, const std::string& to, Target target) {
      const Upgraded result = upgrade(from, scratch() / "out", target);
      if (result.status == app::exit_unreadable) {
        ++refused;
        return;
      }
      EXPECT_EQ(result.status, app::exit_nothing_found) << result.err;
      EXPECT_TRUE(read_file(scratch() / "out") == read_file(to)) << "other bytes than the writer of that version wrote";
      std::filesystem::remove(scratch() / "out");
      ++made;
    };
    expect_made(file.path(), twin, Target::sentinel);
    expect_made(twin, file.path(), Target::legacy);
  }
  EXPECT_GE(made, 44u);
  EXPECT_EQ(refused, 0u);
}

}  // namespace
}  // namespace vmstate::test
