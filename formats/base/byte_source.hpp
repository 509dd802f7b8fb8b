// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "formats/base/bytes.hpp"
#include "formats/base/result.hpp"

namespace vmstate {

/// How a source came to its end; known once a view() was shorter than asked for.
struct SourceEnd {
  enum class Cause : std::uint8_t {
    clean,    ///< the end mark of the layer, or the end of a plain file
    cut,      ///< the layer below ended before this layer did
    corrupt,  ///< the layer below cannot be decoded further
    limit,    ///< decoding was stopped by the limits of expansion
    memory    ///< decoding would take more memory than Limits allow
  };
  Cause cause = Cause::clean;
  Offset offset = 0;        ///< bytes of this source that were delivered
  Offset lower_offset = 0;  ///< where in the layer below (compressed data) the end or the damage is
  std::string detail;       ///< the decoder's own words, or empty
};

/// Where bytes of a source stand, one after the other, in an open file.
struct StoredBytes {
  int descriptor;
  Offset offset;
};

/// Windows over bytes. Nothing is ever loaded whole.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Total size in bytes, if it is known without reading.
  virtual std::optional<std::uint64_t> size() const = 0;
  /// Whether view() may go back behind an earlier offset. Others only go forward.
  virtual bool seekable() const = 0;
  /// The bytes at `at`: at least `want` of them, fewer only where the source ends. May return more than asked for.
  /// The view lives until the next call. Damage of a layer is an end (see end()); only the medium makes a Fault.
  [[nodiscard]] virtual Result<Bytes> view(Offset at, std::size_t want) = 0;
  /// Where the bytes from `at` to the end stand in a regular file, if they stand there as they are. The descriptor lives
  /// as long as the source.
  virtual std::optional<StoredBytes> stored(Offset) const { return std::nullopt; }
  /// Meaningful after a view() shorter than asked for.
  virtual SourceEnd end() const = 0;
  /// What the medium did to bytes that were already viewed (I/O error, file cut short). Ask after the last view.
  virtual std::optional<Fault> health() const { return std::nullopt; }
  /// What became of the file since it was opened, in words, if it changed without making a Fault.
  virtual std::optional<std::string> changed() const { return std::nullopt; }
};

}  // namespace vmstate
