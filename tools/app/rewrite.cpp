// SPDX-License-Identifier: Apache-2.0
#include "tools/app/rewrite.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "formats/encode/compressor.hpp"
#include "tools/app/atomic_file.hpp"

namespace vmstate::app {
namespace {

using Target = SentinelWriter::Target;

Target opposite(Target target) { return target == Target::sentinel ? Target::legacy : Target::sentinel; }

// The layers around the stream, from outside in: what stands in front of their content is repeated, what compresses it is
// done again.
class Wrapping {
 public:
  // `layers` as OpenChain lists them, the stream being the last.
  Wrapping(const std::vector<Layer>& layers, ByteSink& file) : file_(file) {
    for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
      const Layer& layer = layers[i];
      if (can_compress(layer.kind)) sinks_.push_back(compressor(layer.kind, innermost()));
      heads_.emplace_back(&innermost(), &layer.head);
    }
  }

  // Where the stream itself goes.
  ByteSink& innermost() { return sinks_.empty() ? file_ : *sinks_.back(); }

  Result<void> begin() {
    for (const auto& [sink, head] : heads_)
      if (auto done = sink->write(*head); !done) return done;
    return {};
  }

 private:
  ByteSink& file_;
  std::vector<std::unique_ptr<ByteSink>> sinks_;
  std::vector<std::pair<ByteSink*, const std::vector<std::uint8_t>*>> heads_;
};

// Layers that cannot be put around the output again, or not without losing something.
void find_layer_obstacles(Inspection& inspection, Rewrite& out) {
  const auto& layers = inspection.layers();
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const Layer& layer = layers[i];
    if (layer.head.empty() && !can_compress(layer.kind))
      out.obstacles.push_back({layer.kind, {}, "this build does not write such containers"});
  }
  for (const Code code : {Code::layer_cut, Code::layer_corrupt, Code::layer_trailing, Code::magic_damaged, Code::expansion_too_large})
    if (inspection.findings().has(code))
      out.obstacles.push_back({"", {}, "a container around the stream is damaged: " + std::string(info(code).title)});
}

// Compares what it is given with the bytes of a source.
class Proof final : public ByteSink {
 public:
  Proof(ByteSource& expected, const Io& io) : expected_(expected), io_(io) {}

  Result<void> write(Bytes bytes) override {
    if (io_.interrupted()) return refused("interrupted; nothing was written");
    while (!bytes.empty()) {
      const auto view = expected_.view(at_, std::min<std::size_t>(bytes.size(), 1u << 20));
      if (!view) return tl::make_unexpected(view.error());
      const std::size_t size = std::min(view->size(), bytes.size());
      if (size == 0 || std::memcmp(view->data(), bytes.data(), size) != 0) return differs(size);
      at_ += size;
      bytes = bytes.subspan(size);
    }
    return {};
  }
  Result<void> finish() override {
    const auto view = expected_.view(at_, 1);
    if (!view) return tl::make_unexpected(view.error());
    return view->empty() ? Result<void>() : differs(1);
  }

 private:
  Result<void> differs(std::size_t within) const {
    return medium_fault(fmt::format("the output, read back, is not the original: they differ within {} bytes at {:#x}; nothing was kept",
                                    within, at_));
  }

  ByteSource& expected_;
  const Io& io_;
  Offset at_ = 0;
};

bool same_wrapping(const std::vector<Layer>& left, const std::vector<Layer>& right) {
  return std::ranges::equal(left, right, [](const Layer& a, const Layer& b) { return a.kind == b.kind && a.head == b.head; });
}

Result<std::unique_ptr<OpenChain>> open_again(const std::string& path, const CommonOptions& options, Findings& unheard) {
  auto file = open_path(path, options.io);
  if (!file) return tl::make_unexpected(file.error());
  return OpenChain::open(std::move(*file), built_in_plugins(), unheard, options.limits);
}

class Rewriter {
 public:
  Rewriter(Inspection& inspection, const RewriteOptions& options, const Io& io)
      : inspection_(inspection), options_(options), io_(io) {}

  Result<Rewrite> run() {
    SentinelWriter writer(options_.target);
    if (auto done = inspection_.run(writer); !done) return tl::make_unexpected(done.error());
    Rewrite out;
    describe(writer, out);
    find_layer_obstacles(inspection_, out);
    if (!out.obstacles.empty()) return out;
    auto file = AtomicFile::create(options_.output, options_.force, io_.interrupted);
    if (!file) return tl::make_unexpected(file.error());
    (*file)->as_private_as(inspection_.path());
    auto done = write(writer.edits(), **file);
    if (done) done = (*file)->sync();
    if (done) done = prove((*file)->temporary());
    if (done) done = unchanged();
    if (done) done = (*file)->commit();
    if (!done) return tl::make_unexpected(done.error());
    return out;
  }

 private:
  void describe(const SentinelWriter& writer, Rewrite& out) const {
    out.obstacles = writer.obstacles();
    out.more_obstacles = writer.more_obstacles();
    out.from_version = writer.from_version();
    out.to_version = options_.target == Target::sentinel ? 4 : 3;
    out.sentinels = writer.edits().inserted() + writer.edits().removed();
    out.stream_size = inspection_.stream().size + writer.edits().inserted() - writer.edits().removed();
  }

  // What was decompressed while it was parsed is decompressed once more.
  Result<void> write(const StreamEdits& edits, AtomicFile& file) {
    Findings unheard(options_.limits);
    std::unique_ptr<OpenChain> again;
    ByteSource* stream = &inspection_.chain().innermost();
    if (!stream->seekable()) {
      auto chain = open_again(inspection_.path(), options_, unheard);
      if (!chain) return tl::make_unexpected(chain.error());
      again = std::move(*chain);
      stream = &again->innermost();
    }
    Wrapping wrapping(inspection_.layers(), file);
    auto done = wrapping.begin();
    if (done) done = edits.apply(*stream, wrapping.innermost());
    if (done) done = wrapping.innermost().finish();
    if (const auto fault = stream->health(); done && fault) return tl::make_unexpected(*fault);
    return done;
  }

  // Reads the output with the parser of its own version and turns it back: that must be the original, byte for byte.
  Result<void> prove(const std::string& written) {
    CommonOptions quiet = options_;
    quiet.progress = When::never;
    Inspection result(written, quiet, io_);
    SentinelWriter back(opposite(options_.target));
    if (auto done = result.open(); !done) return done;
    if (auto done = result.run(back); !done) return done;
    if (!back.obstacles().empty())
      return medium_fault("the output cannot be read back (" + back.obstacles().front().section + ": " +
                          back.obstacles().front().reason + "); nothing was kept");
    if (!same_wrapping(inspection_.layers(), result.layers()))
      return medium_fault("the output, read back, has other containers than the original; nothing was kept");
    Findings unheard(options_.limits);
    auto original = open_again(inspection_.path(), options_, unheard);
    if (!original) return tl::make_unexpected(original.error());
    auto converted = open_again(written, options_, unheard);
    if (!converted) return tl::make_unexpected(converted.error());
    Proof proof((*original)->innermost(), io_);
    auto done = back.edits().apply((*converted)->innermost(), proof);
    if (done) done = proof.finish();
    for (OpenChain* chain : {original->get(), converted->get()})
      if (const auto fault = chain->innermost().health(); done && fault) return tl::make_unexpected(*fault);
    return done;
  }

  Result<void> unchanged() {
    if (const auto what = inspection_.chain().file().changed())
      return medium_fault(inspection_.name() + " changed while it was read (" + *what + "); nothing was kept");
    return {};
  }

  Inspection& inspection_;
  const RewriteOptions& options_;
  const Io& io_;
};

}  // namespace

Result<Rewrite> rewrite(Inspection& inspection, const RewriteOptions& options, const Io& io) {
  return Rewriter(inspection, options, io).run();
}

}  // namespace vmstate::app
