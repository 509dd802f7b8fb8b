// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "formats/base/events.hpp"

namespace vmstate {

/// The content that page records stand for. Keeps one page of scratch space.
class PageContent {
 public:
  /// Content of a record that says all of its page (data, zero, fill, compressed): `page_size` bytes, valid until the next
  /// call. Empty: the record does not hold a page.
  Bytes whole(const RamPage& record, Bytes payload, std::uint64_t page_size);

 private:
  std::vector<std::uint8_t> scratch_;
};

/// Applies the delta of an XBZRLE record (its payload, header included) to what the page held. False: the delta is damaged,
/// and applied as far as it goes.
bool apply_delta(Bytes payload, std::span<std::uint8_t> page);

}  // namespace vmstate
