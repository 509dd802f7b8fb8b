// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/inspected.hpp"

// What QEMU's monitor prints of processors and RAM blocks, as names of the fields that hold the same in a state file.
namespace vmstate::test {

/// Hexadecimal number, or nothing if any other character is in it.
inline std::optional<std::uint64_t> hex_number(std::string_view word) {
  if (word.starts_with("0x")) word.remove_prefix(2);
  if (word.empty() || word.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : word) {
    const auto digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

/// The numbers that follow `label` on its line. A label begins a word; anything that is no number ends the list.
inline std::vector<std::uint64_t> numbers_behind(std::string_view text, std::string_view label) {
  for (auto at = text.find(label); at != std::string_view::npos; at = text.find(label, at + 1)) {
    const bool begins_word = at == 0 || std::string_view(" \n=").find(text[at - 1]) != std::string_view::npos;
    if (!begins_word) continue;
    std::istringstream words{std::string(text.substr(at + label.size(), text.find('\n', at) - at - label.size()))};
    std::vector<std::uint64_t> numbers;
    std::string word;
    while (words >> word) {
      const auto number = hex_number(word);
      if (!number) break;
      numbers.push_back(*number);
    }
    if (!numbers.empty()) return numbers;
  }
  return {};
}

/// Values by path of the field that must hold them.
struct RegisterTruth {
  std::string device = "cpu";
  std::map<std::string, std::uint64_t> values;
  std::map<std::string, std::uint64_t> masks;  ///< bits that count, where not all do

  void add(std::string_view text, std::string_view label, const std::string& path) {
    if (const auto numbers = numbers_behind(text, label); !numbers.empty()) values[path] = numbers.front();
  }
  /// path[first], path[first + 1], … are the numbers of one line.
  void add_row(std::string_view text, std::string_view label, const std::string& path, unsigned first) {
    for (const auto number : numbers_behind(text, label)) values[path + "[" + std::to_string(first++) + "]"] = number;
  }
};

inline std::string two_digits(unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); }
inline std::string element(const std::string& path, unsigned index) { return path + "[" + std::to_string(index) + "]"; }

/// The text of each processor: `info registers -a`, or `info registers` of a single one.
inline std::vector<std::string> processors(const std::string& text) {
  std::vector<std::string> blocks;
  for (auto at = text.find("CPU#"); at != std::string::npos && (at == 0 || text[at - 1] == '\n');) {
    const auto next = text.find("\nCPU#", at);
    blocks.push_back(text.substr(text.find('\n', at) + 1, next == std::string::npos ? next : next - at));
    at = next == std::string::npos ? next : next + 1;
  }
  if (blocks.empty() && text.find('=') != std::string::npos) blocks.push_back(text);
  return blocks;
}

namespace x86 {

inline void add_segment(RegisterTruth& truth, std::string_view text, std::string_view label, const std::string& path) {
  const auto numbers = numbers_behind(text, label);
  if (numbers.size() < 4) return;
  truth.values[path + ".selector"] = numbers[0];
  truth.values[path + ".base"] = numbers[1];
  truth.values[path + ".limit"] = numbers[2];
  truth.values[path + ".flags"] = numbers[3];
  truth.masks[path + ".flags"] = 0x00ffff00;  // what the monitor shows of them
}

inline void add_table(RegisterTruth& truth, std::string_view text, std::string_view label, const std::string& path) {
  const auto numbers = numbers_behind(text, label);
  if (numbers.size() < 2) return;
  truth.values[path + ".base"] = numbers[0];
  truth.values[path + ".limit"] = numbers[1];
}

}  // namespace x86

inline RegisterTruth x86_registers(std::string_view text) {
  RegisterTruth truth;
  constexpr std::array<std::string_view, 8> general{"AX=", "CX=", "DX=", "BX=", "SP=", "BP=", "SI=", "DI="};
  for (unsigned i = 0; i < general.size(); ++i)
    for (const char width : {'E', 'R'}) truth.add(text, width + std::string(general[i]), element("env.regs", i));
  for (unsigned i = 8; i < 16; ++i)
    truth.add(text, "R" + std::to_string(i) + (i < 10 ? " =" : "="), element("env.regs", i));
  for (const char width : {'E', 'R'}) {
    truth.add(text, width + std::string("IP="), "env.eip");
    truth.add(text, width + std::string("FL="), "env.eflags");
  }
  constexpr std::array<std::string_view, 6> segments{"ES =", "CS =", "SS =", "DS =", "FS =", "GS ="};
  for (unsigned i = 0; i < segments.size(); ++i) x86::add_segment(truth, text, segments[i], element("env.segs", i));
  x86::add_segment(truth, text, "LDT=", "env.ldt");
  x86::add_segment(truth, text, "TR =", "env.tr");
  x86::add_table(truth, text, "GDT=", "env.gdt");
  x86::add_table(truth, text, "IDT=", "env.idt");
  for (const unsigned i : {0u, 2u, 3u, 4u}) truth.add(text, "CR" + std::to_string(i) + "=", element("env.cr", i));
  for (const unsigned i : {0u, 1u, 2u, 3u, 6u, 7u})
    truth.add(text, "DR" + std::to_string(i) + "=", element("env.dr", i));
  truth.add(text, "EFER=", "env.efer");
  truth.add(text, "FCW=", "env.fpuc");
  truth.add(text, "MXCSR=", "env.mxcsr");
  for (unsigned i = 0; i < 16; ++i) {
    const auto halves = numbers_behind(text, "XMM" + two_digits(i) + "=");
    if (halves.size() != 2) continue;
    truth.values[element("env.xmm_regs[0]", i) + "._q_ZMMReg[1]"] = halves[0];
    truth.values[element("env.xmm_regs[0]", i) + "._q_ZMMReg[0]"] = halves[1];
  }
  return truth;
}

inline RegisterTruth arm_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 16; ++i) truth.add(text, "R" + two_digits(i) + "=", element("env.regs", i));
  truth.add(text, "PSR=", "cpsr");
  truth.add(text, "XPSR=", "cpsr");
  return truth;
}

inline RegisterTruth aarch64_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 31; ++i) truth.add(text, "X" + two_digits(i) + "=", element("env.xregs", i));
  truth.add(text, "SP=", "env.xregs[31]");
  truth.add(text, "PC=", "env.pc");
  truth.add(text, "PSTATE=", "cpsr");
  return truth;
}

inline RegisterTruth riscv_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 32; ++i) {
    const auto at = text.find(" x" + std::to_string(i) + "/");
    if (at == std::string_view::npos) continue;
    const auto row = text.substr(at, text.find('\n', at) - at);
    truth.add(row, std::string(row.substr(1, row.find(' ', 1) - 1)), element("env.gpr", i));
  }
  // mideleg is left out: the monitor shows it without the bits of the hypervisor extension.
  for (const std::string name : {"pc", "mhartid", "mstatus", "mip", "mie", "medeleg", "mtvec", "stvec", "mepc", "sepc",
                                 "mcause", "scause", "mtval", "stval", "satp"})
    truth.add(text, name + " ", "env." + name);
  return truth;
}

inline RegisterTruth s390x_registers(std::string_view text) {
  RegisterTruth truth;
  truth.add(text, "mask ", "env.psw.mask");
  truth.add(text, "addr ", "env.psw.addr");
  for (unsigned i = 0; i < 16; ++i) {
    truth.add(text, "R" + two_digits(i) + "=", element("env.regs", i));
    truth.add(text, "C" + two_digits(i) + "=", element("env.cregs", i));
  }
  return truth;
}

inline RegisterTruth ppc_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 32; i += 4) truth.add_row(text, "GPR" + two_digits(i), "env.gpr", i);
  truth.add(text, "NIP ", "env.nip");
  truth.add(text, "MSR ", "env.msr");
  constexpr unsigned xer = 1, lr = 8, ctr = 9, srr0 = 26, srr1 = 27, pvr = 287;
  truth.add(text, "XER ", element("env.spr", xer));
  truth.add(text, "LR ", element("env.spr", lr));
  truth.add(text, "CTR ", element("env.spr", ctr));
  truth.add(text, "SRR0 ", element("env.spr", srr0));
  truth.add(text, "SRR1 ", element("env.spr", srr1));
  truth.add(text, "PVR ", element("env.spr", pvr));
  return truth;
}

inline RegisterTruth mips_registers(std::string_view text) {
  RegisterTruth truth;
  const std::string path = "env.active_tc.gpr";
  constexpr std::array<std::string_view, 32> names{"r0", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2",
                                                   "t3", "t4", "t5", "t6", "t7", "s0", "s1", "s2", "s3", "s4", "s5",
                                                   "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra"};
  for (unsigned i = 0; i < names.size(); ++i) truth.add(text, std::string(names[i]) + " ", element(path, i));
  truth.add(text, "pc=", "env.active_tc.PC");
  truth.add(text, "HI=", "env.active_tc.HI[0]");
  truth.add(text, "LO=", "env.active_tc.LO[0]");
  truth.add(text, "Status ", "env.CP0_Status");
  truth.add(text, "Cause ", "env.CP0_Cause");
  truth.add(text, "EPC ", "env.CP0_EPC");
  return truth;
}

inline RegisterTruth sparc_registers(std::string_view text) {
  RegisterTruth truth;
  truth.add_row(text, "%g0-7:", "env.gregs", 0);
  for (const std::string name : {"pc", "npc", "y", "fsr", "wim"}) truth.add(text, name + ":", "env." + name);
  truth.add(text, "psr:", "psr");
  return truth;
}

inline RegisterTruth m68k_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 8; ++i) {
    truth.add(text, "D" + std::to_string(i) + " =", element("env.dregs", i));
    truth.add(text, "A" + std::to_string(i) + " =", element("env.aregs", i));
  }
  truth.add(text, "PC =", "env.pc");
  truth.add(text, "SR =", "env.sr");
  truth.add(text, "VBR =", "env.vbr");
  return truth;
}

inline RegisterTruth avr_registers(std::string_view text) {
  RegisterTruth truth;
  for (unsigned i = 0; i < 32; ++i) truth.add(text, "R[" + two_digits(i) + "]:", element("env.r", i));
  truth.add(text, "PC:", "env.pc_w");
  truth.add(text, "SP:", "env.sp");
  for (const std::string name : {"rampD", "rampX", "rampY", "rampZ"}) truth.add(text, name + ":", "env." + name);
  truth.add(text, "EIND:", "env.eind");
  return truth;
}

struct RegisterComparison {
  std::size_t compared = 0;
  std::size_t absent = 0;  ///< the stream has no field of that name
  std::string differences;
};

/// A field by its path, or by the end of its path where it is nested in a subsection.
inline auto find_register(const DeviceSeen& device, const std::string& path) {
  const auto field = device.fields.find(path);
  if (field != device.fields.end()) return field;
  return std::ranges::find_if(device.fields, [&](const auto& one) { return one.first.ends_with("." + path); });
}

/// Compares with a decoded section.
inline RegisterComparison compare_registers(const RegisterTruth& truth, const DeviceSeen& device) {
  RegisterComparison result;
  for (const auto& [path, expected] : truth.values) {
    const auto field = find_register(device, path);
    if (field == device.fields.end()) {
      ++result.absent;
      continue;
    }
    ++result.compared;
    const auto mask = truth.masks.contains(path) ? truth.masks.at(path) : ~std::uint64_t{0};
    if ((field->second.number() & mask) == (expected & mask)) continue;
    std::ostringstream line;
    line << device.label << " " << path << ": the monitor says " << std::hex << expected << ", the stream "
         << field->second.number() << "\n";
    result.differences += line.str();
  }
  return result;
}

/// Used length by block name, from `info ramblock`.
inline std::map<std::string, std::uint64_t> ram_blocks(const std::string& text) {
  std::map<std::string, std::uint64_t> blocks;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name, page, unit, offset, used;
    if (!(words >> name >> page >> unit >> offset >> used)) continue;
    if (const auto size = hex_number(used); size && used.starts_with("0x")) blocks[name] = *size;
  }
  return blocks;
}

}  // namespace vmstate::test
