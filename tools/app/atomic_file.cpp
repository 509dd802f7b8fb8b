// SPDX-License-Identifier: Apache-2.0
#include "tools/app/atomic_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
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

Result<void> AtomicFile::check(const std::string& path, bool replace) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) return {};
  if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode)) return refused(path + " is not a regular file; it is not replaced");
  if (!replace) return refused(path + " exists; --force replaces it");
  return {};
}

Result<std::unique_ptr<AtomicFile>> AtomicFile::create(const std::string& path, bool replace,
                                                       std::function<bool()> interrupted) {
  if (auto free = check(path, replace); !free) return tl::make_unexpected(free.error());
  std::unique_ptr<AtomicFile> made(new AtomicFile);
  made->path_ = path;
  made->replace_ = replace;
  made->interrupted_ = std::move(interrupted);
  std::string name = folder_of(path) + "/.vmstate-XXXXXX";
  made->descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (made->descriptor_ < 0) return failed("cannot write beside", path);
  made->temporary_ = name;
  return made;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::as_private_as(const std::string& input) {
  struct stat there {};
  mode_ = stat(input.c_str(), &there) == 0 && S_ISREG(there.st_mode) ? there.st_mode & 0666 : 0600;
}

Result<void> AtomicFile::check_interrupted() const {
  if (interrupted_()) return refused("interrupted; nothing was written");
  return {};
}

Result<void> AtomicFile::write(Bytes bytes) {
  if (auto go_on = check_interrupted(); !go_on) return go_on;
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("cannot write", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> AtomicFile::copy(ByteSource& from, ByteRange range) {
  constexpr std::uint64_t worth_it = 64u << 10;
  if (range.size < worth_it || !from.stored(range.offset) || !from.size()) return ByteSink::copy(from, range);
  return copy_stored(from, ByteRange::between(range.offset, std::min(range.end(), *from.size())));
}

// The kernel moves the data; what is a hole in the input becomes one here.
Result<void> AtomicFile::copy_stored(ByteSource& from, ByteRange range) {
  constexpr std::uint64_t step = 64u << 20;
  const StoredBytes stored = *from.stored(0);
  while (range.size > 0) {
    if (auto go_on = check_interrupted(); !go_on) return go_on;
    const auto at = static_cast<off_t>(stored.offset + range.offset);
    const off_t data = lseek(stored.descriptor, at, SEEK_DATA);
    std::uint64_t moved = 0;
    const bool in_last_hole = data < 0 && errno == ENXIO;
    if (in_last_hole) {
      struct stat now {};
      if (fstat(stored.descriptor, &now) != 0 || static_cast<std::uint64_t>(now.st_size) < stored.offset + range.end())
        return medium_fault("the input became shorter while it was read");
    }
    if (data > at || in_last_hole) {
      moved = data < 0 ? range.size : std::min(range.size, static_cast<std::uint64_t>(data - at));
      if (lseek(descriptor_, static_cast<off_t>(moved), SEEK_CUR) < 0) return failed("cannot write", path_);
    } else {
      const off_t hole = data < 0 ? -1 : lseek(stored.descriptor, at, SEEK_HOLE);
      const std::uint64_t run = hole > at ? static_cast<std::uint64_t>(hole - at) : range.size;
      off_t source = at;
      const ssize_t count = copy_file_range(stored.descriptor, &source, descriptor_, nullptr, std::min({step, run, range.size}), 0);
      if (count < 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG)) return failed("cannot write", path_);
      if (count <= 0) return ByteSink::copy(from, range);  // not between these two files
      moved = static_cast<std::uint64_t>(count);
    }
    size_ += moved;
    range = {range.offset + moved, range.size - moved};
  }
  return {};
}

Result<void> AtomicFile::sync() {
  if (ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) return failed("cannot write", path_);
  if (fsync(descriptor_) != 0) return failed("cannot sync", path_);
  return {};
}

Result<void> AtomicFile::commit() {
  if (auto go_on = check_interrupted(); !go_on) return go_on;
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(descriptor_, mode_ & ~mask) != 0) return failed("cannot set the mode of", path_);
  if (auto done = sync(); !done) return done;
  if (close(std::exchange(descriptor_, -1)) != 0) return failed("cannot close", path_);
  if (auto named = give_name(); !named) return named;
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return {};
}

Result<void> AtomicFile::give_name() {
  // Neither link() nor RENAME_NOREPLACE replaces a file that came into being meanwhile; not every file system has the first.
  if (!replace_ && link(temporary_.c_str(), path_.c_str()) == 0) return {};
  if (!replace_ && errno == EEXIST) return refused(path_ + " exists; --force replaces it");
  const unsigned flags = replace_ ? 0 : RENAME_NOREPLACE;
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), flags) != 0) return failed("cannot rename to", path_);
  temporary_.clear();
  return {};
}

bool is_same_file(const std::string& output, const std::string& input, int standard_input) {
  struct stat there = {}, read = {};
  if (stat(output.c_str(), &there) != 0) return false;
  const int known = input == "-" ? fstat(standard_input, &read) : stat(input.c_str(), &read);
  return known == 0 && there.st_dev == read.st_dev && there.st_ino == read.st_ino;
}

}  // namespace vmstate::app
