// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "tools/app/atomic_file.hpp"
#include "tools/app/verbs.hpp"

namespace vmstate::app {
namespace {

using Write = std::function<Result<void>(Bytes)>;

// Passes on the bytes of one part of the stream.
class PartSink final : public EventSink {
 public:
  PartSink(const DumpOptions& options, Write write) : options_(options), write_(std::move(write)) {}

  const Result<void>& result() const { return result_; }
  bool found() const { return found_; }
  /// Whether the stream ends inside the part.
  bool cut() const { return cut_; }

  void on(const SectionBegin& e) override {
    const bool first = e.header.instance == 0 && e.header.name + "#0" == options_.section;
    inside_ = options_.part == "section" && (first || section_label(e.header) == options_.section);
    found_ = found_ || inside_;
  }
  void on(const SectionEnd& e) override {
    cut_ = cut_ || (inside_ && e.boundary == Boundary::end);
    inside_ = false;
  }
  void on(const RamBlockEntry& e) override { body(e.bytes); }
  void on(const RamMappedBitmap& e) override { body(e.bytes); }
  void on(const RamPages& e) override { body(e.bytes); }
  void on(const Payload& e) override { body(e.bytes); }
  void on(const DeviceState& e) override { body(e.bytes); }
  void on(const BodyItem& e) override { body(e.bytes); }
  void on(const Description& e) override {
    if (options_.part != "description") return;
    found_ = true;
    write(e.bytes.subspan(std::min<std::size_t>(e.bytes.size(), static_cast<std::size_t>(e.text.offset - e.range.offset))));
  }

 private:
  void body(Bytes bytes) {
    if (inside_) write(bytes);
  }
  void write(Bytes bytes) {
    if (result_) result_ = write_(bytes);
  }

  const DumpOptions& options_;
  Write write_;
  Result<void> result_;
  bool inside_ = false;
  bool found_ = false;
  bool cut_ = false;
};

Result<void> copy_stream(Inspection& inspection, const Write& write) {
  constexpr std::size_t step = 1 << 20;
  // Parsed first, for its end: trailing bytes are not part of it.
  EventSink nothing;
  if (auto done = inspection.run(nothing); !done) return done;
  ByteSource& source = inspection.chain().innermost();
  if (!source.seekable()) return refused("the stream of a pipe or a compressed layer cannot be read twice");
  for (Offset at = 0; at < inspection.stream().size;) {
    const auto view = source.view(at, step);
    if (!view) return tl::make_unexpected(view.error());
    if (view->empty()) break;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(view->size(), inspection.stream().size - at));
    if (auto done = write(view->first(size)); !done) return done;
    at += size;
  }
  return {};
}

// Writes everything that passes, without knowing the end in advance.
Result<void> pass_stream(Inspection& inspection, const Write& write) {
  constexpr std::size_t step = 1 << 20;
  ByteSource& source = inspection.chain().innermost();
  for (Offset at = 0;;) {
    const auto view = source.view(at, step);
    if (!view) return tl::make_unexpected(view.error());
    if (view->empty()) return {};
    if (auto done = write(*view); !done) return done;
    at += view->size();
  }
}

Result<void> layer_text(Inspection& inspection, const std::string& name, const Write& write) {
  for (const Layer& layer : inspection.layers())
    for (const auto& [key, text] : layer.texts)
      if (key == name) return write(as_bytes(text));
  return refused("no layer of this file holds " + name);
}

Result<void> write_part(Inspection& inspection, const DumpOptions& options, const Io& io, const Write& write) {
  if (options.part == "xml" || options.part == "cookie") return layer_text(inspection, options.part, write);
  if (!inspection.recognised()) return refused("no stream was found in " + inspection.path());
  if (options.part == "stream")
    return inspection.chain().innermost().seekable() ? copy_stream(inspection, write) : pass_stream(inspection, write);
  PartSink sink(options, write);
  if (auto done = inspection.run(sink); !done) return done;
  if (!sink.result()) return sink.result();
  if (!sink.found())
    return refused(options.part == "section" ? "the stream has no section '" + options.section + "'" : "the stream has no description");
  if (sink.cut())
    io.err(fmt::format("vmstate-dump: the stream ends inside section '{}': what was written is not all of it\n", printable(options.section)));
  return {};
}

}  // namespace

Result<void> extract(Inspection& inspection, const DumpOptions& options, const Io& io) {
  if (options.output == "-")
    return write_part(inspection, options, io, [&](Bytes bytes) -> Result<void> {
      io.out(as_text(bytes));
      if (io.output_failed()) return medium_fault("standard output cannot be written");
      return {};
    });
  if (is_same_file(options.output, inspection.path(), io.standard_input)) return refused(options.output + " is the input; it is never written to");
  auto file = AtomicFile::create(options.output, options.force, io.interrupted);
  if (!file) return tl::make_unexpected(file.error());
  const auto write = [&](Bytes bytes) { return (*file)->write(bytes); };
  if (auto done = write_part(inspection, options, io, write); !done) return done;
  return (*file)->commit();
}

}  // namespace vmstate::app
