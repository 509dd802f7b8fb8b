// SPDX-License-Identifier: Apache-2.0
// The whole way of vmstate-dump: a file, its layers, its stream, every pass, and its verbs in text and in JSON.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "tests/fuzz/driver.hpp"
#include "tools/app/dump.hpp"

namespace vmstate {
namespace {

using Verb = app::DumpOptions::Verb;

/// A file without a name that holds the input.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes content) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "the system gives a memory file");
    while (!content.empty()) {
      const auto written = write(descriptor_, content.data(), content.size());
      require(written > 0, "the memory file takes the input");
      content = content.subspan(static_cast<std::size_t>(written));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

struct Outcome {
  int status = 0;
  std::string output;
};

Outcome run(const std::string& path, Verb verb, bool json) {
  app::DumpOptions options;
  options.files = {path};
  options.verb = verb;
  options.json = json;
  options.limits = fuzz_limits();
  Outcome outcome;
  app::Io io;
  io.out = [&](std::string_view text) { outcome.output += text; };
  io.err = [](std::string_view) {};
  outcome.status = app::dump(options, io);
  return outcome;
}

void require_valid_json(const std::string& text) {
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 1024;
  (void)boost::json::parse(text, error, {}, options);
  require(!error, "JSON output is valid JSON");
}

constexpr std::array all_verbs = {Verb::overview, Verb::sections, Verb::state, Verb::ram, Verb::bytes, Verb::check};

/// A fuzzer has no time for all verbs: it gets one that only the input decides.
std::vector<Verb> verbs_for(Bytes input) {
#ifdef REPLAY
  (void)input;
  return {all_verbs.begin(), all_verbs.end()};
#else
  const auto sum = std::accumulate(input.begin(), input.end(), std::size_t{0});
  return {all_verbs[sum % all_verbs.size()]};
#endif
}

}  // namespace

void fuzz_one(Bytes input) {
  const MemoryFile file(input);
  std::optional<int> first_status;
  for (const Verb verb : verbs_for(input))
    for (const bool json : {false, true}) {
      const Outcome outcome = run(file.path(), verb, json);
      require(outcome.status >= app::exit_nothing_found && outcome.status <= app::exit_unreadable,
              "what a file contains ends in status 0, 1 or 2");
      require(outcome.status == first_status.value_or(outcome.status), "every verb comes to the same status");
      first_status = outcome.status;
      if (json) require_valid_json(outcome.output);
    }
}

}  // namespace vmstate
