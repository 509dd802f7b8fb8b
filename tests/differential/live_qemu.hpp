// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace vmstate::test {

inline constexpr std::string_view qemu_program = "qemu-system-x86_64";

/// Whether QEMU is installed.
inline bool have_qemu() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  std::string folder;
  while (std::getline(folders, folder, ':'))
    if (::access((folder + "/" + std::string(qemu_program)).c_str(), X_OK) == 0) return true;
  return false;
}

/// A folder that is removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() : path_((std::filesystem::temp_directory_path() / "vmstate-live-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no scratch folder");
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A QEMU of its own, spoken to over QMP on its standard input and output. Killed with this object.
class LiveQemu {
 public:
  explicit LiveQemu(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(qemu_program));
    arguments.insert(arguments.end(), {"-qmp", "stdio"});
    start(arguments);
    while (!ended_ && !read_line().as_object().contains("QMP")) {
    }
    (void)command("qmp_capabilities");
  }
  LiveQemu(const LiveQemu&) = delete;
  LiveQemu& operator=(const LiveQemu&) = delete;
  ~LiveQemu() {
    ::close(to_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(from_);
  }

  /// Whether it has gone away by itself.
  bool ended() const { return ended_; }

  /// What a command returns; null where it fails or QEMU has ended.
  boost::json::value command(const std::string& name, boost::json::object arguments = {}) {
    boost::json::object request{{"execute", name}};
    if (!arguments.empty()) request["arguments"] = std::move(arguments);
    const std::string line = boost::json::serialize(request) + "\n";
    if (::write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ended_ = true;
    while (!ended_) {
      const boost::json::value answer = read_line();
      if (!answer.is_object()) break;
      if (const auto* value = answer.as_object().if_contains("return")) return *value;
      if (answer.as_object().contains("error")) break;
    }
    return nullptr;
  }

  /// What the human monitor prints.
  std::string monitor(const std::string& text) {
    const auto answer = command("human-monitor-command", {{"command-line", text}});
    return answer.is_string() ? std::string(answer.as_string()) : std::string();
  }

  /// "paused", "inmigrate", …; empty where QEMU has ended.
  std::string status() {
    const auto answer = command("query-status");
    return answer.is_object() ? std::string(answer.at("status").as_string()) : std::string();
  }

  /// Asks until `done` says yes. False: it never did.
  template <class Done>
  bool wait_until(Done&& done) {
    constexpr auto patience = std::chrono::seconds(60);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (ended_ || std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  /// Writes the state of the guest to a file. False: it failed.
  bool save(const std::string& file) {
    (void)command("migrate", {{"uri", "exec:cat > " + file}});
    std::string state;
    return wait_until([&] {
             const auto answer = command("query-migrate");
             if (answer.is_object() && answer.as_object().contains("status"))
               state = answer.at("status").as_string().c_str();
             return state == "completed" || state == "failed";
           }) &&
           state == "completed";
  }

 private:
  void start(const std::vector<std::string>& arguments) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<char*> words;
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const int error = ::posix_spawnp(&child_, words.front(), &actions, nullptr, words.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    if (error != 0) throw std::runtime_error("QEMU cannot be started");
    to_ = in[1];
    from_ = out[0];
    ::signal(SIGPIPE, SIG_IGN);
  }

  boost::json::value read_line() {
    constexpr int patience_ms = 60000;
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        const std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return boost::json::parse(line);
      }
      pollfd wait{from_, POLLIN, 0};
      std::array<char, 65536> piece{};
      const auto size = ::poll(&wait, 1, patience_ms) > 0 ? ::read(from_, piece.data(), piece.size()) : -1;
      if (size <= 0) {
        ended_ = true;
        return boost::json::object();
      }
      buffer_.append(piece.data(), static_cast<std::size_t>(size));
    }
  }

  pid_t child_ = 0;
  int to_ = -1;
  int from_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace vmstate::test
