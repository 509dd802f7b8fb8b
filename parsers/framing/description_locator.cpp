// SPDX-License-Identifier: Apache-2.0
#include "parsers/framing/description_locator.hpp"

#include <algorithm>

#include "formats/base/cursor.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"

namespace vmstate {
namespace {

using namespace wire::qevm;

// How much of a description's start is looked at to recognise it.
constexpr std::size_t probe_size = 1 + description_header_size + 32;

// Puts a seekable reader back on leaving.
class Detour {
 public:
  explicit Detour(ForwardReader& in) : in_(in), home_(in.position()) {}
  Detour(const Detour&) = delete;
  Detour& operator=(const Detour&) = delete;
  ~Detour() { in_.seek(home_); }

 private:
  ForwardReader& in_;
  Offset home_;
};

Bytes at_most(Bytes bytes, std::uint64_t size) {
  return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), size)));
}

LocatedDescription from_text(Offset at, std::uint64_t announced, Bytes text, const Limits& limits) {
  LocatedDescription found;
  found.at = at;
  found.announced = announced;
  found.available = text.size();
  found.model = VmDescription::parse(text, limits);
  return found;
}

// End of the content in front of trailing zeros, searched for at most Limits::scan bytes.
Offset end_of_content(ForwardReader& in, Offset size, const Limits& limits) {
  constexpr std::size_t step = 1 << 20;
  Offset end = size;
  while (end > 0 && size - end < limits.scan) {
    const Offset begin = end > step ? end - step : 0;
    in.seek(begin);
    const Bytes piece = at_most(in.peek(static_cast<std::size_t>(end - begin)), end - begin);
    if (piece.size() < end - begin) return size;
    const auto last = std::find_if(piece.rbegin(), piece.rend(), [](std::uint8_t byte) { return byte != 0; });
    if (last != piece.rend()) return end - static_cast<Offset>(last - piece.rbegin());
    end = begin;
  }
  return size;
}

// Offset in `bytes` of the end-of-stream byte in front of the last (or first) description, if any.
std::optional<std::size_t> last_described_end(Bytes bytes) {
  for (std::size_t i = bytes.size(); i-- > 1;)
    if (bytes[i] == vmdescription && is_described_end(bytes.subspan(i - 1))) return i - 1;
  return std::nullopt;
}
std::optional<std::size_t> first_described_end(Bytes bytes, std::size_t from) {
  while (from < bytes.size()) {
    const auto brace = std::find(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), std::uint8_t{'{'});
    if (brace == bytes.end()) return std::nullopt;
    const auto at = static_cast<std::size_t>(brace - bytes.begin());
    constexpr std::size_t in_front = 1 + description_header_size;
    if (at >= in_front && is_described_end(bytes.subspan(at - in_front))) return at - in_front;
    from = at + 1;
  }
  return std::nullopt;
}

}  // namespace

namespace {

// `bytes` begin at the type byte. A damaged length must not cut the text: where it does not lead to the end of an object
// the JSON itself says where it ends.
LocatedDescription from_bytes(Offset at, Bytes bytes, const Limits& limits) {
  if (bytes.size() < description_header_size) return from_text(at, 0, {}, limits);
  const std::uint64_t announced = load_be32(&bytes[1]);
  const Bytes text = at_most(bytes.subspan(description_header_size), limits.description);
  const bool ends_as_json = announced > 0 && announced <= text.size() && text[static_cast<std::size_t>(announced) - 1] == '}';
  return from_text(at, announced, ends_as_json ? at_most(text, announced) : text, limits);
}

}  // namespace

LocatedDescription read_description(ForwardReader& in, Offset at, const Limits& limits) {
  if (in.source().seekable()) {
    const Detour detour(in);
    in.seek(at);
    const std::size_t enough = description_header_size + limits.description;
    std::uint64_t announced = 0;
    if (const auto header = in.peek_exactly(description_header_size)) announced = load_be32(header->data() + 1);
    // The announced length first: what follows a sound description need not be looked at.
    const Bytes bytes = in.peek(static_cast<std::size_t>(std::min<std::uint64_t>(description_header_size + announced, enough)));
    LocatedDescription found = from_bytes(at, bytes, limits);
    if (found.model.complete() || found.model.too_large()) return found;
    return from_bytes(at, in.peek(enough), limits);
  }
  // A pipe keeps what was looked at: the text is read within the lookahead.
  const auto ahead = static_cast<std::size_t>(at - in.position());
  const Bytes view = in.peek(limits.lookahead);
  return from_bytes(at, view.subspan(std::min(ahead, view.size())), limits);
}

std::optional<LocatedDescription> locate_from_end(ForwardReader& in, const Limits& limits) {
  const auto size = in.source().size();
  if (!size || !in.source().seekable()) return std::nullopt;
  std::optional<Offset> found;
  {
    const Detour detour(in);
    const Offset end = end_of_content(in, *size, limits);
    for (std::size_t reach = 1 << 18; !found && reach <= 2 * limits.description; reach *= 8) {
      const Offset begin = end > reach ? end - reach : 0;
      in.seek(begin);
      const Bytes tail = at_most(in.peek(static_cast<std::size_t>(end - begin)), end - begin);
      if (const auto at = last_described_end(tail)) found = begin + *at + 1;
      if (begin == 0) break;
    }
  }
  if (!found || *found < in.position()) return std::nullopt;
  return read_description(in, *found, limits);
}

std::optional<LocatedDescription> locate_ahead(ForwardReader& in, std::optional<Offset> before, const Limits& limits) {
  const Offset from = in.position();
  std::size_t searched = 0;
  for (std::size_t reach = 1 << 16;; reach = std::min(reach * 4, limits.lookahead)) {
    Bytes ahead = in.peek(reach);
    if (before) ahead = at_most(ahead, *before - from);
    if (const auto at = first_described_end(ahead, searched)) {
      return read_description(in, from + *at + 1, limits);
    }
    const bool exhausted = ahead.size() < reach || reach >= limits.lookahead;
    if (exhausted) return std::nullopt;
    searched = ahead.size() > probe_size ? ahead.size() - probe_size : 0;
  }
}

}  // namespace vmstate
