// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/base/sub_source.hpp"
#include "parsers/source/open_chain.hpp"
#include "parsers/source/patched_source.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/memory_source.hpp"

namespace vmstate::test {
namespace {

constexpr std::size_t mib = 1 << 20;

// A file that goes away with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const ByteVector& bytes) : path_(testing::TempDir() + "vmstate_source_XXXXXX") {
    ::close(::mkstemp(path_.data()));
    write(bytes);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  void resize(std::uintmax_t size) const { std::filesystem::resize_file(path_, size); }
  void write(const ByteVector& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::string path_;
};

// No two windows of it look alike.
ByteVector pattern(std::size_t size) {
  ByteVector bytes(size);
  std::uint32_t value = 1;
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>((value = value * 1664525u + 1013904223u) >> 24);
  return bytes;
}

std::unique_ptr<ByteSource> open_good(const std::string& path, IoMode mode) {
  auto source = open_path(path, mode);
  if (!source) throw std::runtime_error(source.error().message);
  return std::move(*source);
}

// Bytes put into a pipe by another thread, as they come from a program.
class Pipe {
 public:
  explicit Pipe(ByteVector bytes, std::size_t piece = 1000) {
    int ends[2];
    std::signal(SIGPIPE, SIG_IGN);  // a test may stop reading early
    EXPECT_EQ(::pipe(ends), 0);
    read_end_ = ends[0];
    writer_ = std::thread([bytes = std::move(bytes), piece, out = ends[1]] {
      for (std::size_t at = 0; at < bytes.size();) {
        const auto count = ::write(out, &bytes[at], std::min(piece, bytes.size() - at));
        if (count <= 0) break;
        at += static_cast<std::size_t>(count);
      }
      ::close(out);
    });
  }
  ~Pipe() {
    ::close(read_end_);
    writer_.join();
  }
  int read_end() const { return read_end_; }

 private:
  int read_end_;
  std::thread writer_;
};

// Reads front to back in windows of changing size, moving on by less than it sees.
void expect_walk(ByteSource& source, const ByteVector& bytes) {
  constexpr std::size_t wants[] = {1, 9, 4096, 70'001, 3, 2 * mib + 1};
  Offset at = 0;
  for (std::size_t turn = 0; at < bytes.size(); ++turn) {
    const std::size_t want = wants[turn % std::size(wants)];
    const auto view = source.view(at, want);
    ASSERT_TRUE(view) << view.error().message;
    ASSERT_GE(view->size(), std::min<std::size_t>(want, bytes.size() - at));
    ASSERT_LE(view->size(), bytes.size() - at);
    ASSERT_TRUE(std::equal(view->begin(), view->end(), bytes.begin() + static_cast<std::ptrdiff_t>(at))) << at;
    at += std::max<std::size_t>(1, want * 3 / 4);
  }
  const auto beyond = source.view(bytes.size(), 10);
  ASSERT_TRUE(beyond);
  EXPECT_TRUE(beyond->empty());
  EXPECT_EQ(source.end().cause, SourceEnd::Cause::clean);
  EXPECT_EQ(source.end().offset, bytes.size());
  EXPECT_FALSE(source.health());
}

class FileSourceTest : public testing::TestWithParam<IoMode> {};
INSTANTIATE_TEST_SUITE_P(Modes, FileSourceTest, testing::Values(IoMode::automatic, IoMode::mmap, IoMode::pread));

TEST_P(FileSourceTest, ShowsTheBytesOfTheFile) {
  for (const std::size_t size : {0u, 1u, 4096u, 5'000'001u}) {
    const ByteVector bytes = pattern(size);
    const TemporaryFile file(bytes);
    const auto source = open_good(file.path(), GetParam());
    EXPECT_EQ(source->size(), size);
    EXPECT_TRUE(source->seekable());
    expect_walk(*source, bytes);
    expect_walk(*source, bytes);
    EXPECT_FALSE(source->changed());
  }
}

TEST_P(FileSourceTest, GoesBackAndForth) {
  const ByteVector bytes = pattern(9 * mib);
  const TemporaryFile file(bytes);
  const auto source = open_good(file.path(), GetParam());
  for (const Offset at : {8 * mib + 5, mib, 2 * mib - 1, 5 * mib, std::size_t{0}, 9 * mib - 1}) {
    const auto view = source->view(at, 100);
    ASSERT_TRUE(view);
    ASSERT_GE(view->size(), std::min<std::size_t>(100, bytes.size() - at));
    EXPECT_EQ(view->front(), bytes[at]);
    EXPECT_EQ(view->back(), bytes[at + view->size() - 1]);
  }
}

TEST_P(FileSourceTest, ShowsMoreThanAWindowInOnePiece) {
  const ByteVector bytes = pattern(20 * mib);
  const TemporaryFile file(bytes);
  const auto source = open_good(file.path(), GetParam());
  const auto view = source->view(mib + 1, 18 * mib);
  ASSERT_TRUE(view);
  ASSERT_GE(view->size(), 18 * mib);
  EXPECT_TRUE(std::equal(view->begin(), view->end(), bytes.begin() + mib + 1));
}

TEST_P(FileSourceTest, SurvivesAFileThatShrinksUnderAView) {
  const TemporaryFile file(pattern(3 * mib));
  const auto source = open_good(file.path(), GetParam());
  const auto view = source->view(0, 1000);
  ASSERT_TRUE(view);
  file.resize(5000);
  std::size_t sum = std::accumulate(view->begin(), view->end(), std::size_t{0});
  EXPECT_GT(sum, 0u);
  ASSERT_TRUE(source->health());
  EXPECT_EQ(source->health()->kind, Fault::Kind::medium);
  EXPECT_NE(source->health()->message.find("shrank while it was read"), std::string::npos);

  const auto next = source->view(2 * mib, 2000);
  if (!next) {
    EXPECT_NE(next.error().message.find("shrank"), std::string::npos);
  }
}

TEST_P(FileSourceTest, SaysWhatBecameOfTheFile) {
  const TemporaryFile file(pattern(1000));
  const auto source = open_good(file.path(), GetParam());
  EXPECT_FALSE(source->changed());
  file.resize(1001);
  ASSERT_TRUE(source->changed());
  EXPECT_NE(source->changed()->find("from 1000 to 1001 bytes"), std::string::npos);
  EXPECT_FALSE(source->health()) << "a file that grew still holds what was read";
  file.resize(1000);
  ASSERT_TRUE(source->changed());
  EXPECT_NE(source->changed()->find("was written to"), std::string::npos);
}

TEST(MappedSource, FillsLostPagesWithZerosAndSaysSo) {
  const TemporaryFile file(ByteVector(3 * mib, 0xaa));
  const auto source = open_good(file.path(), IoMode::mmap);
  const auto view = source->view(0, 3 * mib);
  ASSERT_TRUE(view);
  file.resize(mib);
  EXPECT_EQ((*view)[mib - 1], 0xaa);
  EXPECT_EQ((*view)[mib + 100], 0);
  EXPECT_EQ((*view)[3 * mib - 1], 0);
  const auto next = source->view(0, 1);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, Fault::Kind::medium);
  EXPECT_NE(next.error().message.find("shrank while it was read, from 3145728 to 1048576 bytes"), std::string::npos);
  EXPECT_TRUE(source->health());
}

TEST(MappedSource, GuardsSeveralFilesInSeveralThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> faults{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const TemporaryFile file(ByteVector(mib, 0xaa));
        const auto source = open_good(file.path(), IoMode::mmap);
        const auto view = source->view(0, mib);
        file.resize(4096);
        if ((*view)[mib / 2] == 0 && !source->view(0, 1)) ++faults;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(faults, 80);
}

TEST(MappedSource, LeavesOtherBusErrorsAlone) {
  const TemporaryFile file(ByteVector(3 * mib, 0xaa));
  EXPECT_DEATH(
      {
        const auto source = open_good(file.path(), IoMode::mmap);
        const int other = ::open(file.path().c_str(), O_RDONLY);
        const auto* bytes =
            static_cast<const volatile std::uint8_t*>(::mmap(nullptr, mib, PROT_READ, MAP_SHARED, other, 0));
        file.resize(0);
        (void)bytes[mib / 2];
      },
      "");
}

TEST(MappedSource, FallsBackToReadingWhenAllGuardsAreTaken) {
  const ByteVector bytes = pattern(10'000);
  const TemporaryFile file(bytes);
  std::vector<std::unique_ptr<ByteSource>> sources;
  for (int i = 0; i < 300; ++i) sources.push_back(open_good(file.path(), IoMode::automatic));
  for (const auto& source : sources) EXPECT_EQ(source->view(9'999, 1)->front(), bytes[9'999]);
}

TEST(PipeSource, ShowsTheBytesOfThePipe) {
  for (const std::size_t piece : {1u, 777u, 100'000u}) {
    const ByteVector bytes = pattern(piece == 1 ? 20'000 : 5'000'001);
    const Pipe pipe(bytes, piece);
    auto source = open_path("-", IoMode::automatic, pipe.read_end());
    ASSERT_TRUE(source);
    EXPECT_FALSE((*source)->seekable());
    EXPECT_FALSE((*source)->size());
    expect_walk(**source, bytes);
  }
}

TEST(PipeSource, LooksAheadAndStays) {
  const ByteVector bytes = pattern(6 * mib);
  const Pipe pipe(bytes, 10'000);
  auto source = open_path("-", IoMode::automatic, pipe.read_end());
  ASSERT_TRUE(source);
  EXPECT_GE((*source)->view(0, 512)->size(), 512u);
  const auto ahead = (*source)->view(10, 4 * mib);
  ASSERT_GE(ahead->size(), 4 * mib);
  EXPECT_TRUE(std::equal(ahead->begin(), ahead->end(), bytes.begin() + 10));
  EXPECT_EQ((*source)->view(10, 1)->front(), bytes[10]);
  EXPECT_EQ((*source)->view(5 * mib, 1)->front(), bytes[5 * mib]);
}

TEST(PipeSource, DoesNotGoBack) {
  const Pipe pipe(pattern(1000));
  auto source = open_path("-", IoMode::automatic, pipe.read_end());
  EXPECT_TRUE((*source)->view(500, 1));
  EXPECT_FALSE((*source)->view(499, 1));
  EXPECT_TRUE((*source)->view(500, 1));
}

TEST(PipeSource, KeepsNothingOfWhatIsSkipped) {
  const std::size_t size = 200 * mib;
  const Pipe pipe(ByteVector(size, 1), mib);
  auto source = open_path("-", IoMode::automatic, pipe.read_end());
  rusage before = {};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ((*source)->view(size - 1, 100)->size(), 1u);
  rusage after = {};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 10 << 10) << "KiB";
}

TEST(OpenPath, SaysWhyAFileCannotBeOpened) {
  const auto missing = open_path("/nowhere/at/all", IoMode::automatic);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, Fault::Kind::medium);
  EXPECT_EQ(missing.error().message, "cannot open /nowhere/at/all: No such file or directory");

  const auto directory = open_path(testing::TempDir(), IoMode::automatic);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().kind, Fault::Kind::refused);
  EXPECT_NE(directory.error().message.find("is a directory"), std::string::npos);

  EXPECT_FALSE(open_path("-", IoMode::automatic, -1));
}

TEST(OpenPath, ReadsARedirectedFileAsAFile) {
  const TemporaryFile file(pattern(5000));
  const int descriptor = ::open(file.path().c_str(), O_RDONLY);
  auto whole = open_path("-", IoMode::automatic, descriptor);
  ASSERT_TRUE(whole);
  EXPECT_TRUE((*whole)->seekable());
  expect_walk(**whole, pattern(5000));

  ::lseek(descriptor, 1000, SEEK_SET);
  auto rest = open_path("-", IoMode::automatic, descriptor);
  ASSERT_TRUE(rest);
  EXPECT_FALSE((*rest)->seekable()) << "offsets count from where it stands";
  EXPECT_EQ((*rest)->view(0, 1)->front(), pattern(5000)[1000]);
  ::close(descriptor);
}

TEST(OpenPath, ReadsFilesThatHideTheirSize) {
  auto source = open_path("/proc/self/status", IoMode::automatic);
  ASSERT_TRUE(source);
  EXPECT_GT((*source)->view(0, 100)->size(), 50u);
}

TEST(OpenPath, ReadsAFifo) {
  const std::string path = testing::TempDir() + "vmstate_fifo_" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "QEVM"; });
  auto source = open_path(path, IoMode::automatic);
  ASSERT_TRUE(source);
  EXPECT_EQ(as_text(*(*source)->view(0, 10)), "QEVM");
  writer.join();
  std::filesystem::remove(path);
}

TEST(PatchedSource, ReplacesTheFirstBytes) {
  const ByteVector bytes = hex("'qEVM' 00 00 00 03") + pattern(100);
  for (const bool seekable : {true, false}) {
    MemorySource lower(bytes, {0, seekable, true});
    PatchedSource replaced(lower, hex("'QEVM'"), 4);
    EXPECT_EQ(replaced.size(), bytes.size());
    expect_walk(replaced, hex("'QEVM' 00 00 00 03") + pattern(100));
  }
}

TEST(PatchedSource, PutsLostBytesInFront) {
  MemorySource lower(hex("'EVM' 00 00 00 03") + pattern(100), {0, false, false});
  PatchedSource whole(lower, hex("'Q'"), 0);
  EXPECT_FALSE(whole.size());
  expect_walk(whole, hex("'QEVM' 00 00 00 03") + pattern(100));
}

}  // namespace
}  // namespace vmstate::test
