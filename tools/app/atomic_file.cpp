// SPDX-License-Identifier: Apache-2.0
#include "tools/app/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vmstate::app {
namespace {

tl::unexpected<Fault> failed(const std::string& what, const std::string& path) {
  return medium_fault(what + " " + path + ": " + std::strerror(errno));
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path, bool replace) {
  struct stat there {};
  if (!replace && lstat(path.c_str(), &there) == 0) return refused(path + " exists; --force replaces it");
  AtomicFile made;
  made.path_ = path;
  made.replace_ = replace;
  std::string name = folder_of(path) + "/.vmstate-XXXXXX";
  made.descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (made.descriptor_ < 0) return failed("cannot write beside", path);
  made.temporary_ = name;
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(made.descriptor_, 0666 & ~mask) != 0) return failed("cannot set the mode of", name);
  return made;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      replace_(other.replace_),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Result<void> AtomicFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (fsync(descriptor_) != 0) return failed("cannot sync", path_);
  if (close(std::exchange(descriptor_, -1)) != 0) return failed("cannot close", path_);
  if (replace_) {
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot rename to", path_);
    temporary_.clear();
  } else {
    // link() never replaces a file that came into being meanwhile.
    if (link(temporary_.c_str(), path_.c_str()) != 0) return failed("cannot create", path_);
  }
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return {};
}

}  // namespace vmstate::app
