// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/source/open_chain.hpp"
#include "parsers/source/pipe_source.hpp"

namespace vmstate {
namespace {

using MaybeSource = Result<std::unique_ptr<ByteSource>>;

tl::unexpected<Fault> cannot_open(const std::string& name, int error_number) {
  return medium_fault("cannot open " + name + ": " + std::strerror(error_number));
}

// Files of /proc and the like say that they are empty and are not.
bool size_is_real(const struct stat& status, int descriptor) {
  std::uint8_t byte = 0;
  return status.st_size > 0 || ::pread(descriptor, &byte, 1, 0) <= 0;
}

// A redirected standard input may already have been read in part; the offsets shown are those of what is left then.
bool stands_at_start(int descriptor) { return ::lseek(descriptor, 0, SEEK_CUR) == 0; }

MaybeSource open_sized(SizedFile file, IoMode mode, bool mappable) {
  if (mappable && mode != IoMode::pread) {
    if (auto mapped = MappedSource::try_map(file)) return mapped;
    if (mode == IoMode::mmap)
      return medium_fault("cannot map " + file.name() + " into memory: " + std::strerror(errno));
  }
  return std::make_unique<BufferedSource>(std::move(file));
}

MaybeSource open_descriptor(Descriptor descriptor, const std::string& name, IoMode mode) {
  struct stat status = {};
  if (::fstat(descriptor.number(), &status) != 0) return cannot_open(name, errno);
  if (S_ISDIR(status.st_mode)) return refused(name + " is a directory, not a file");
  const bool regular = S_ISREG(status.st_mode) && size_is_real(status, descriptor.number());
  if ((!regular && !S_ISBLK(status.st_mode)) || !stands_at_start(descriptor.number()))
    return std::make_unique<PipeSource>(std::move(descriptor), name);
  auto file = SizedFile::take(std::move(descriptor), name);
  if (!file) return tl::make_unexpected(file.error());
  return open_sized(std::move(*file), mode, regular);
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_path(const std::string& path, IoMode mode, int standard_input) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  const int number =
      standard ? ::fcntl(standard_input, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (number < 0) return cannot_open(name, errno);
  return open_descriptor(Descriptor(number), name, mode);
}

}  // namespace vmstate
