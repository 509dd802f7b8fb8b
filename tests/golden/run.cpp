// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/run.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/golden/arguments.hpp"
#include "tools/app/dump.hpp"
#include "tools/app/upgrade.hpp"
#include "tools/app/verify.hpp"

namespace vmstate::test {
namespace {

namespace fs = std::filesystem;

const std::string out_word = "$OUT";

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

int compare_files(const std::vector<std::string>& names, const app::Io& io) {
  if (content_of(names.at(0)) == content_of(names.at(1))) return 0;
  io.out(names[0] + " " + names[1] + " differ\n");
  return 1;
}

int run_words(std::vector<std::string> words, const app::Io& io) {
  const std::string program = words.empty() ? std::string() : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (program == "vmstate-dump") return app::dump(dump_options(words), io);
  if (program == "vmstate-upgrade" && !words.empty() && words.front() == "verify")
    return app::verify(dump_options({words.begin() + 1, words.end()}), io);
  if (program == "vmstate-upgrade") return app::upgrade(rewrite_options(words), io);
  if (program == "cmp") return compare_files(words, io);
  throw std::invalid_argument("no command that transcripts know: " + program);
}

Outcome run_in_process(const std::string& command, const std::string& folder) {
  Outcome outcome;
  app::Io io;
  io.out = [&](std::string_view text) { outcome.out += text; };
  io.err = [&](std::string_view text) { outcome.err += text; };
  outcome.status = run_words(split_words(replaced(command, out_word, folder)), io);
  return outcome;
}

Outcome run_in_shell(const std::string& command, const std::string& folder) {
  const ScratchFolder printed;
  const std::string out = printed / "stdout";
  const std::string err = printed / "stderr";
  const std::string script = "unset NO_COLOR; PATH='" VMSTATE_TEST_PROGRAMS "':$PATH; OUT='" + folder +
                             "'; { " + command + "\n} >'" + out + "' 2>'" + err + "'";
  const int status = std::system(script.c_str());
  return {content_of(out), content_of(err), WIFEXITED(status) ? WEXITSTATUS(status) : 128};
}

}  // namespace

Outcome Commands::run(const std::string& command) const {
  const ScratchFolder of_its_own;
  const std::string folder = (how_ == How::in_process ? out_ : of_its_own).path();
  Outcome outcome = how_ == How::in_process ? run_in_process(command, folder) : run_in_shell(command, folder);
  for (std::string* text : {&outcome.out, &outcome.err}) *text = replaced(*text, folder, out_word);
  return outcome;
}

}  // namespace vmstate::test
