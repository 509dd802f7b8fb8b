// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/guarded_window.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace vmstate {
namespace {

// What the signal handler knows of one window. Only the thread that reads a window faults in it, so the atomics need
// no more order than that a half-written slot matches no address: `end` is 0 while `begin` changes.
struct Slot {
  std::atomic<bool> used{false};
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<std::uintptr_t> lost{0};  // address of the first page that could not be read; 0: none
};

constexpr std::size_t slot_count = 256;
std::array<Slot, slot_count> slots;
struct sigaction previous_action;
std::uintptr_t page_size;  // set before the handler is

// The slot whose window holds `address`, or null.
Slot* slot_of(std::uintptr_t address) {
  for (Slot& slot : slots)
    if (address < slot.end.load() && address >= slot.begin.load()) return &slot;
  return nullptr;
}

// Async-signal-safe: one system call and atomics.
bool fill_with_zeros(std::uintptr_t address) {
  Slot* slot = slot_of(address);
  if (slot == nullptr) return false;
  const std::uintptr_t page = address & ~(page_size - 1);
  void* const mapped = ::mmap(reinterpret_cast<void*>(page), slot->end.load() - page, PROT_READ,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (mapped == MAP_FAILED) return false;
  slot->lost.store(page);
  return true;
}

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
    return;
  }
  const bool sent_by_a_process = info->si_code <= 0;
  if (previous_action.sa_handler == SIG_IGN && sent_by_a_process) return;
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
    return;
  }
  // The instruction runs again after the return, and now the default action ends the process.
  ::signal(signal, SIG_DFL);
  if (sent_by_a_process) ::raise(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool ours = info->si_code > 0 && fill_with_zeros(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (!ours) pass_on(signal, info, context);
}

void install_handler() {
  page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  ::sigaction(SIGBUS, nullptr, &previous_action);
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, nullptr);
}

// slot_count: all are taken.
std::size_t claim_slot() {
  static std::once_flag installed;
  std::call_once(installed, install_handler);
  for (std::size_t i = 0; i < slot_count; ++i) {
    bool free = false;
    if (slots[i].used.compare_exchange_strong(free, true)) return i;
  }
  return slot_count;
}

}  // namespace

GuardedWindow::GuardedWindow() : slot_(claim_slot()) {}

GuardedWindow::~GuardedWindow() {
  unmap();
  if (slot_ < slot_count) slots[slot_].used.store(false);
}

void GuardedWindow::unmap() {
  if (data_ == nullptr) return;
  slots[slot_].end.store(0);
  slots[slot_].lost.store(0);
  ::munmap(const_cast<std::uint8_t*>(data_), size_);
  data_ = nullptr;
  size_ = 0;
}

bool GuardedWindow::map(int descriptor, Offset offset, std::size_t size) {
  unmap();
  if (slot_ == slot_count) {
    errno = EMFILE;
    return false;
  }
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) return false;
  data_ = static_cast<const std::uint8_t*>(mapped);
  size_ = size;
  offset_ = offset;
  Slot& slot = slots[slot_];
  slot.begin.store(reinterpret_cast<std::uintptr_t>(mapped));
  slot.end.store(reinterpret_cast<std::uintptr_t>(mapped) + size);
  return true;
}

std::optional<Offset> GuardedWindow::lost_at() const {
  if (slot_ == slot_count) return std::nullopt;
  const std::uintptr_t lost = slots[slot_].lost.load();
  if (lost == 0) return std::nullopt;
  return offset_ + (lost - slots[slot_].begin.load());
}

}  // namespace vmstate
