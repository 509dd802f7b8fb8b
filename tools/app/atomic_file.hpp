// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "formats/base/byte_sink.hpp"

namespace vmstate::app {

/// An output that is complete or absent: written beside its final name, synced, then renamed. Without commit() nothing
/// stays. Holes of a file that is copied stay holes.
class AtomicFile final : public ByteSink {
 public:
  /// An existing file of the name is refused unless `replace`, anything but a regular file in any case. `interrupted` is
  /// asked now and then: true ends the writing.
  [[nodiscard]] static Result<std::unique_ptr<AtomicFile>> create(const std::string& path, bool replace,
                                                                  std::function<bool()> interrupted);
  /// Whether create() would refuse because of what is there now.
  [[nodiscard]] static Result<void> check(const std::string& path, bool replace);
  ~AtomicFile() override;

  [[nodiscard]] Result<void> write(Bytes bytes) override;
  [[nodiscard]] Result<void> copy(ByteSource& from, ByteRange range) override;
  /// Makes what was written durable and readable under temporary().
  [[nodiscard]] Result<void> sync();
  /// The output may be read by nobody who may not read `input` (a path). Until commit() only the owner may.
  void as_private_as(const std::string& input);
  /// sync(), then gives the file its name.
  [[nodiscard]] Result<void> commit();
  const std::string& path() const { return path_; }
  const std::string& temporary() const { return temporary_; }

 private:
  AtomicFile() = default;
  Result<void> copy_stored(ByteSource& from, ByteRange range);
  Result<void> give_name();
  Result<void> check_interrupted() const;

  std::string path_;
  std::string temporary_;
  bool replace_ = false;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;  ///< written, holes included
  unsigned mode_ = 0666;    ///< of the finished file, before the process's mask
  std::function<bool()> interrupted_;
};

/// Whether `output` is the very file that is read from `input`, under whatever name; "-" is `standard_input`.
bool is_same_file(const std::string& output, const std::string& input, int standard_input);

}  // namespace vmstate::app
