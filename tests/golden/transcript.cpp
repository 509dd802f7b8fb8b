// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/transcript.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace vmstate::test {
namespace {

const std::string ellipsis = "…";
const std::string prompt = "$ ";
const std::string fence = "```";
const std::string opening_fence = "```console";

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Length of the UTF-8 sequence at `at`; 0: none begins there.
std::size_t sequence_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  const std::size_t length = first >= 0xc2 && first < 0xe0 ? 2 : (first & 0xf0u) == 0xe0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0u) != 0x80) return 0;
  return length;
}

std::string visible(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t sequence = sequence_length(text, i);
    if (sequence > 0) {
      out += text.substr(i, sequence);
      i += sequence;
      continue;
    }
    ++i;
    if (byte == 0x1b) {
      out += "\\e";
    } else if (byte == '\n' || (byte >= 0x20 && byte < 0x7f)) {
      out += static_cast<char>(byte);
    } else {
      char digits[8];
      std::snprintf(digits, sizeof digits, "\\x%02x", byte);
      out += digits;
    }
  }
  return out;
}

void add_lines(std::vector<std::string>& lines, const std::string& text, const std::string& prefix) {
  const std::string shown = visible(text);
  for (const std::string& line : split_lines(shown)) lines.push_back(prefix + line);
  if (!shown.empty() && shown.back() != '\n') lines.push_back(prefix + "[no newline at the end]");
}

bool is_exit_line(const std::string& line) { return line.starts_with("[exit "); }

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// Whether lines fit a pattern in which `…` stands for any number of lines.
bool matches(std::vector<std::string>::const_iterator pattern, std::vector<std::string>::const_iterator pattern_end,
             std::vector<std::string>::const_iterator line, std::vector<std::string>::const_iterator end) {
  for (; pattern != pattern_end; ++pattern, ++line) {
    if (*pattern == ellipsis) {
      for (auto rest = line;; ++rest) {
        if (matches(pattern + 1, pattern_end, rest, end)) return true;
        if (rest == end) return false;
      }
    }
    if (line == end || *pattern != *line) return false;
  }
  return line == end;
}

}  // namespace

std::vector<std::string> shown_lines(const Outcome& outcome) {
  std::vector<std::string> lines;
  add_lines(lines, outcome.out, "");
  add_lines(lines, outcome.err, "stderr: ");
  lines.push_back("[exit " + std::to_string(outcome.status) + "]");
  return lines;
}

Transcript::Transcript(const std::string& text, Kind kind) : kind_(kind), lines_(split_lines(text)) {
  bool inside = kind == Kind::transcript;  // inside a block whose commands count
  bool open = false;                       // the output of the last step goes on
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const std::string& line = lines_[i];
    if (kind == Kind::page && line.starts_with(fence)) {
      inside = line == opening_fence;
      open = false;
    } else if (inside && line.starts_with(prompt)) {
      steps_.push_back({line.substr(prompt.size()), i + 1, i + 1});
      open = true;
    } else if (open) {
      steps_.back().last = i + 1;
      open = !is_exit_line(line);
    }
  }
  for (Step& step : steps_)
    while (step.last > step.first && lines_[step.last - 1].empty()) --step.last;
}

std::vector<std::string> Transcript::expected(const Step& step) const {
  return {lines_.begin() + static_cast<std::ptrdiff_t>(step.first), lines_.begin() + static_cast<std::ptrdiff_t>(step.last)};
}

std::vector<std::string> Transcript::shown(const Step& step, const Outcome& outcome) const {
  std::vector<std::string> lines = shown_lines(outcome);
  const auto before = expected(step);
  if (kind_ == Kind::page && (before.empty() || !is_exit_line(before.back()))) lines.pop_back();
  return lines;
}

std::vector<Transcript::Mismatch> Transcript::compare(const Run& run) const {
  std::vector<Mismatch> mismatches;
  for (const Step& step : steps_) {
    const auto wanted = expected(step);
    const auto actual = shown(step, run(step.command));
    const bool same = kind_ == Kind::page ? matches(wanted.begin(), wanted.end(), actual.begin(), actual.end()) : wanted == actual;
    if (!same) mismatches.push_back({step.command, joined(wanted), joined(actual)});
  }
  return mismatches;
}

std::string Transcript::updated(const Run& run) const {
  std::string text;
  std::size_t next = 0;
  for (const Step& step : steps_) {
    for (; next < step.first; ++next) text += lines_[next] + "\n";
    const auto before = expected(step);
    const bool shortened = kind_ == Kind::page && std::ranges::find(before, ellipsis) != before.end();
    text += joined(shortened ? before : shown(step, run(step.command)));
    next = step.last;
  }
  for (; next < lines_.size(); ++next) text += lines_[next] + "\n";
  return text;
}

}  // namespace vmstate::test
