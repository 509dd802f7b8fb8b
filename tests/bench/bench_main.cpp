// SPDX-License-Identifier: Apache-2.0
// What reading costs. Each measurement of ours stands beside the least that anybody could do with the same bytes, and the
// ratios of the two are printed at the end: unlike seconds they mean something on another machine.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <zlib.h>
#include <zstd.h>

#include "formats/encode/sentinel_writer.hpp"
#include "tests/bench/inputs.hpp"
#include "tools/app/atomic_file.hpp"
#include "tools/app/dump.hpp"
#include "tools/app/inspection.hpp"

namespace vmstate::bench {
namespace {

using Verb = app::DumpOptions::Verb;

constexpr std::size_t read_size = 128 << 10;  // what cat and dd bs=128K ask for

const std::string& large_stream() {
  static const std::string path = stream_file("large.migr", {.pages = 200'000, .zero_percent = 27});  // 600 MB
  return path;
}
const std::string& zero_stream() {
  static const std::string path = stream_file("zero.migr", {.pages = 1'000'000, .zero_percent = 100});
  return path;
}
const std::string& layer_stream() {
  static const std::string path = stream_file("layer.migr", {.pages = 32'000, .zero_percent = 27});  // 96 MB
  return path;
}
const std::string small_stream = VMSTATE_BENCH_CORPUS "/streams/q72-pc.migr";

class File {
 public:
  explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("cannot open " + path);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }
  int number() const { return descriptor_; }

 private:
  int descriptor_;
};

// Reads to the end and throws away.
void drain(int descriptor) {
  std::vector<std::uint8_t> buffer(read_size);
  while (::read(descriptor, buffer.data(), buffer.size()) > 0) benchmark::DoNotOptimize(buffer.data());
}

void inspect(const std::string& path, Verb verb, IoMode mode = IoMode::automatic, int standard_input = 0) {
  app::DumpOptions options;
  options.files = {path};
  options.verb = verb;
  options.io = mode;
  options.progress = app::When::never;
  app::Io io;
  std::size_t written = 0;
  io.out = [&](std::string_view text) { written += text.size(); };
  io.err = [](std::string_view text) { throw std::runtime_error(std::string(text)); };
  io.standard_input = standard_input;
  const int status = app::dump(options, io);
  if (status != app::exit_nothing_found) throw std::runtime_error(path + ": findings in a sound stream");
  benchmark::DoNotOptimize(written);
}

// A file's bytes through a pipe; `read` gets the end to read from. The writer's time is measured too, with both readers.
template <class Read>
void through_pipe(const std::string& path, Read&& read) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::thread writer([&] {
    const File file(path);
    std::vector<std::uint8_t> buffer(read_size);
    for (ssize_t size = 0; (size = ::read(file.number(), buffer.data(), buffer.size())) > 0;)
      for (ssize_t at = 0; at < size;) {
        const ssize_t written = ::write(ends[1], &buffer[static_cast<std::size_t>(at)], static_cast<std::size_t>(size - at));
        if (written <= 0) break;
        at += written;
      }
    ::close(ends[1]);
  });
  read(ends[0]);
  writer.join();
  ::close(ends[0]);
}

void decode_gzip(const std::string& path) {
  const gzFile in = ::gzopen(path.c_str(), "rb");
  ::gzbuffer(in, read_size);
  std::vector<std::uint8_t> buffer(read_size);
  while (::gzread(in, buffer.data(), static_cast<unsigned>(buffer.size())) > 0) benchmark::DoNotOptimize(buffer.data());
  ::gzclose(in);
}

void decode_zstd(const std::string& path) {
  const File file(path);
  ZSTD_DCtx* const context = ::ZSTD_createDCtx();
  std::vector<std::uint8_t> compressed(::ZSTD_DStreamInSize()), decoded(::ZSTD_DStreamOutSize());
  for (ssize_t size = 0; (size = ::read(file.number(), compressed.data(), compressed.size())) > 0;) {
    ZSTD_inBuffer from{compressed.data(), static_cast<std::size_t>(size), 0};
    while (from.pos < from.size) {
      ZSTD_outBuffer to{decoded.data(), decoded.size(), 0};
      (void)::ZSTD_decompressStream(context, &to, &from);
      benchmark::DoNotOptimize(decoded.data());
    }
  }
  ::ZSTD_freeDCtx(context);
}

// What a process of its own cost: the least over all runs of one name.
struct Cost {
  double seconds = 1e9;  ///< user and system
  long peak_kilobytes = 0;
};
std::map<std::string, Cost>& costs() {
  static std::map<std::string, Cost> all;
  return all;
}

template <class Work>
double run_as_process(const std::string& name, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0) throw std::runtime_error(name + " failed");
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  const double cost = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  Cost& best = costs()[name];
  best.seconds = std::min(best.seconds, cost);
  best.peak_kilobytes = std::max(best.peak_kilobytes, usage.ru_maxrss);
  return cost;
}

// Parses and writes; does not sync and does not read the output back. Leaves its file behind, as cp does.
int rewrite(const std::string& path, const std::string& output) {
  app::Io io;
  io.out = io.err = [](std::string_view) {};
  app::CommonOptions options;
  options.progress = app::When::never;
  app::Inspection inspection(path, options, io);
  SentinelWriter writer(SentinelWriter::Target::sentinel);
  if (!inspection.open() || !inspection.run(writer) || !writer.obstacles().empty()) return 1;
  auto file = app::AtomicFile::create(output, true, io.interrupted);
  if (!file || !writer.edits().apply(inspection.chain().innermost(), **file)) return 1;
  ::_exit(0);
}

int copy_with_cp(const std::string& path, const std::string& output) {
  ::execlp("cp", "cp", path.c_str(), output.c_str(), nullptr);
  return 1;
}

// Both write into a folder that is empty each time.
void add_process(const std::string& name, const std::string& path, int (*work)(const std::string& path, const std::string& output)) {
  const auto bytes = static_cast<std::int64_t>(size_of_file(path));
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    const auto folder = std::filesystem::path(VMSTATE_BENCH_DIR) / "rewritten";
    for (auto _ : state) {
      std::filesystem::create_directory(folder);
      state.SetIterationTime(run_as_process(name, [&] { return work(path, (folder / "out").string()); }));
      std::filesystem::remove_all(folder);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
  })->Iterations(5)->UseManualTime()->Unit(benchmark::kMillisecond);
}

template <class Work>
void add(const char* name, const std::string& path, Work&& work) {
  const auto bytes = static_cast<std::int64_t>(size_of_file(path));
  benchmark::RegisterBenchmark(name, [bytes, work](benchmark::State& state) {
    for (auto _ : state) work();
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
  })->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
}

void add_all() {
  const std::string large = large_stream(), zero = zero_stream(), layer = layer_stream();
  const std::string gzip = gzip_file("layer.migr.gz", layer), zstd = zstd_file("layer.migr.zst", layer);
  add("large/read", large, [=] { drain(File(large).number()); });
  add("large/sections", large, [=] { inspect(large, Verb::sections); });
  add("large/sections-pread", large, [=] { inspect(large, Verb::sections, IoMode::pread); });
  add("large/check", large, [=] { inspect(large, Verb::check); });
  add("pipe/read", large, [=] { through_pipe(large, drain); });
  add("pipe/sections", large, [=] { through_pipe(large, [](int end) { inspect("-", Verb::sections, IoMode::automatic, end); }); });
  add("zero/read", zero, [=] { drain(File(zero).number()); });
  add("zero/sections", zero, [=] { inspect(zero, Verb::sections); });
  add("small/state", small_stream, [=] { inspect(small_stream, Verb::state); });
  add("gzip/decode", layer, [=] { decode_gzip(gzip); });
  add("gzip/sections", layer, [=] { inspect(gzip, Verb::sections); });
  add("zstd/decode", layer, [=] { decode_zstd(zstd); });
  add_process("rewrite/cp", large, copy_with_cp);
  add_process("rewrite/large", large, rewrite);
  add("zstd/sections", layer, [=] { inspect(zstd, Verb::sections); });
}

// Prints as usual and keeps the processor time of one iteration, in seconds.
class Reporter final : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs)
      if (!run.error_occurred && run.run_type == Run::RT_Iteration)
        seconds_[run.run_name.function_name] = run.cpu_accumulated_time / static_cast<double>(run.iterations);
  }
  void print_ratios() const {
    std::printf("\nprocessor time in relation:\n");
    for (const auto& [ours, theirs] : {std::pair{"large/sections", "large/read"}, {"large/sections-pread", "large/read"}, {"large/check", "large/read"}, {"pipe/sections", "pipe/read"},
                                       {"gzip/sections", "gzip/decode"}, {"zstd/sections", "zstd/decode"}}) {
      const auto a = seconds_.find(ours), b = seconds_.find(theirs);
      if (a != seconds_.end() && b != seconds_.end()) std::printf("  %-21s %.2f x %s\n", ours, a->second / b->second, theirs);
    }
    const Cost cp = costs()["rewrite/cp"], ours = costs()["rewrite/large"];
    if (cp.peak_kilobytes > 0 && ours.peak_kilobytes > 0)
      std::printf("  %-21s %.2f x rewrite/cp (%.0f and %.0f ms, the best of each), peak %ld MB\n", "rewrite/large", ours.seconds / cp.seconds,
                  ours.seconds * 1e3, cp.seconds * 1e3, ours.peak_kilobytes / 1024);
    if (const auto zero = seconds_.find("zero/sections"); zero != seconds_.end())
      std::printf("  %-21s %.0f ns for each of a million zero pages\n", "zero/sections", zero->second * 1e3);
  }

 private:
  std::map<std::string, double> seconds_;
};

long peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace
}  // namespace vmstate::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  vmstate::bench::add_all();
  const long before = vmstate::bench::peak_megabytes();
  vmstate::bench::Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
  std::printf("peak resident size: %ld MB (%ld MB before the first measurement)\n", vmstate::bench::peak_megabytes(), before);
}
