// SPDX-License-Identifier: Apache-2.0
// vmstate-upgrade is ended at any moment: its output is whole or absent.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <thread>

#include "tests/bench/inputs.hpp"
#include "tests/support/corpus.hpp"
#include "tests/support/scratch_folder.hpp"

namespace vmstate::test {
namespace {

using Clock = std::chrono::steady_clock;
using Names = std::set<std::string>;

struct Ended {
  std::optional<int> status;  ///< nothing: a signal ended it
  Clock::duration after;
};

// Runs the program; after `patience` it gets the signal.
Ended run_upgrade(const std::string& input, const std::string& output, std::optional<Clock::duration> patience = {}, int signal = 0) {
  const auto begin = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::signal(SIGINT, SIG_DFL);  // a test runner in the background may ignore it
    ::execl(VMSTATE_TEST_UPGRADE, "vmstate-upgrade", input.c_str(), "-o", output.c_str(), nullptr);
    ::_exit(127);
  }
  if (patience) {
    std::this_thread::sleep_for(*patience);
    ::kill(child, signal);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? std::optional<int>(WEXITSTATUS(status)) : std::nullopt, Clock::now() - begin};
}

class InterruptedRewrite : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    input_ = bench::stream_file("interrupted-" + std::to_string(::getpid()) + ".migr", {.pages = 65'000, .zero_percent = 27});  // 195 MB
    const ScratchFolder scratch{std::filesystem::path(VMSTATE_BENCH_DIR)};
    const Ended whole = run_upgrade(input_, scratch / "out");
    ASSERT_EQ(whole.status, 0);
    time_ = whole.after;
    expected_ = read_file(scratch / "out");
    ASSERT_EQ(expected_.size(), std::filesystem::file_size(input_));
  }
  static void TearDownTestSuite() {
    std::error_code ignored;
    std::filesystem::remove(input_, ignored);
    expected_ = {};
  }

  // Moments spread over the whole run, not at the same places each time.
  static std::vector<Clock::duration> moments(int count) {
    std::mt19937 random(5);
    std::vector<Clock::duration> all;
    for (int i = 0; i < count; ++i) all.push_back((time_ * (i * 100 + static_cast<int>(random() % 100))) / (count * 100));
    return all;
  }
  static bool is_whole(const std::string& path) { return read_file(path) == expected_; }

  static inline std::string input_;
  static inline ByteVector expected_;
  static inline Clock::duration time_;
};

TEST_F(InterruptedRewrite, KilledItLeavesNoPartUnderTheFinalName) {
  int unfinished = 0;
  for (const auto moment : moments(20)) {
    const ScratchFolder scratch{std::filesystem::path(VMSTATE_BENCH_DIR)};
    const Ended ended = run_upgrade(input_, scratch / "out", moment, SIGKILL);
    const Names names = scratch.names();
    if (names.contains("out")) {
      EXPECT_TRUE(is_whole(scratch / "out"));
    } else {
      ++unfinished;
      EXPECT_FALSE(ended.status) << "without an output it cannot have succeeded";
    }
    EXPECT_LE(names.size(), 2u);
    for (const std::string& name : names) EXPECT_TRUE(name == "out" || name.starts_with(".vmstate-")) << name;
  }
  EXPECT_GT(unfinished, 5) << "the moments do not lie inside the run";
}

TEST_F(InterruptedRewrite, AskedToEndItLeavesNothing) {
  int unfinished = 0;
  for (const int signal : {SIGTERM, SIGINT})
    for (const auto moment : moments(6)) {
      const ScratchFolder scratch{std::filesystem::path(VMSTATE_BENCH_DIR)};
      const Ended ended = run_upgrade(input_, scratch / "out", moment, signal);
      const Names names = scratch.names();
      if (ended.status == 0) {
        EXPECT_EQ(names, Names{"out"});
        EXPECT_TRUE(is_whole(scratch / "out"));
        continue;
      }
      ++unfinished;
      EXPECT_EQ(names, Names{}) << "asked to end after " << std::chrono::duration<double>(moment).count() << " s";
      EXPECT_EQ(ended.status.value_or(130), 130) << "no status: it had not begun";
    }
  EXPECT_GT(unfinished, 3) << "the moments do not lie inside the run";
}

}  // namespace
}  // namespace vmstate::test
