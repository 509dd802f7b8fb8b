// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <limits>
#include <thread>

#include "parsers/source/open_chain.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/memory_source.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tools/app/atomic_file.hpp"

namespace vmstate::test {
namespace {

using app::AtomicFile;
using Names = std::set<std::string>;

constexpr ByteRange everything{0, std::numeric_limits<std::uint64_t>::max()};
bool never() { return false; }

ByteVector pattern(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 2654435761u >> 23 | 1);
  return bytes;
}

std::unique_ptr<AtomicFile> created(const std::string& path, bool replace = false) {
  auto file = AtomicFile::create(path, replace, never);
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

std::unique_ptr<ByteSource> opened(const std::string& path, IoMode mode = IoMode::automatic) {
  auto source = open_path(path, mode);
  if (!source) throw std::runtime_error(source.error().message);
  return std::move(*source);
}

std::uint64_t stored_bytes(const std::string& path) {
  struct stat there {};
  EXPECT_EQ(::stat(path.c_str(), &there), 0);
  return static_cast<std::uint64_t>(there.st_blocks) * 512;
}

TEST(AtomicFile, HasItsNameOnlyWhenCommitted) {
  const ScratchFolder scratch;
  {
    const auto file = created(scratch / "out");
    ASSERT_TRUE(file->write(hex("01 02")));
    ASSERT_TRUE(file->write(hex("03")));
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(read_file(file->temporary()), hex("01 02 03")) << "synced: it can be read back";
    EXPECT_FALSE(std::filesystem::exists(scratch / "out"));
    ASSERT_EQ(scratch.names().size(), 1u);
    EXPECT_TRUE(scratch.names().begin()->starts_with(".vmstate-"));
    ASSERT_TRUE(file->commit());
    EXPECT_EQ(read_file(scratch / "out"), hex("01 02 03"));
  }
  EXPECT_EQ(scratch.names(), Names{"out"});
}

TEST(AtomicFile, WithoutCommitNothingStays) {
  const ScratchFolder scratch;
  {
    const auto file = created(scratch / "out");
    ASSERT_TRUE(file->write(pattern(100'000)));
    ASSERT_TRUE(file->sync());
  }
  EXPECT_EQ(scratch.names(), Names{});
}

TEST(AtomicFile, IsAsReadableAsOtherNewFiles) {
  const ScratchFolder scratch;
  const mode_t before = ::umask(027);
  ASSERT_TRUE(created(scratch / "out")->commit());
  ::umask(before);
  struct stat there {};
  ASSERT_EQ(::stat((scratch / "out").c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777u, 0640u);
  EXPECT_EQ(there.st_size, 0);
  EXPECT_EQ(::umask(before), before) << "the mask of the process is what it was";
}

TEST(AtomicFile, InTheCurrentFolder) {
  const ScratchFolder scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.path());
  {
    const auto file = created("out");
    ASSERT_TRUE(file->write(hex("07")));
    ASSERT_TRUE(file->commit());
  }
  std::filesystem::current_path(before);
  EXPECT_EQ(scratch.names(), Names{"out"});
}

// --- what is there already --------------------------------------------------------------------------------------------

TEST(AtomicFile, AnExistingOutputIsRefused) {
  const ScratchFolder scratch;
  write_file(scratch / "out", hex("aa"));
  const auto file = AtomicFile::create(scratch / "out", false, never);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, Fault::Kind::refused);
  EXPECT_NE(file.error().message.find("--force"), std::string::npos);
  EXPECT_EQ(scratch.names(), Names{"out"});
  std::filesystem::create_symlink("nowhere", scratch / "link");
  EXPECT_FALSE(AtomicFile::create(scratch / "link", false, never)) << "a link to nothing is something";
}

TEST(AtomicFile, AnExistingOutputStaysUntilItIsReplaced) {
  const ScratchFolder scratch;
  write_file(scratch / "out", hex("aa"));
  const auto file = created(scratch / "out", true);
  ASSERT_TRUE(file->write(hex("bb bb")));
  EXPECT_EQ(read_file(scratch / "out"), hex("aa"));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(scratch / "out"), hex("bb bb"));
  EXPECT_EQ(scratch.names(), Names{"out"});
}

TEST(AtomicFile, WhatCameIntoBeingMeanwhileIsNotReplaced) {
  const ScratchFolder scratch;
  {
    const auto file = created(scratch / "out");
    ASSERT_TRUE(file->write(hex("bb")));
    write_file(scratch / "out", hex("aa"));
    const auto done = file->commit();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, Fault::Kind::refused) << done.error().message;
  }
  EXPECT_EQ(read_file(scratch / "out"), hex("aa"));
  EXPECT_EQ(scratch.names(), Names{"out"});
}

// rename() would put a file where a device was.
TEST(AtomicFile, OnlyRegularFilesAreReplaced) {
  const ScratchFolder scratch;
  ASSERT_EQ(::mkfifo((scratch / "pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(scratch / "folder");
  for (const std::string name : {"pipe", "folder"}) {
    const auto file = AtomicFile::create(scratch / name, true, never);
    ASSERT_FALSE(file) << name;
    EXPECT_EQ(file.error().kind, Fault::Kind::refused);
  }
  EXPECT_EQ(scratch.names(), (Names{"folder", "pipe"}));
}

TEST(AtomicFile, ALinkIsReplacedAndNotWhatItMeans) {
  const ScratchFolder scratch;
  write_file(scratch / "target", hex("aa"));
  std::filesystem::create_symlink("target", scratch / "out");
  const auto file = created(scratch / "out", true);
  ASSERT_TRUE(file->write(hex("bb")));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(scratch / "target"), hex("aa"));
  EXPECT_FALSE(std::filesystem::is_symlink(scratch / "out"));
}

// --- what goes wrong --------------------------------------------------------------------------------------------------

TEST(AtomicFile, InterruptedWorkLeavesNothing) {
  const ScratchFolder scratch;
  write_file(scratch / "in", pattern(300'000));
  bool interrupted = false;
  for (const std::string how : {"write", "copy", "commit"}) {
    SCOPED_TRACE(how);
    interrupted = false;
    {
      auto file = AtomicFile::create(scratch / "out", false, [&] { return interrupted; });
      ASSERT_TRUE(file);
      ASSERT_TRUE((*file)->write(hex("01")));
      interrupted = true;
      const auto source = opened(scratch / "in");
      const auto done = how == "write" ? (*file)->write(hex("02")) : how == "copy" ? (*file)->copy(*source, everything) : (*file)->commit();
      ASSERT_FALSE(done);
      EXPECT_NE(done.error().message.find("interrupted"), std::string::npos);
    }
    EXPECT_EQ(scratch.names(), Names{"in"});
  }
}

TEST(AtomicFile, FoldersThatAreNone) {
  const ScratchFolder scratch;
  write_file(scratch / "file", hex("aa"));
  for (const std::string& path : {scratch / "missing/out", scratch / "file/out"}) {
    const auto file = AtomicFile::create(path, false, never);
    ASSERT_FALSE(file) << path;
    EXPECT_EQ(file.error().kind, Fault::Kind::medium);
    EXPECT_NE(file.error().message.find(path), std::string::npos) << file.error().message;
  }
  EXPECT_EQ(scratch.names(), Names{"file"});
}

// Runs something whose effects on the process must not stay. Its answer: 0 where all went as it should, else where not.
int in_a_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(AtomicFile, AFolderThatIsNotWritable) {
  constexpr uid_t nobody = 65534;
  const ScratchFolder scratch;
  const auto folder = scratch.path() / "folder";
  std::filesystem::create_directory(folder);
  ::chmod(scratch.path().c_str(), 0755);
  ::chmod(folder.c_str(), 0555);
  EXPECT_EQ(in_a_child([&] {
              if (::geteuid() == 0 && ::seteuid(nobody) != 0) return 1;
              const auto file = AtomicFile::create((folder / "out").string(), false, never);
              if (file) return 2;
              return file.error().kind == Fault::Kind::medium ? 0 : 3;
            }),
            0);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

enum class Filling { write, copy, copied_hole, many_writes };
class FullDisk : public testing::TestWithParam<Filling> {};

TEST_P(FullDisk, IsAFaultOfTheMediumAndLeavesNothing) {
  constexpr std::uint64_t room = 1 << 20;
  const ScratchFolder scratch;
  write_file(scratch / "in", pattern(3 * room));
  write_file(scratch / "hole", {});
  ASSERT_EQ(::truncate((scratch / "hole").c_str(), 3 * room), 0);
  const auto fill = [&](AtomicFile& file) -> Result<void> {
    const auto source = opened(scratch / (GetParam() == Filling::copied_hole ? "hole" : "in"));
    Result<void> done;
    if (GetParam() == Filling::write) done = file.write(pattern(3 * room));
    for (int i = 0; done && GetParam() == Filling::many_writes && i < 3000; ++i) done = file.write(pattern(1024));
    if (GetParam() == Filling::copy || GetParam() == Filling::copied_hole) done = file.copy(*source, everything);
    return done ? file.commit() : done;
  };
  EXPECT_EQ(in_a_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{room, room};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              const auto file = created(scratch / "out");
              const auto done = fill(*file);
              if (done) return 2;
              return done.error().kind == Fault::Kind::medium ? 0 : 3;
            }),
            0);

  EXPECT_EQ(scratch.names(), (Names{"hole", "in"}));
}

INSTANTIATE_TEST_SUITE_P(AtomicFile, FullDisk, testing::Values(Filling::write, Filling::copy, Filling::copied_hole, Filling::many_writes));

// --- copying ----------------------------------------------------------------------------------------------------------

class Copy : public testing::TestWithParam<IoMode> {};
INSTANTIATE_TEST_SUITE_P(AtomicFile, Copy, testing::Values(IoMode::mmap, IoMode::pread));

TEST_P(Copy, OfAPieceOfAFile) {
  const ScratchFolder scratch;
  const ByteVector bytes = pattern(3'000'000);
  write_file(scratch / "in", bytes);
  const auto source = opened(scratch / "in", GetParam());
  for (const ByteRange range : {ByteRange{0, 3'000'000}, {1, 100}, {70'001, 65'535}, {70'001, 65'536}, {4095, 2'000'003}, {2'999'999, 1}, {5, 0}}) {
    SCOPED_TRACE(std::to_string(range.offset) + "+" + std::to_string(range.size));
    const auto file = created(scratch / "out", true);
    ASSERT_TRUE(file->write(hex("aa bb")));
    ASSERT_TRUE(file->copy(*source, range));
    ASSERT_TRUE(file->write(hex("cc")));
    ASSERT_TRUE(file->commit());
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
    EXPECT_TRUE(read_file(scratch / "out") == hex("aa bb") + ByteVector(begin, begin + static_cast<std::ptrdiff_t>(range.size)) + hex("cc"));
  }
}

TEST_P(Copy, EndsWhereTheSourceDoes) {
  const ScratchFolder scratch;
  const ByteVector bytes = pattern(200'000);
  write_file(scratch / "in", bytes);
  const auto source = opened(scratch / "in", GetParam());
  const auto file = created(scratch / "out");
  ASSERT_TRUE(file->copy(*source, everything));
  ASSERT_TRUE(file->copy(*source, {150'000, 1'000'000}));
  ASSERT_TRUE(file->copy(*source, {200'000, 1'000'000}));
  ASSERT_TRUE(file->copy(*source, {300'000, 1'000'000}));
  ASSERT_TRUE(file->commit());
  EXPECT_TRUE(read_file(scratch / "out") == bytes + ByteVector(bytes.begin() + 150'000, bytes.end()));
}

// data, hole, data, and a hole to the very end
void write_with_holes(const std::string& path, const ByteVector& data, std::uint64_t hole) {
  write_file(path, data);
  const int out = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(::pwrite(out, data.data(), data.size(), static_cast<off_t>(data.size() + hole)), static_cast<ssize_t>(data.size()));
  EXPECT_EQ(::ftruncate(out, static_cast<off_t>(2 * data.size() + 2 * hole)), 0);
  ::close(out);
}

TEST_P(Copy, HolesStayHoles) {
  const ScratchFolder scratch;
  constexpr std::uint64_t hole = 8 << 20;
  const ByteVector data = pattern(1 << 20);
  write_with_holes(scratch / "in", data, hole);
  if (stored_bytes(scratch / "in") > hole) GTEST_SKIP() << "this file system has no holes";
  const auto source = opened(scratch / "in", GetParam());
  const auto file = created(scratch / "out");
  ASSERT_TRUE(file->write(hex("aa bb cc")));  // nothing of the output stands where it stood
  ASSERT_TRUE(file->copy(*source, everything));
  ASSERT_TRUE(file->commit());
  EXPECT_TRUE(read_file(scratch / "out") == hex("aa bb cc") + data + ByteVector(hole) + data + ByteVector(hole));
  EXPECT_LT(stored_bytes(scratch / "out"), 2 * data.size() + hole / 2);
}

TEST_P(Copy, BytesBehindAHole) {
  const ScratchFolder scratch;
  const ByteVector data = pattern(1 << 16);
  constexpr std::uint64_t hole = 4 << 20;
  write_with_holes(scratch / "in", data, hole);
  const auto source = opened(scratch / "in", GetParam());
  const auto file = created(scratch / "out");
  ASSERT_TRUE(file->copy(*source, {100'000, 1 << 20}));  // inside the first hole
  ASSERT_TRUE(file->write(hex("dd")));
  ASSERT_TRUE(file->commit());
  EXPECT_TRUE(read_file(scratch / "out") == ByteVector(1 << 20) + hex("dd"));
}

TEST(AtomicFile, CopiesAPipe) {
  const ScratchFolder scratch;
  const ByteVector bytes = pattern(1'000'003);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  std::thread writer([&] {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto size = ::write(ends[1], &bytes[at], std::min<std::size_t>(60'013, bytes.size() - at));
      if (size <= 0) break;
      at += static_cast<std::size_t>(size);
    }
    ::close(ends[1]);
  });
  {
    auto source = open_path("-", IoMode::automatic, ends[0]);
    ASSERT_TRUE(source);
    const auto file = created(scratch / "out");
    EXPECT_TRUE(file->copy(**source, everything));
    EXPECT_TRUE(file->commit());
  }
  writer.join();
  EXPECT_TRUE(read_file(scratch / "out") == bytes);
}

TEST(AtomicFile, CopiesBytesInMemory) {
  const ScratchFolder scratch;
  const ByteVector bytes = pattern(200'001);
  MemorySource source(bytes, {.step = 61});
  const auto file = created(scratch / "out");
  ASSERT_TRUE(file->copy(source, {1, 200'000}));
  ASSERT_TRUE(file->commit());
  EXPECT_TRUE(read_file(scratch / "out") == ByteVector(bytes.begin() + 1, bytes.end()));
}

// --- is the output the input? -----------------------------------------------------------------------------------------

TEST(IsSameFile, UnderWhateverName) {
  const ScratchFolder scratch;
  write_file(scratch / "in", hex("aa"));
  write_file(scratch / "twin", hex("aa"));
  std::filesystem::create_symlink("in", scratch / "link");
  std::filesystem::create_hard_link(scratch / "in", scratch / "hard");
  for (const std::string& name : {std::string("in"), std::string("link"), std::string("hard"), "../" + scratch.path().filename().string() + "/in"})
    EXPECT_TRUE(app::is_same_file(scratch / name, scratch / "in", 0)) << name;
  EXPECT_FALSE(app::is_same_file(scratch / "twin", scratch / "in", 0));
  EXPECT_FALSE(app::is_same_file(scratch / "missing", scratch / "in", 0));
  EXPECT_FALSE(app::is_same_file(scratch / "missing", scratch / "missing", 0));
}

TEST(IsSameFile, AsStandardInput) {
  const ScratchFolder scratch;
  write_file(scratch / "in", hex("aa"));
  write_file(scratch / "twin", hex("aa"));
  const int in = ::open((scratch / "in").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_TRUE(app::is_same_file(scratch / "in", "-", in));
  EXPECT_FALSE(app::is_same_file(scratch / "twin", "-", in));
  ::close(in);
}

}  // namespace
}  // namespace vmstate::test
