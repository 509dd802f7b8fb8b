// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace vmstate::test {

/// What a command printed and how it ended.
struct Outcome {
  std::string out;
  std::string err;
  int status = 0;
};

/// The lines in which a transcript shows an outcome: standard output, standard error behind "stderr: ", then [exit N].
/// Control characters and bytes that are no UTF-8 appear as \e or \xNN.
std::vector<std::string> shown_lines(const Outcome& outcome);

/// Text with commands and what they print. A command is a line `$ COMMAND`; its output goes on to the next command, to an
/// empty line behind its exit status, or to the end of the block. In pages (Markdown) only blocks fenced by ```console
/// count, a line `…` stands for any number of lines, and the exit status may be left out.
class Transcript {
 public:
  enum class Kind { transcript, page };
  Transcript(const std::string& text, Kind kind);

  using Run = std::function<Outcome(const std::string& command)>;
  struct Mismatch {
    std::string command;
    std::string expected;
    std::string actual;
  };
  /// Runs each command and compares.
  std::vector<Mismatch> compare(const Run& run) const;
  /// The text with what the commands print now. Outputs shortened by `…` stay as they are.
  std::string updated(const Run& run) const;
  std::size_t commands() const { return steps_.size(); }

 private:
  struct Step {
    std::string command;
    std::size_t first;  ///< lines_[first, last) is the expected output
    std::size_t last;
  };
  std::vector<std::string> expected(const Step& step) const;
  std::vector<std::string> shown(const Step& step, const Outcome& outcome) const;

  Kind kind_;
  std::vector<std::string> lines_;
  std::vector<Step> steps_;
};

}  // namespace vmstate::test
