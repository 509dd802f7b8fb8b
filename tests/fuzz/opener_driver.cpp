// SPDX-License-Identifier: Apache-2.0
// Compiled once for each opener with -DPLUGIN=<its factory>.
#include <array>
#include <vector>

#include "parsers/api/opener.hpp"
#include "tests/fuzz/driver.hpp"

namespace vmstate {

const Opener& PLUGIN();

namespace {

constexpr std::size_t head_size = 512;

/// Reads the whole content in windows of changing size. Returns what stood at its beginning.
std::vector<std::uint8_t> read_through(ByteSource& content, const Limits& limits) {
  constexpr std::array<std::size_t, 5> windows = {1, 7, 512, 4096, 65536};
  std::vector<std::uint8_t> head;
  Offset at = 0;
  for (std::size_t turn = 0;; ++turn) {
    const std::size_t want = windows[turn % windows.size()];
    const Result<Bytes> view = content.view(at, want);
    require(view.has_value(), "damage of a layer is an end, not a fault of the medium");
    if (head.size() < head_size)
      head.insert(head.end(), view->begin(), view->begin() + static_cast<std::ptrdiff_t>(std::min(want, view->size())));
    at += std::min(want, view->size());
    require(at <= limits.expansion + (limits.expansion >> 1), "decoding stops at the limit");
    if (view->size() < want) break;
  }
  const SourceEnd end = content.end();
  require(end.offset == at, "end() tells how many bytes were delivered");
  if (content.size() && end.cause == SourceEnd::Cause::clean) require(*content.size() == at, "size() is kept");
  return head;
}

void require_same_head(ByteSource& content, const std::vector<std::uint8_t>& head) {
  const Result<Bytes> again = content.view(0, head.size());
  require(again && again->size() >= head.size() && std::equal(head.begin(), head.end(), again->begin()),
          "a seekable source gives the same bytes again");
}

}  // namespace

void fuzz_one(Bytes input) {
  const Opener& opener = PLUGIN();
  if (!opener.recognises(input.first(std::min(input.size(), head_size))) || !opener.available()) return;
  for (const Arrival arrival : {Arrival::file, Arrival::pipe}) {
    const Limits limits = fuzz_limits();
    Findings findings(limits);
    test::MemorySource lower = memory_source(input, arrival);
    DecodingBudget budget(limits);
    const OpenContext context{lower, file_origin(), findings, limits, budget};
    Result<Opened> opened = opener.open(context);
    if (opened) {
      require(opened->content != nullptr && opened->origin != nullptr, "what was opened has content and origin");
      require(!opened->layer.kind.empty(), "a layer has a kind");
      const auto head = read_through(*opened->content, limits);
      if (opened->content->seekable()) require_same_head(*opened->content, head);
      opener.conclude(*opened, context);
    } else {
      require(opened.error().kind == Fault::Kind::refused, "no input makes a fault of the medium");
    }
    require_sound(findings, limits);
  }
}

}  // namespace vmstate
