// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/codec_opener.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "parsers/source/codec_source.hpp"

namespace vmstate {
namespace {

constexpr std::size_t head_size = 4096;
constexpr std::size_t most_evidence = 64;

// What is said at the end of one layer.
class Conclusion {
 public:
  Conclusion(const CodecSource& source, Layer& layer, const OpenContext& context)
      : layer_(layer), context_(context), end_(source.end()), extent_(source.extent()) {}

  void draw() {
    list_parts();
    if (!extent_.ended) return;
    layer_.size = occupied();
    layer_.details.push_back({"members", extent_.members});
    layer_.details.push_back({"decoded_size", std::uint64_t{end_.offset}});
    report_end();
    if (extent_.garbage) report_garbage();
  }

 private:
  // Where the layer below ends, or what is known of that.
  Offset occupied() const { return context_.lower.size().value_or(extent_.padding_end); }

  ByteRange garbage() const {
    const Offset at = *extent_.garbage;
    return ByteRange::between(at, std::max(occupied(), at + 1));
  }

  void add_part(ByteRange range, std::string label) {
    if (!range.empty()) layer_.parts.push_back({range, std::move(label)});
  }

  void list_parts() {
    const Offset data_end = extent_.ended ? extent_.data_end : end_.lower_offset;
    add_part({0, data_end}, layer_.kind + " data");
    add_part(ByteRange::between(data_end, extent_.padding_end), "zero padding");
    if (extent_.garbage)
      add_part(garbage(), "trailing bytes");
    else
      add_part(ByteRange::between(std::max(data_end, extent_.padding_end), occupied()),
               "unread " + layer_.kind + " data");
  }

  Finding& report(Code code, ByteRange range, std::string message) {
    Finding& finding = context_.findings.add(code, range, std::move(message));
    finding.origin = context_.origin;
    finding.section.clear();
    return finding;
  }

  // "at byte 17 of the compressed data, after 4096 decompressed bytes"
  std::string place() const {
    return fmt::format("at byte {} of the compressed data, after {} decompressed bytes", end_.lower_offset,
                       end_.offset);
  }

  void report_stop(Code code) {
    report(code, ByteRange::between(end_.lower_offset, std::max(occupied(), end_.lower_offset)),
           fmt::format("decompressing the {} layer was stopped {}: {}", layer_.kind, place(), end_.detail))
        .hint = "Decompress the file with the program that compressed it, and open the result.";
  }

  void report_end() {
    const Offset at = end_.lower_offset;
    switch (end_.cause) {
      case SourceEnd::Cause::clean: return;
      case SourceEnd::Cause::cut:
        report(Code::layer_cut, {at, 0}, fmt::format("the {} data end early, {}", layer_.kind, place()));
        return;
      case SourceEnd::Cause::corrupt:
        report(Code::layer_corrupt, ByteRange::between(at, std::max(occupied(), at)),
               fmt::format("the {} data are damaged {}: {}", layer_.kind, place(), end_.detail));
        return;
      case SourceEnd::Cause::limit:
        // One budget for all layers makes one finding.
        if (!context_.findings.has(Code::expansion_too_large)) report_stop(Code::expansion_too_large);
        return;
      case SourceEnd::Cause::memory: report_stop(Code::limit_decoder_memory); return;
    }
  }

  void report_garbage() {
    const ByteRange range = garbage();
    const bool whole = context_.lower.size().has_value();
    Finding& finding = report(Code::layer_trailing, range,
                              whole ? fmt::format("{} bytes follow the end of the {} data", range.size, layer_.kind)
                                    : fmt::format("bytes follow the end of the {} data", layer_.kind));
    if (const auto view = context_.lower.view(range.offset, most_evidence))
      finding.evidence.assign(view->begin(),
                              view->begin() + static_cast<std::ptrdiff_t>(std::min(view->size(), most_evidence)));
  }

  Layer& layer_;
  const OpenContext& context_;
  SourceEnd end_;
  CodecExtent extent_;
};

}  // namespace

Result<Opened> CodecOpener::open(const OpenContext& context) const {
  const auto head = context.lower.view(0, head_size);
  if (!head) return tl::make_unexpected(head.error());
  auto decoder = make_decoder();
  if (decoder == nullptr) return medium_fault("not enough memory to open the " + std::string(name()) + " layer");
  Opened opened;
  opened.layer.kind = name();
  opened.layer.size = context.lower.size();
  if (recognises(*head)) describe(*head, opened.layer);
  opened.content = std::make_unique<CodecSource>(context.lower, std::move(decoder), context.budget);
  opened.origin = std::make_shared<const Origin>(Origin{opened.layer.kind, context.origin, std::nullopt});
  return opened;
}

void CodecOpener::conclude(Opened& opened, const OpenContext& context) const {
  // open() made it.
  const auto& source = static_cast<const CodecSource&>(*opened.content);
  Conclusion(source, opened.layer, context).draw();
}

}  // namespace vmstate
