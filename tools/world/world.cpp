// SPDX-License-Identifier: Apache-2.0
#include "tools/world/world.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>

#include <unistd.h>

namespace vmstate::world {
namespace {

volatile std::sig_atomic_t interrupted = 0;
volatile std::sig_atomic_t writes_a_file = 0;
bool output_failed = false;

void on_interrupt(int) {
  if (writes_a_file == 0 || interrupted != 0) _exit(app::exit_interrupted);
  interrupted = 1;
}

}  // namespace

app::Io real_io() {
  app::Io io;
  io.out = [](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed = true;
  };
  io.err = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
  io.out_is_terminal = isatty(STDOUT_FILENO) != 0;
  io.err_is_terminal = isatty(STDERR_FILENO) != 0;
  const char* no_color = std::getenv("NO_COLOR");
  io.no_color = no_color != nullptr && *no_color != '\0';
  io.seconds = [] {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  };
  io.interrupted = [] { return interrupted != 0; };
  io.output_failed = [] { return output_failed; };
  return io;
}

void remove_outputs_on_interrupt() { writes_a_file = 1; }

int run(const char* tool, int (*body)(int argc, char** argv), int argc, char** argv) {
  // Who starts us with a signal ignored (nohup, a shell's background jobs) wants it ignored.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (std::signal(signal, on_interrupt) == SIG_IGN) std::signal(signal, SIG_IGN);
  int status = app::exit_bug;
  try {
    status = body(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: this is a bug in the tool: %s\n", tool, error.what());
    return app::exit_bug;
  }
  if (std::fflush(stdout) != 0 && !output_failed) {
    std::fprintf(stderr, "%s: standard output cannot be written\n", tool);
    output_failed = true;
  }
  return output_failed ? static_cast<int>(app::exit_io_error) : status;
}

}  // namespace vmstate::world
