// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>

#include <sys/types.h>
#include <time.h>

#include "formats/base/byte_source.hpp"
#include "parsers/source/guarded_window.hpp"
#include "parsers/source/linear_buffer.hpp"

namespace vmstate {

/// Owns an open descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();
  int number() const { return number_; }

 private:
  int number_;
};

/// A regular file or block device of known size, open for reading. Remembers what it was like when it was opened.
class SizedFile {
 public:
  /// `name` is for messages.
  [[nodiscard]] static Result<SizedFile> take(Descriptor descriptor, std::string name);

  int descriptor() const { return descriptor_.number(); }
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  /// Reads into all of `room`; fewer bytes only where the file ends now.
  [[nodiscard]] Result<std::size_t> read_at(Offset at, std::span<std::uint8_t> room) const;
  /// Only regular files can be copied from as they are.
  std::optional<StoredBytes> stored(Offset at) const {
    return regular_ ? std::optional(StoredBytes{descriptor(), at}) : std::nullopt;
  }
  /// The fault of a file that is shorter than it was.
  std::optional<Fault> shrank() const;
  Fault unreadable_at(Offset at, int error_number) const;
  /// Growth or a new modification time since the file was opened, in words.
  std::optional<std::string> changed() const;

 private:
  SizedFile(Descriptor descriptor, std::string name) : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

  Descriptor descriptor_;
  std::string name_;
  std::uint64_t size_ = 0;
  bool regular_ = false;
  timespec modified_ = {};
};

/// Reads through windows mapped into memory: pages that nobody looks at are not copied.
class MappedSource final : public ByteSource {
 public:
  /// Null where the file cannot be mapped, errno says why; `file` is as it was then.
  [[nodiscard]] static std::unique_ptr<MappedSource> try_map(SizedFile& file);

  std::optional<std::uint64_t> size() const override { return file_.size(); }
  bool seekable() const override { return true; }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override;
  std::optional<StoredBytes> stored(Offset at) const override { return file_.stored(at); }
  SourceEnd end() const override;
  std::optional<Fault> health() const override;
  std::optional<std::string> changed() const override { return file_.changed(); }

 private:
  explicit MappedSource(SizedFile file) : file_(std::move(file)) {}
  bool move_window(ByteRange wanted);
  std::optional<Fault> lost_bytes() const;

  SizedFile file_;
  GuardedWindow window_;
  std::optional<Fault> fault_;
};

/// Reads into a buffer.
class BufferedSource final : public ByteSource {
 public:
  explicit BufferedSource(SizedFile file) : file_(std::move(file)) {}

  std::optional<std::uint64_t> size() const override { return file_.size(); }
  bool seekable() const override { return true; }
  [[nodiscard]] Result<Bytes> view(Offset at, std::size_t want) override;
  std::optional<StoredBytes> stored(Offset at) const override { return file_.stored(at); }
  SourceEnd end() const override;
  std::optional<Fault> health() const override;
  std::optional<std::string> changed() const override { return file_.changed(); }

 private:
  Result<void> fill(std::size_t want, std::size_t read_ahead);

  SizedFile file_;
  LinearBuffer buffer_;
  std::optional<Fault> fault_;
};

}  // namespace vmstate
