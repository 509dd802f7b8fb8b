// SPDX-License-Identifier: Apache-2.0
// Against the QEMU that is installed: a guest of our own runs, stops and is saved; what its monitor says of it must be
// what we read in the file, and damaged copies go through QEMU's own loader.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/differential/live_qemu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/register_truth.hpp"

namespace vmstate::test {
namespace {

void write_file(const std::string& path, const ByteVector& content) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}
ByteVector read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A BIOS of 64 KiB that fills the registers with values nothing else has there, and halts.
ByteVector bios() {
  ByteVector image(64 << 10, 0);
  const auto put = [&](std::size_t at, const ByteVector& code) { std::copy(code.begin(), code.end(), &image[at]); };
  put(0xfff0, hex("e9 0d e0"));                 // jmp 0xe000
  put(0xe000, hex("b8 00 20 8e d8"              // mov ax,0x2000; mov ds,ax
                  "b8 00 30 8e c0"              // es
                  "b8 00 40 8e d0"              // ss
                  "b8 00 50 8e e0"              // fs
                  "b8 00 60 8e e8"              // gs
                  "66 2e 0f 01 16 00 e1"        // lgdt cs:[0xe100]
                  "66 2e 0f 01 1e 06 e1"        // lidt cs:[0xe106]
                  "66 b8 00 a0 0b 00 0f 22 d8"  // mov eax,0xba000; mov cr3,eax
                  "66 b8 78 56 34 12 0f 22 d0"  // mov eax,0x12345678; mov cr2,eax
                  "66 b8 00 c0 0d 00 0f 23 c0"  // mov eax,0xdc000; mov dr0,eax
                  "66 b8 44 33 22 11"           // mov eax,0x11223344
                  "66 bb de c0 ad de"           // mov ebx,0xdeadc0de
                  "66 b9 67 45 23 01"           // mov ecx,0x01234567
                  "66 ba ef be ad ba"           // mov edx,0xbaadbeef
                  "66 bc f0 f1 00 00"           // mov esp,0x0000f1f0
                  "66 bd 55 aa 5a a5"           // mov ebp,0xa55aaa55
                  "66 be 0d f0 ad 0b"           // mov esi,0x0badf00d
                  "66 bf ce fa ed fe"           // mov edi,0xfeedface
                  "f9 fd fa f4 eb fd"));        // stc; std; cli; hlt; jmp to the hlt
  put(0xe100, hex("27 00 c0 e0 0f 00"           // limit and base of the descriptor tables
                  "ff 03 00 e2 0f 00"));
  return image;
}

struct Saved {
  std::string registers;
  std::string ram_blocks;
  std::string status;
};

class LiveGuest : public testing::Test {
 protected:
  void SetUp() override {
    if (have_qemu()) {
      write_file(scratch_.file("bios"), bios());
      return;
    }
    std::cerr << "SKIPPED: " << qemu_program << " is not installed (./dev setup installs it)\n";
    GTEST_SKIP();
  }

  // No firmware of anybody's; the same machine for saving and loading.
  std::vector<std::string> machine(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"-L",
                                 scratch_.path(),
                                 "-bios",
                                 scratch_.file("bios"),
                                 "-nodefaults",
                                 "-vga",
                                 "none",
                                 "-display",
                                 "none",
                                 "-accel",
                                 "tcg",
                                 "-m",
                                 "2",
                                 "-rtc",
                                 "base=2020-01-01,clock=vm"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // Runs the guest until it halts, stops it, asks about it and saves it.
  Saved save_guest(const std::vector<std::string>& more, const std::string& file) {
    LiveQemu qemu(machine(more));
    const auto registers_hold = [&](std::string_view text) {
      return qemu.monitor("info registers").find(text) != std::string::npos;
    };
    EXPECT_TRUE(qemu.wait_until([&] { return registers_hold("11223344") && registers_hold("HLT=1"); }))
        << "the guest never came to its end:\n"
        << qemu.monitor("info registers");
    (void)qemu.command("stop");
    Saved saved{qemu.monitor("info registers -a"), qemu.monitor("info ramblock"), qemu.status()};
    EXPECT_TRUE(qemu.save(file));
    return saved;
  }

  // Whether QEMU takes a file without complaint.
  bool loads(const std::vector<std::string>& more, const std::string& file) {
    std::vector<std::string> arguments = machine(more);
    arguments.insert(arguments.end(), {"-S", "-incoming", "exec:cat " + file});
    LiveQemu qemu(arguments);
    std::string status;
    qemu.wait_until([&] { return !(status = qemu.status()).empty() && status != "inmigrate"; });
    return !qemu.ended() && !status.empty() && status != "inmigrate";
  }

  void expect_as_the_monitor_says(const std::vector<std::string>& more, std::size_t count) {
    const std::string file = scratch_.file("state");
    const Saved saved = save_guest(more, file);
    const Inspected seen = inspect(file, {.fields = true});
    EXPECT_EQ(to_string(seen.stream.end), "eof");
    EXPECT_EQ(Inspected::text_of(seen.about_the_file()), "  no findings\n");
    EXPECT_EQ(seen.lost_bytes, 0u);
    // Machines up to 2.3 store it only where it is neither running nor paused.
    EXPECT_EQ(seen.run_state.value_or("paused"), saved.status);
    const auto texts = processors(saved.registers);
    ASSERT_EQ(texts.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const DeviceSeen* cpu = seen.device(i == 0 ? "cpu" : "cpu#" + std::to_string(i));
      ASSERT_NE(cpu, nullptr);
      const RegisterComparison result = compare_registers(x86_registers(texts[i]), *cpu);
      EXPECT_EQ(result.differences, "");
      EXPECT_EQ(result.absent, 0u);
      EXPECT_GE(result.compared, 70u);
    }
    EXPECT_EQ(seen.device("cpu")->fields.at("env.regs[3]").number(), 0xdeadc0deu);
    std::map<std::string, std::uint64_t> blocks;
    for (const BlockSeen& block : seen.blocks) blocks[block.name] = block.size;
    EXPECT_EQ(blocks, ram_blocks(saved.ram_blocks));
    EXPECT_FALSE(blocks.empty());
  }

  ScratchFolder scratch_;
};

TEST_F(LiveGuest, IsReadAsTheMonitorShowsIt) { expect_as_the_monitor_says({"-machine", "pc"}, 1); }

TEST_F(LiveGuest, WithTwoProcessors) { expect_as_the_monitor_says({"-machine", "q35", "-smp", "2"}, 2); }

TEST_F(LiveGuest, WithoutFootersAndConfiguration) {
  expect_as_the_monitor_says({"-machine", "pc-i440fx-2.3"}, 1);
  const Inspected seen = inspect(scratch_.file("state"));
  EXPECT_FALSE(seen.stream.footers);
  EXPECT_FALSE(seen.stream.configuration);
}

TEST_F(LiveGuest, CutStateIsRefusedByQemuAndFoundHere) {
  const std::vector<std::string> options{"-machine", "pc"};
  const std::string file = scratch_.file("state"), copy = scratch_.file("copy");
  (void)save_guest(options, file);
  ASSERT_TRUE(loads(options, file));
  const ByteVector whole = read_file(file);
  const Inspected sound = inspect(file);
  const DeviceSeen* cpu = sound.device("cpu");
  ASSERT_NE(cpu, nullptr);
  ASSERT_TRUE(sound.end_byte);
  for (const Offset cut :
       {cpu->range.offset / 2, cpu->range.offset, cpu->range.offset + cpu->range.size / 2, *sound.end_byte}) {
    SCOPED_TRACE("cut to " + std::to_string(cut));
    write_file(copy, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)});
    EXPECT_FALSE(loads(options, copy));
    const Inspected seen = inspect(copy);
    EXPECT_EQ(to_string(seen.stream.end), "truncated") << seen.findings_text();
    EXPECT_EQ(seen.status, app::exit_findings);
  }
}

// The most dangerous damage: QEMU takes a zero byte for the end and starts a machine whose later devices are in reset.
TEST_F(LiveGuest, EarlyEndIsTakenByQemuInSilenceAndFoundHere) {
  const std::vector<std::string> options{"-machine", "pc"};
  const std::string file = scratch_.file("state"), copy = scratch_.file("copy");
  (void)save_guest(options, file);
  const Inspected sound = inspect(file);
  const auto section = std::ranges::find(sound.sections, "i8254", &SectionSeen::label);
  ASSERT_NE(section, sound.sections.end());
  ByteVector damaged = read_file(file);
  damaged[static_cast<std::size_t>(section->begin())] = 0;
  write_file(copy, damaged);
  EXPECT_TRUE(loads(options, copy));
  const Inspected seen = inspect(copy);
  EXPECT_EQ(to_string(seen.stream.end), "premature-eof");
  EXPECT_TRUE(std::ranges::any_of(seen.findings, [&](const Finding& finding) {
    return finding.code == Code::premature_eof && finding.range.offset == section->begin();
  })) << seen.findings_text();
  EXPECT_EQ(seen.status, app::exit_findings);
}

}  // namespace
}  // namespace vmstate::test
