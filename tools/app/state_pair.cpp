// SPDX-License-Identifier: Apache-2.0
#include "tools/app/state_pair.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tools/app/verify.hpp"

namespace vmstate::app {
namespace {

// Whether bytes of the stream belong to nothing.
class LostBytes final : public EventSink {
 public:
  void on(const Gap& e) override { lost = lost || e.kind == Gap::Kind::lost; }
  bool lost = false;
};

// The finding that says best what is wrong: the first error, or the first warning.
std::string gravest(const Findings& findings) {
  for (const Severity severity : {Severity::error, Severity::warning})
    for (const Finding& finding : findings.all())
      if (finding.severity == severity) return fmt::format(": {} {}", code_text(finding.code), finding.message);
  return {};
}

constexpr ParseOptions with_mapped_content{.check_page_content = true, .mapped_content = true};

}  // namespace

Result<void> ComparedFile::read_first(EventSink& state, RamDigest& ram, Comparison& out) {
  Inspection inspection(path_, options_, io_);
  if (auto opened = inspection.open(); !opened) return opened;
  LostBytes lost;
  Tee tee({&state, &ram, &lost});
  if (auto done = inspection.run(tee, with_mapped_content); !done) return done;
  passes_ = 1;
  repeatable_ = inspection.chain().file().seekable();
  if (!inspection.has_stream()) return refused(fmt::format("{}: no machine state is recognised{}", path_, gravest(inspection.findings())));
  judge(inspection, lost.lost, out);
  return {};
}

void ComparedFile::judge(const Inspection& inspection, bool lost, Comparison& out) {
  const auto& capabilities = inspection.stream().capabilities;
  absence_.ignore_shared = std::ranges::find(capabilities, "x-ignore-shared") != capabilities.end();
  absence_.elsewhere = inspection.findings().has(Code::ram_elsewhere);
  absence_.incomplete = lost || inspection.stream().end != StreamEndKind::eof;
  if (inspection.stream().end != StreamEndKind::eof)
    out.doubt(fmt::format("the {} file does not hold a whole state ({}){}", side_, to_string(inspection.stream().end),
                          gravest(inspection.findings())));
  else if (lost)
    out.doubt(fmt::format("part of the {} file could not be read{}", side_, gravest(inspection.findings())));
}

Result<void> ComparedFile::read_again(EventSink& sink) {
  if (!repeatable_) return refused(fmt::format("the {} file is a pipe, which can be read only once", side_));
  if (++passes_ > options_.limits.compare_passes)
    return refused(fmt::format("the {} file would have to be read more than {} times", side_, options_.limits.compare_passes));
  if (io_.interrupted()) return refused("interrupted");
  Inspection inspection(path_, options_, io_);
  if (auto opened = inspection.open(); !opened) return opened;
  return inspection.run(sink, with_mapped_content);
}

StatePair::StatePair(const std::string& left, const std::string& right, const CommonOptions& options, const Io& io)
    : options_(options), left_(left, "left", options, io), right_(right, "right", options, io), out_(options.limits) {}

std::unique_ptr<RamDigest> StatePair::window_at(std::uint64_t first) {
  const std::size_t capacity = std::max<std::size_t>(options_.limits.page_digests / 2 / sizeof(PageDigest), 1);
  return std::make_unique<RamDigest>(numbers_, first, capacity);
}

Result<Comparison> StatePair::compare() {
  auto left = window_at(0);
  auto right = window_at(0);
  {
    StateComparison state(options_.limits, out_);
    if (auto done = left_.read_first(state.left(), *left, out_); !done) return tl::make_unexpected(done.error());
    if (left_.absence().incomplete) state.left_is_incomplete();
    if (auto done = right_.read_first(state.right(), *right, out_); !done) return tl::make_unexpected(done.error());
    if (right_.absence().incomplete) state.right_is_incomplete();
    state.finish();
  }
  if (auto done = compare_memory(std::move(left), std::move(right)); !done) {
    if (done.error().kind == Fault::Kind::medium) return tl::make_unexpected(done.error());
    out_.doubt("guest memory was not compared to its end: " + done.error().message);
  }
  return std::move(out_);
}

Result<void> StatePair::compare_memory(std::unique_ptr<RamDigest> left, std::unique_ptr<RamDigest> right) {
  RamComparison ram(numbers_, out_);
  ram.blocks(*left, left_.absence(), *right, right_.absence());
  for (;;) {
    for (const bool on_the_left : {true, false}) {
      RamDigest& mine = on_the_left ? *left : *right;
      const RamDigest& other = on_the_left ? *right : *left;
      for (;;) {
        const auto more = resolve(on_the_left ? left_ : right_, mine, other);
        if (!more) return tl::make_unexpected(more.error());
        if (!*more) break;
      }
    }
    ram.window(*left, *right);
    const std::uint64_t next = std::min(left->beyond().value_or(~std::uint64_t{0}), right->beyond().value_or(~std::uint64_t{0}));
    if (next == ~std::uint64_t{0}) break;
    left.reset();
    right.reset();
    for (auto* side : {&left, &right}) {
      auto window = read_window(side == &left ? left_ : right_, next);
      if (!window) {
        ram.finish();
        return tl::make_unexpected(window.error());
      }
      *side = std::move(*window);
    }
  }
  ram.finish();
  return {};
}

// Replaces digests of delta chains by those of the pages they make, some at a time. False: none is left that matters.
Result<bool> StatePair::resolve(ComparedFile& file, RamDigest& digest, const RamDigest& other) {
  constexpr std::size_t smallest_page = 256;
  auto pages = RamComparison::unclear(digest, other, options_.limits.rebuilt_pages / smallest_page);
  if (pages.empty()) return false;
  const std::uint64_t page_size = numbers_.block_of(pages.front()).page_size;
  pages.resize(std::min<std::size_t>(pages.size(), static_cast<std::size_t>(std::max<std::uint64_t>(options_.limits.rebuilt_pages / page_size, 1))));
  PageRebuilder rebuilder(numbers_, pages, page_size);
  if (auto done = file.read_again(rebuilder); !done) return tl::make_unexpected(done.error());
  for (std::size_t i = 0; i < pages.size(); ++i) digest.set_digest(pages[i], rebuilder.digest(i));
  return true;
}

Result<std::unique_ptr<RamDigest>> StatePair::read_window(ComparedFile& file, std::uint64_t first) {
  auto window = window_at(first);
  if (auto done = file.read_again(*window); !done) return tl::make_unexpected(done.error());
  return window;
}

Result<Comparison> compare_files(const std::string& left, const std::string& right, const CommonOptions& options, const Io& io) {
  return StatePair(left, right, options, io).compare();
}

}  // namespace vmstate::app
