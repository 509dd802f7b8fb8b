// SPDX-License-Identifier: Apache-2.0
// Decoded state against what QEMU's monitor said of the same stopped guest.
#include <functional>

#include "tests/streams/real_streams.hpp"
#include "tests/support/register_truth.hpp"

namespace vmstate::test {
namespace {

using GroundTruth = RealStreams;

std::string registers_text(const RealFile& file) { return file.truth({"info registers -a", "info_registers"}); }

// Compares every processor of a file; answers how many registers were compared.
std::size_t expect_registers(const RealFile& file, const std::function<RegisterTruth(std::string_view)>& read) {
  const Inspected seen = inspect(file.path(), {.fields = true});
  const auto texts = processors(registers_text(file));
  EXPECT_FALSE(texts.empty());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string label = i == 0 ? "cpu" : "cpu#" + std::to_string(i);
    const DeviceSeen* cpu = seen.device(label);
    if (cpu == nullptr) {
      ADD_FAILURE() << "the stream has no " << label;
      continue;
    }
    const RegisterComparison result = compare_registers(read(texts[i]), *cpu);
    EXPECT_EQ(result.differences, "");
    EXPECT_GT(result.compared, result.absent) << label;
    compared += result.compared;
  }
  return compared;
}

// A guest that ran on while its registers were asked for has other ones now.
bool stood_still(const RealFile& file) {
  const auto* status = file.find("truth")->as_object().if_contains("query-status");
  if (status == nullptr || !status->is_object() || status->at("running").as_bool()) return false;
  return !file.has_capability("background-snapshot");
}

TEST_F(GroundTruth, RegistersOfX86) {
  std::size_t files = 0, compared = 0;
  for (const RealFile& file : described_files()) {
    const std::string text = registers_text(file);
    if (text.find("EFER=") == std::string::npos || !stood_still(file)) continue;
    SCOPED_TRACE(file.name);
    compared += expect_registers(file, x86_registers);
    ++files;
  }
  EXPECT_GT(files, 80u);
  EXPECT_GT(compared, files * 60);
}

struct Target {
  std::string file;
  RegisterTruth (*read)(std::string_view);
  std::size_t at_least;
};

TEST_F(GroundTruth, RegistersOfOtherTargets) {
  const std::vector<Target> targets{{"arm-virt-m8.migr", arm_registers, 17},
                                    {"arm-netduino2.migr", arm_registers, 17},
                                    {"aarch64-virt-smp2-m16.migr", aarch64_registers, 2 * 34},
                                    {"riscv64-virt-nobios-m16.migr", riscv_registers, 45},
                                    {"s390x-ccw-m64.migr", s390x_registers, 34},
                                    {"s390x-ccw-cmma-m64.migr", s390x_registers, 34},
                                    {"ppc-bamboo-S-m64.migr", ppc_registers, 38},
                                    {"ppc64-pseries-S-m256.migr", ppc_registers, 38},
                                    {"mips-malta-be-m32.migr", mips_registers, 38},
                                    {"sparc-ss5-m32.migr", sparc_registers, 14},
                                    {"m68k-virt-m16.migr", m68k_registers, 19},
                                    {"avr-uno.migr", avr_registers, 39}};
  for (const Target& target : targets) {
    SCOPED_TRACE(target.file);
    EXPECT_GE(expect_registers(real_file("described/" + target.file), target.read), target.at_least);
  }
}

TEST_F(GroundTruth, RamBlocks) {
  std::size_t files = 0;
  for (const RealFile& file : described_files()) {
    const auto expected = ram_blocks(file.truth({"info ramblock", "info_ramblock"}));
    if (expected.empty()) continue;
    SCOPED_TRACE(file.name);
    std::map<std::string, std::uint64_t> blocks;
    for (const BlockSeen& block : inspect(file.path()).blocks) blocks[block.name] = block.size;
    EXPECT_EQ(blocks, expected);
    ++files;
  }
  EXPECT_GT(files, 100u);
}

// The run state in the stream is that of the moment the migration began. `postmigrate` was asked for after it; the
// second migration of one process finds the state that the first one left.
TEST_F(GroundTruth, RunState) {
  std::size_t files = 0;
  for (const RealFile& file : described_files()) {
    const auto* truth = file.find("truth");
    const auto* status =
        truth == nullptr || !truth->is_object() ? nullptr : truth->as_object().if_contains("query-status");
    if (status == nullptr || !status->is_object()) continue;
    const std::string state(status->at("status").as_string());
    const bool asked_later = state == "postmigrate" || file.has_capability("background-snapshot");
    const auto* made = file.find("made");
    const bool second_migration = made != nullptr && made->as_string().find("2nd migration") != std::string_view::npos;
    if (asked_later || second_migration) continue;
    SCOPED_TRACE(file.name);
    EXPECT_EQ(inspect(file.path()).run_state, state);
    ++files;
  }
  EXPECT_GT(files, 90u);
}

// Streams from before the run state was stored: registers are all that the monitor's text can be compared with.
TEST_F(GroundTruth, RegistersOfDescribedLegacyStreams) {
  for (const std::string name : {"2.3.1-default-booted.v3", "2.4.1-default-booted.v3", "2.8.1.1-default-booted.v3"}) {
    SCOPED_TRACE(name);
    const RealFile& file = real_file("legacy/" + name);
    std::string text;
    for (const auto& line : file.find("truth")->at("registers").as_array())
      text += std::string(line.as_string()) + "\n";
    const Inspected seen = inspect(file.path(), {.fields = true});
    ASSERT_NE(seen.device("cpu"), nullptr);
    const RegisterComparison result = compare_registers(x86_registers(text), *seen.device("cpu"));
    EXPECT_EQ(result.differences, "");
    EXPECT_GE(result.compared, 30u);
  }
}

}  // namespace
}  // namespace vmstate::test
