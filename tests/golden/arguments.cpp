// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/arguments.hpp"

#include <functional>
#include <map>
#include <stdexcept>

namespace vmstate::test {
namespace {

using app::DumpOptions;
using app::When;
using Verb = DumpOptions::Verb;

const std::map<std::string, Verb> verbs{{"sections", Verb::sections}, {"state", Verb::state}, {"ram", Verb::ram},
                                        {"bytes", Verb::bytes},       {"check", Verb::check}, {"extract", Verb::extract}, {"layouts", Verb::layouts},
                                        {"formats", Verb::formats}};
const std::map<std::string, When> whens{{"auto", When::automatic}, {"always", When::always}, {"never", When::never}};
const std::map<std::string, IoMode> modes{{"auto", IoMode::automatic}, {"mmap", IoMode::mmap}, {"pread", IoMode::pread}};

Severity severity_of(const std::string& word) {
  const auto severity = severity_from(word);
  if (!severity) throw std::invalid_argument("no severity: " + word);
  return *severity;
}

using Take = std::function<void(DumpOptions&, const std::string&)>;
const std::map<std::string, Take> options_with_value{
    {"--color", [](DumpOptions& o, const std::string& word) { o.color = whens.at(word); }},
    {"--progress", [](DumpOptions& o, const std::string& word) { o.progress = whens.at(word); }},
    {"--io", [](DumpOptions& o, const std::string& word) { o.io = modes.at(word); }},
    {"--fail-on", [](DumpOptions& o, const std::string& word) { o.fail_on = severity_of(word); }},
    {"--device", [](DumpOptions& o, const std::string& word) { o.devices.push_back(word); }},
    {"--field", [](DumpOptions& o, const std::string& word) { o.fields.push_back(word); }},
    {"--at", [](DumpOptions& o, const std::string& word) { o.at = std::stoull(word, nullptr, 0); }},
    {"--file-offset", [](DumpOptions& o, const std::string& word) { o.file_offset = std::stoull(word, nullptr, 0); }},
    {"--layouts", [](DumpOptions& o, const std::string& word) { o.layouts_folder = word; }},
    {"--explain", [](DumpOptions& o, const std::string& word) { o.explain = word; }},
    {"-o", [](DumpOptions& o, const std::string& word) { o.output = word; }},
};
using Set = std::function<void(DumpOptions&)>;
const std::map<std::string, Set> flags{
    {"--json", [](DumpOptions& o) { o.json = true; }},
    {"--quiet", [](DumpOptions& o) { o.quiet = true; }},
    {"-q", [](DumpOptions& o) { o.quiet = true; }},
};

std::vector<std::string> take_extract_part(DumpOptions& options, std::vector<std::string> plain) {
  const auto take_first = [&] {
    const std::string word = plain.at(0);
    plain.erase(plain.begin());
    return word;
  };
  options.part = take_first();
  if (options.part == "section") options.section = take_first();
  return plain;
}

}  // namespace

std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(word);
  return words;
}

DumpOptions dump_options(const std::vector<std::string>& words) {
  DumpOptions options;
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (const auto flag = flags.find(word); flag != flags.end()) {
      flag->second(options);
    } else if (const auto option = options_with_value.find(word); option != options_with_value.end()) {
      option->second(options, words.at(++i));
    } else if (const auto verb = verbs.find(word); verb != verbs.end() && plain.empty() && options.verb == Verb::overview) {
      options.verb = verb->second;
    } else if (word.size() > 1 && word[0] == '-') {
      throw std::invalid_argument("no option of vmstate-dump that transcripts know: " + word);
    } else {
      plain.push_back(word);
    }
  }
  if (options.verb == Verb::layouts) {
    options.part = plain.at(0);
    if (plain.size() > 1) options.section = plain.at(1);
    return options;
  }
  options.files = options.verb == Verb::extract ? take_extract_part(options, plain) : plain;
  return options;
}

app::RewriteOptions rewrite_options(const std::vector<std::string>& words) {
  using Target = SentinelWriter::Target;
  const std::map<std::string, Target> targets{{"sentinel", Target::sentinel}, {"legacy", Target::legacy}};
  app::RewriteOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "-o")
      options.output = words.at(++i);
    else if (word == "--to")
      options.target = targets.at(words.at(++i));
    else if (word == "--force")
      options.force = true;
    else if (word == "--json")
      options.json = true;
    else if (word.size() > 1 && word[0] == '-')
      throw std::invalid_argument("no option of vmstate-upgrade that transcripts know: " + word);
    else
      options.files.push_back(word);
  }
  return options;
}

}  // namespace vmstate::test
