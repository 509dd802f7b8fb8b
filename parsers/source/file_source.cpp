// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vmstate {
namespace {

// Windows begin at multiples of a huge page, so that the kernel can map files which it caches in huge pages by single
// page-table entries: measured, that makes walking over a cached file ten times cheaper than reading it. Windows much
// smaller or larger than this cost more time or more memory.
constexpr std::size_t window_unit = 2u << 20;
constexpr std::size_t window_ahead = 4u << 20;

constexpr std::size_t sequential_read = 1u << 20;
constexpr std::size_t random_read = 64u << 10;

SourceEnd clean_end(std::uint64_t size) { return {SourceEnd::Cause::clean, size, size, {}}; }

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// What of [at, at + want) lies in a file of `size` bytes; at least one byte where there is one.
ByteRange within(Offset at, std::size_t want, std::uint64_t size) {
  return {at, std::min<std::uint64_t>(std::max<std::size_t>(want, 1), size - at)};
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<SizedFile> SizedFile::take(Descriptor descriptor, std::string name) {
  SizedFile file(std::move(descriptor), std::move(name));
  struct stat status = {};
  const bool known = ::fstat(file.descriptor(), &status) == 0;
  file.regular_ = S_ISREG(status.st_mode);
  const off_t size = file.regular_ ? status.st_size : ::lseek(file.descriptor(), 0, SEEK_END);
  if (!known || size < 0)
    return medium_fault("cannot find out the size of " + file.name_ + ": " + std::strerror(errno));
  file.size_ = static_cast<std::uint64_t>(size);
  file.modified_ = status.st_mtim;
  (void)::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return file;
}

Result<std::size_t> SizedFile::read_at(Offset at, std::span<std::uint8_t> room) const {
  std::size_t done = 0;
  while (done < room.size()) {
    const ssize_t count = ::pread(descriptor(), &room[done], room.size() - done, static_cast<off_t>(at + done));
    if (count == 0) break;
    if (count > 0)
      done += static_cast<std::size_t>(count);
    else if (errno != EINTR && done == 0)
      return tl::make_unexpected(unreadable_at(at, errno));
    else if (errno != EINTR)
      break;  // the next read meets the error again
  }
  return done;
}

std::optional<Fault> SizedFile::shrank() const {
  struct stat status = {};
  if (!regular_ || ::fstat(descriptor(), &status) != 0) return std::nullopt;
  const auto now = static_cast<std::uint64_t>(status.st_size);
  if (now >= size_) return std::nullopt;
  return Fault{Fault::Kind::medium, name_ + " shrank while it was read, from " + std::to_string(size_) + " to " +
                                        std::to_string(now) + " bytes"};
}

Fault SizedFile::unreadable_at(Offset at, int error_number) const {
  return {Fault::Kind::medium,
          "I/O error reading " + name_ + " at offset " + std::to_string(at) + ": " + std::strerror(error_number)};
}

std::optional<std::string> SizedFile::changed() const {
  struct stat status = {};
  if (!regular_ || ::fstat(descriptor(), &status) != 0) return std::nullopt;
  const auto now = static_cast<std::uint64_t>(status.st_size);
  if (now != size_)
    return name_ + " changed from " + std::to_string(size_) + " to " + std::to_string(now) + " bytes while it was read";
  if (!same_time(status.st_mtim, modified_)) return name_ + " was written to while it was read";
  return std::nullopt;
}

std::unique_ptr<MappedSource> MappedSource::try_map(SizedFile& file) {
  std::unique_ptr<MappedSource> source(new MappedSource(std::move(file)));
  if (source->file_.size() == 0 || source->move_window({0, 1})) return source;
  file = std::move(source->file_);
  return nullptr;
}

Result<Bytes> MappedSource::view(Offset at, std::size_t want) {
  if (!fault_) fault_ = lost_bytes();
  if (fault_) return tl::make_unexpected(*fault_);
  if (at >= file_.size()) return Bytes{};
  const ByteRange wanted = within(at, want, file_.size());
  if (!window_.range().contains(wanted) && !move_window(wanted))
    return tl::make_unexpected(file_.unreadable_at(at, errno));
  return window_.bytes().subspan(static_cast<std::size_t>(at - window_.range().offset));
}

bool MappedSource::move_window(ByteRange wanted) {
  const Offset begin = wanted.offset / window_unit * window_unit;
  const std::uint64_t size = std::min(wanted.end() - begin + window_ahead, file_.size() - begin);
  return window_.map(file_.descriptor(), begin, static_cast<std::size_t>(size));
}

SourceEnd MappedSource::end() const { return clean_end(file_.size()); }

std::optional<Fault> MappedSource::lost_bytes() const {
  const auto at = window_.lost_at();
  if (!at) return std::nullopt;
  const auto shrank = file_.shrank();
  return shrank ? *shrank : file_.unreadable_at(*at, EIO);
}

std::optional<Fault> MappedSource::health() const {
  if (fault_) return fault_;
  if (auto lost = lost_bytes()) return lost;
  return file_.shrank();
}

Result<Bytes> BufferedSource::view(Offset at, std::size_t want) {
  if (at >= file_.size()) return Bytes{};
  const auto wanted = static_cast<std::size_t>(within(at, want, file_.size()).size);
  const bool onwards = at >= buffer_.begin() && at <= buffer_.end();
  if (onwards)
    buffer_.drop_before(at);
  else
    buffer_.restart(at);
  if (buffer_.size() < wanted) {
    if (auto filled = fill(wanted, onwards ? sequential_read : random_read); !filled)
      return tl::make_unexpected(filled.error());
  }
  return buffer_.bytes();
}

// Reads on until the buffer holds `want` bytes. Short of that only before a fault: then the next view() reports it.
Result<void> BufferedSource::fill(std::size_t want, std::size_t read_ahead) {
  const Offset start = buffer_.end();
  const auto missing = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(want - buffer_.size(), read_ahead), file_.size() - start));
  if (!buffer_.reserve(missing)) return medium_fault("not enough memory to read " + file_.name());
  const auto count = file_.read_at(start, buffer_.room().first(missing));
  if (count) buffer_.append(*count);
  if (buffer_.size() >= want) return {};
  fault_ = count ? file_.shrank().value_or(file_.unreadable_at(start + *count, EIO)) : count.error();
  if (buffer_.size() > 0) return {};
  return tl::make_unexpected(*fault_);
}

SourceEnd BufferedSource::end() const { return clean_end(file_.size()); }

std::optional<Fault> BufferedSource::health() const {
  if (fault_) return fault_;
  return file_.shrank();
}

}  // namespace vmstate
