// SPDX-License-Identifier: Apache-2.0
// Command lines with what they print. tests/golden/*.txt run in this process and in corpus/; tests/golden/program/*.txt run
// the program itself there, for what concerns its options, pipes and files; pages run in the root of the project.
// `vmstate_golden_tests --update` (or VMSTATE_UPDATE_GOLDEN=1) rewrites them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "parsers/source/open_chain.hpp"
#include "tests/golden/run.hpp"
#include "tests/golden/transcript.hpp"

namespace vmstate::test {
namespace {

namespace fs = std::filesystem;

bool update = false;

struct GoldenFile {
  std::string name;  ///< of the test
  fs::path path;
  fs::path folder;  ///< where its commands run
  Transcript::Kind kind;
  Commands::How how;
};
void PrintTo(const GoldenFile& file, std::ostream* out) { *out << file.path; }

std::string test_name(std::string name) {
  std::ranges::replace_if(name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

std::vector<GoldenFile> golden_files() {
  const fs::path root = VMSTATE_TEST_SOURCE;
  const fs::path corpus = VMSTATE_TEST_CORPUS;
  std::vector<GoldenFile> files;
  const auto add_folder = [&](const fs::path& folder, const std::string& prefix, Commands::How how) {
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".txt" && entry.path().filename() != "CMakeLists.txt")
        files.push_back({prefix + test_name(entry.path().stem()), entry.path(), corpus, Transcript::Kind::transcript, how});
  };
  add_folder(root / "tests/golden", "", Commands::How::in_process);
  add_folder(root / "tests/golden/program", "program_", Commands::How::in_shell);
  for (const char* page : {"README.md", "docs/guide.md", "docs/json.md"})
    files.push_back({"page_" + test_name(fs::path(page).stem()), root / page, root, Transcript::Kind::page, Commands::How::in_process});
  std::ranges::sort(files, {}, &GoldenFile::name);
  return files;
}

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A transcript with the line "# needs: NAME" holds for builds that can open layers of that name.
std::optional<std::string> missing_layer(const std::string& text) {
  for (const Opener* opener : built_in_plugins().openers)
    if (!opener->available() && text.find("\n# needs: " + std::string(opener->name()) + "\n") != text.npos)
      return std::string(opener->name());
  return std::nullopt;
}

class Golden : public testing::TestWithParam<GoldenFile> {};

TEST_P(Golden, PrintsWhatIsWritten) {
  const GoldenFile& file = GetParam();
  const std::string text = content_of(file.path);
  const Transcript transcript(text, file.kind);
  ASSERT_GT(transcript.commands(), 0u) << file.path << " holds no commands";
  if (const auto layer = missing_layer(text)) GTEST_SKIP() << "this build cannot open " << *layer;
  fs::current_path(file.folder);
  if (update) {
    const Commands commands(file.how);
    const std::string now = transcript.updated([&](const std::string& command) { return commands.run(command); });
    if (now != text) std::ofstream(file.path, std::ios::binary) << now;
  }
  const Commands commands(file.how);
  const auto run = [&](const std::string& command) { return commands.run(command); };
  for (const auto& mismatch : Transcript(content_of(file.path), file.kind).compare(run))
    EXPECT_EQ(mismatch.expected, mismatch.actual) << "of: " << mismatch.command << "\nin: " << file.path.string();
}

TEST(Transcript, EveryMalformedFileHasItsCheck) {
  const std::string text = content_of(fs::path(VMSTATE_TEST_SOURCE) / "tests/golden/check_malformed.txt");
  for (const auto& entry : fs::directory_iterator(fs::path(VMSTATE_TEST_CORPUS) / "malformed"))
    EXPECT_NE(text.find("\n$ vmstate-dump check malformed/" + entry.path().filename().string() + "\n"), text.npos) << entry.path();
}

INSTANTIATE_TEST_SUITE_P(, Golden, testing::ValuesIn(golden_files()),
                         [](const testing::TestParamInfo<GoldenFile>& file) { return file.param.name; });

Outcome said(const std::string& out, int status = 0) { return {out, "", status}; }

TEST(Transcript, FindsADifference) {
  const Transcript transcript("# why\n$ a\none\n[exit 0]\n\n$ b\n[exit 1]\n", Transcript::Kind::transcript);
  ASSERT_EQ(transcript.commands(), 2u);
  const auto run = [](const std::string& command) { return command == "a" ? said("one\n") : said("", 1); };
  EXPECT_TRUE(transcript.compare(run).empty());
  EXPECT_EQ(transcript.compare([](const std::string&) { return said("one\n"); }).size(), 1u);
  EXPECT_EQ(transcript.compare([](const std::string&) { return said("", 1); }).size(), 1u);
}

TEST(Transcript, UpdateWritesWhatIsPrintedNow) {
  const Transcript transcript("# why\n$ a\nold\n[exit 0]\n\n$ b\n", Transcript::Kind::transcript);
  const auto run = [](const std::string& command) { return Outcome{command + "\x1b[1m", "no\n", 2}; };
  EXPECT_EQ(transcript.updated(run), "# why\n$ a\na\\e[1m\n[no newline at the end]\nstderr: no\n[exit 2]\n\n"
                                     "$ b\nb\\e[1m\n[no newline at the end]\nstderr: no\n[exit 2]\n");
}

TEST(Transcript, PagesMayLeaveLinesOut) {
  const std::string page = "text\n$ no command\n```console\n$ a\none\n…\nthree\n```\n$ none\n";
  const Transcript transcript(page, Transcript::Kind::page);
  ASSERT_EQ(transcript.commands(), 1u);
  const auto matches = [&](const std::string& out) {
    return transcript.compare([&](const std::string&) { return said(out); }).empty();
  };
  EXPECT_TRUE(matches("one\ntwo\ntwo\nthree\n"));
  EXPECT_TRUE(matches("one\nthree\n"));
  EXPECT_FALSE(matches("one\ntwo\nthree\nfour\n"));
  EXPECT_FALSE(matches("two\nthree\n"));
  EXPECT_EQ(transcript.updated([](const std::string&) { return said("other\n"); }), page);
}

}  // namespace
}  // namespace vmstate::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* wanted = std::getenv("VMSTATE_UPDATE_GOLDEN");
  vmstate::test::update = (wanted != nullptr && *wanted == '1') || (argc > 1 && std::string_view(argv[1]) == "--update");
  return RUN_ALL_TESTS();
}
