// SPDX-License-Identifier: Apache-2.0
// Events and findings do not depend on how the bytes arrive.
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/corpus.hpp"
#include "tests/support/event_lines.hpp"
#include "tests/support/inspected.hpp"
#include "tests/support/stream_run.hpp"
#include "tests/support/tiny_stream.hpp"

namespace vmstate::test {
namespace {

// What a run says, apart from what may differ.
std::string told(const StreamResult& result) {
  std::string all;
  for (const auto& line : comparable_lines(result.lines)) all += line + "\n";
  all += "end " + std::string(to_string(result.end.kind)) + " " + std::to_string(result.end.size) + "\n";
  // Of a layer only the code: through a pipe nobody knows how much lies behind its end, and a decoder that gets single
  // bytes notices a wrong checksum some bytes earlier.
  std::vector<Finding> findings = result.findings;
  for (Finding& finding : findings)
    if (static_cast<unsigned>(finding.code) < 200) {
      finding.range = {};
      finding.message.clear();
    }
  return all + findings_text(findings);
}

StreamResult from_memory(const ByteVector& bytes, MemorySource::Options how) {
  return run_chain(std::make_unique<MemorySource>(bytes, how));
}

StreamResult from_path(const ByteVector& bytes, IoMode mode) {
  const MemoryFile file(bytes);
  auto source = open_path(file.path(), mode);
  if (!source) throw std::runtime_error(source.error().message);
  return run_chain(std::move(*source));
}

// Through a pipe of the system, written in odd pieces.
StreamResult from_pipe(const ByteVector& bytes) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader may stop early
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  std::thread writer([&] {
    std::size_t at = 0, piece = 1;
    while (at < bytes.size()) {
      const auto written = ::write(ends[1], &bytes[at], std::min(piece, bytes.size() - at));
      if (written <= 0) break;
      at += static_cast<std::size_t>(written);
      piece = piece * 3 % 65521 + 1;
    }
    ::close(ends[1]);
  });
  auto source = open_path("-", IoMode::automatic, ends[0]);
  ::close(ends[0]);
  StreamResult result;
  if (source) result = run_chain(std::move(*source));
  source = medium_fault("closed");
  writer.join();
  return result;
}

void expect_same(const ByteVector& bytes) {
  const std::string whole = told(from_memory(bytes, {}));
  for (const std::size_t step : {1u, 7u, 4099u, 65537u}) {
    EXPECT_EQ(told(from_memory(bytes, {.step = step})), whole) << "file, step " << step;
    EXPECT_EQ(told(from_memory(bytes, {.step = step, .seekable = false, .size_known = false})), whole) << "pipe, step " << step;
  }
  EXPECT_EQ(told(from_path(bytes, IoMode::mmap)), whole) << "mmap";
  EXPECT_EQ(told(from_path(bytes, IoMode::pread)), whole) << "pread";
  EXPECT_EQ(told(from_pipe(bytes)), whole) << "pipe";
}

class Delivery : public testing::TestWithParam<std::string> {};

TEST_P(Delivery, OfACorpusFile) { expect_same(read_file(std::filesystem::path(VMSTATE_TEST_CORPUS) / GetParam())); }

std::vector<std::string> names_in(const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders)
    for (const auto& [name, path] : corpus_files(folder)) names.push_back(folder + "/" + name);
  return names;
}
std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Corpus, Delivery, testing::ValuesIn(names_in({"streams", "malformed", "opener_gzip", "opener_zstd", "opener_libvirt_save"})),
                         test_name);

TEST(Delivery, OfSmallStreams) {
  expect_same(tiny_stream().bytes());
  expect_same(small_stream().bytes());
  expect_same(small_stream(false).bytes());
}

// A device in front of RAM, as some machines have it: on a pipe its description is far behind.
TEST(Delivery, OfADeviceInFrontOfRam) {
  StreamBuilder b;
  b.header().configuration("none");
  b.device(1, "early", 1, {{"x", "uint32", hex("00000007")}, {"y", "buffer", ByteVector(64, 0x55)}});
  b.start(2, "ram", 4).mem_size({{"r", 0x4000}}).eos().footer(2);
  b.part(2).page(0, 1, "r").page(0x1000, 2).page(0x2000, 3).eos().footer(2).end(2).page(0x3000, 4).eos().footer(2);
  b.device(3, "late", 1, {{"z", "uint32", hex("00000009")}}).eof().description();
  expect_same(b.bytes());
}

// More description than a pipe's first look ahead.
TEST(Delivery, OfALargeDescription) {
  StreamBuilder b;
  b.header().configuration("none").start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2).end(2).eos().footer(2);
  for (std::uint32_t i = 0; i < 3000; ++i)
    b.device(3 + i, "device-" + std::to_string(i), 1, {{"x", "uint32", hex("00000007")}, {"y", "buffer", ByteVector(i % 50, 0x55)}});
  b.eof().description();
  ASSERT_GT(b.description_text().size(), 300000u);
  expect_same(b.bytes());
}

TEST(Delivery, OfAPackage) {
  StreamBuilder b;
  b.header().configuration("none").command(3).start(2, "ram", 4).mem_size({{"r", 0x1000}}).zero(0, "r").eos().footer(2);
  b.package([](StreamBuilder& inner) { inner.full(7, "timer", 2).fill(24, 0x11).footer(7).full(8, "slirp", 1).fill(10, 0x22).footer(8); });
  b.end(2).eos().footer(2).eof();
  expect_same(b.bytes());
}

TEST(Delivery, OfMuchZeroPadding) { expect_same(tiny_stream().bytes() + ByteVector(5 << 20, 0) + hex("01")); }

}  // namespace
}  // namespace vmstate::test
