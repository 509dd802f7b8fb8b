// SPDX-License-Identifier: Apache-2.0
#include "parsers/inspect/page_content.hpp"

#include <algorithm>
#include <optional>

#include <zlib.h>

#include "formats/wire/ram.hpp"

namespace vmstate {

Bytes PageContent::whole(const RamPage& record, Bytes payload, std::uint64_t page_size) {
  const auto size = static_cast<std::size_t>(std::min(page_size, wire::ram::largest_page));
  switch (record.kind) {
    case RamKind::data: return payload;
    case RamKind::zero:
    case RamKind::fill: scratch_.assign(size, record.fill); return scratch_;
    case RamKind::compressed: {
      if (payload.size() <= wire::ram::compress_header_size) return {};
      const Bytes compressed = payload.subspan(wire::ram::compress_header_size);
      scratch_.resize(size);
      uLongf length = static_cast<uLongf>(size);
      const int status = uncompress(scratch_.data(), &length, compressed.data(), static_cast<uLong>(compressed.size()));
      return status == Z_OK && length == size ? Bytes(scratch_) : Bytes{};
    }
    default: return {};
  }
}

namespace {

// ULEB128 of at most two bytes, taken off the front.
std::optional<std::size_t> take_run_length(Bytes& rest) {
  if (rest.empty()) return std::nullopt;
  const unsigned first = rest[0];
  rest = rest.subspan(1);
  if ((first & 0x80) == 0) return first;
  if (rest.empty()) return std::nullopt;
  const unsigned second = rest[0];
  rest = rest.subspan(1);
  return (first & 0x7f) | second << 7;
}

}  // namespace

bool apply_delta(Bytes payload, std::span<std::uint8_t> page) {
  if (payload.size() < wire::ram::xbzrle_header_size) return false;
  Bytes rest = payload.subspan(wire::ram::xbzrle_header_size);
  while (!rest.empty()) {
    const auto kept = take_run_length(rest);
    const auto changed = take_run_length(rest);
    if (!kept || !changed || *kept > page.size() || *changed > page.size() - *kept || *changed > rest.size()) return false;
    page = page.subspan(*kept);
    std::ranges::copy(rest.first(*changed), page.begin());
    page = page.subspan(*changed);
    rest = rest.subspan(*changed);
  }
  return true;
}

}  // namespace vmstate
