// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Where decoded bytes go; shortened from the front as it fills.
using Room = std::span<std::uint8_t>;

/// What came of a piece of compressed data.
enum class DecodeStep : std::uint8_t {
  more,          ///< the member goes on
  member_end,    ///< the member is complete and its checksums fit
  not_a_member,  ///< these bytes begin nothing that this decoder knows
  corrupt,       ///< the data cannot be right
  too_large      ///< decoding would take more memory than is allowed
};

/// Decodes the members (gzip members, zstd frames, xz streams, …) of a compressed layer, one at a time. It knows
/// nothing of what stands between them.
class MemberDecoder {
 public:
  MemberDecoder() = default;
  MemberDecoder(const MemberDecoder&) = delete;
  MemberDecoder& operator=(const MemberDecoder&) = delete;
  virtual ~MemberDecoder() = default;

  /// Whether a member may begin with this byte. No format has one that begins with zero.
  virtual bool may_begin(std::uint8_t first) const = 0;
  /// Forgets the member before: a new one begins, for which at most about `memory` bytes may be taken. False: that is
  /// not enough.
  [[nodiscard]] virtual bool restart(std::size_t memory) = 0;
  /// Bytes of memory that are held now, about.
  virtual std::size_t memory() const = 0;
  /// Takes bytes from the front of `in` and puts decoded ones to the front of `out`, shortening both. Everything
  /// decoded before damage is put out. `more` leaves `in` or `out` empty, except where nothing could be done at all.
  virtual DecodeStep step(Bytes& in, Room& out) = 0;
  /// The decoder's own words after corrupt and too_large.
  virtual std::string_view problem() const = 0;
  /// Zero bytes in multiples of this may stand between members; 0: none may.
  virtual std::size_t padding_unit() const { return 0; }
};

/// Takes `count` bytes off the front.
template <class Span>
void advance(Span& span, std::size_t count) {
  span = span.subspan(count);
}

}  // namespace vmstate
