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
#include "tools/app/verify.hpp"

namespace vmstate::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

/// A folder that is gone afterwards.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "vmstate-golden-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
    path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Outcome run_in_process(const std::string& command) {
  std::vector<std::string> words = split_words(command);
  const bool verify = words.size() > 1 && words[0] == "vmstate-upgrade" && words[1] == "verify";
  if (!verify && (words.empty() || words.front() != "vmstate-dump"))
    throw std::invalid_argument("neither a vmstate-dump command nor vmstate-upgrade verify: " + command);
  words.erase(words.begin(), words.begin() + (verify ? 2 : 1));
  Outcome outcome;
  app::Io io;
  io.out = [&](std::string_view text) { outcome.out += text; };
  io.err = [&](std::string_view text) { outcome.err += text; };
  outcome.status = verify ? app::verify(dump_options(words), io) : app::dump(dump_options(words), io);
  return outcome;
}

Outcome run_in_shell(const std::string& command) {
  const ScratchFolder scratch;
  const fs::path out = scratch.path() / "stdout";
  const fs::path err = scratch.path() / "stderr";
  fs::create_directory(scratch.path() / "out");
  const std::string script = "unset NO_COLOR; PATH='" VMSTATE_TEST_PROGRAMS "':$PATH; OUT='" + (scratch.path() / "out").string() +
                             "'; { " + command + "\n} >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(script.c_str());
  const auto shown = [&](const fs::path& path) { return replaced(content_of(path), scratch.path() / "out", "$OUT"); };
  return {shown(out), shown(err), WIFEXITED(status) ? WEXITSTATUS(status) : 128};
}

}  // namespace vmstate::test
