// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

namespace vmstate::app {

/// The world as a tool sees it. main() builds it, tests replace it.
struct Io {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool no_color = false;  ///< NO_COLOR is set
  int standard_input = 0;
  std::function<double()> seconds = [] { return 0.0; };       ///< a clock that only goes forward
  std::function<bool()> interrupted = [] { return false; };
  std::function<bool()> output_failed = [] { return false; };  ///< a write to standard output did not succeed
};

/// Exit codes are contract; the numbers of 64 and above are those of sysexits.h.
enum ExitStatus : int {
  exit_nothing_found = 0,
  exit_findings = 1,
  exit_unreadable = 2,
  exit_usage = 64,
  exit_bug = 70,
  exit_io_error = 74,
  exit_interrupted = 130
};

}  // namespace vmstate::app
