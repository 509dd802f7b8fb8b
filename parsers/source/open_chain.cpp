// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/open_chain.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "formats/base/cursor.hpp"
#include "formats/base/sub_source.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/source/foreign_formats.hpp"
#include "parsers/source/patched_source.hpp"
#include "parsers/source/stream_head.hpp"
#include "parsers/source/transport_damage.hpp"

namespace vmstate {
namespace {

constexpr std::size_t head_size = 4096;  // more than any recognises() needs
constexpr std::size_t most_evidence = 64;
constexpr Offset most_leading_bytes_kept = 1u << 20;
constexpr Offset search_limit = 16u << 20;  // how far a stream may begin behind the start
constexpr std::size_t search_window = 1u << 20;
constexpr std::size_t search_overlap = 1024;  // a stream header and a first record
constexpr std::string_view stream_magic = "QEVM";

// "qevm-v3" is a parser of "qevm".
std::string format_of(const StreamParser& parser) {
  const std::string_view name = parser.name();
  return std::string(name.substr(0, name.find('-')));
}

// Bytes that programs put in front of files without anybody asking for them.
std::size_t leading_junk(Bytes head) {
  const std::string_view text = as_text(head);
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  const std::size_t start = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  return std::min(text.find_first_not_of(std::string_view(" \t\r\n\0", 5), start), text.size());
}

}  // namespace

// Opens layer by layer until there is a stream or nothing more to open.
class OpenChain::Peeler {
 public:
  explicit Peeler(OpenChain& chain) : chain_(chain) {}

  Result<void> run() {
    for (;;) {
      const auto more = peel();
      if (!more) return tl::make_unexpected(more.error());
      if (!*more) return {};
    }
  }

 private:
  // Each step returns whether the innermost content is a new one that may be peeled further.
  Result<bool> peel();
  Result<bool> open_layer(const Opener& opener);
  Result<bool> explain(Bytes head);
  bool explain_stream_head(Bytes head);
  bool explain_foreign(Bytes head);
  bool repair(Bytes head);
  Result<bool> find_later_start();
  Result<std::optional<Offset>> search_stream();
  Result<bool> skip_leading_bytes(Offset count);

  bool recognise_stream(Bytes head);
  const Opener* opener_for(Bytes head) const;
  void report_empty();
  void report_damage(const TransportDamage& damage, Bytes sample);
  void report_unknown(Bytes head);
  Finding& report(Code code, ByteRange range, std::string message, Bytes evidence);

  ByteSource& content() { return chain_.innermost(); }
  Offset start_in_container() const { return chain_.origin()->container_offset(0); }
  // The first `count` bytes, fewer only where the content ends.
  Result<Bytes> start_of_content(std::size_t count) {
    return content().view(0, count).map([&](Bytes view) { return view.first(std::min(view.size(), count)); });
  }
  void add_level(std::unique_ptr<ByteSource> content, std::optional<Offset> shift, std::string kind) {
    auto origin = std::make_shared<const Origin>(Origin{std::move(kind), chain_.origin(), shift});
    chain_.levels_.push_back({std::move(content), std::move(origin)});
  }

  OpenChain& chain_;
};

Result<bool> OpenChain::Peeler::peel() {
  const auto head = start_of_content(head_size);
  if (!head) return tl::make_unexpected(head.error());
  if (recognise_stream(*head)) return false;
  if (const Opener* opener = opener_for(*head)) return open_layer(*opener);
  return explain(*head);
}

bool OpenChain::Peeler::recognise_stream(Bytes head) {
  const auto& parsers = chain_.registry_.streams;
  const auto it = std::ranges::find_if(parsers, [&](const StreamParser* parser) { return parser->recognises(head); });
  if (it == parsers.end()) return false;
  chain_.stream_ = *it;
  Layer layer;
  layer.kind = format_of(**it);
  layer.offset = start_in_container();
  layer.size = content().size();
  chain_.layers_.push_back(std::move(layer));
  return true;
}

const Opener* OpenChain::Peeler::opener_for(Bytes head) const {
  const auto& openers = chain_.registry_.openers;
  const auto it = std::ranges::find_if(openers, [&](const Opener* opener) { return opener->recognises(head); });
  return it == openers.end() ? nullptr : *it;
}

Result<bool> OpenChain::Peeler::open_layer(const Opener& opener) {
  if (chain_.layers_.size() >= chain_.limits_.layer_depth) {
    report(Code::layers_too_deep, {},
           fmt::format("{} layers inside each other were opened, a {} layer follows", chain_.layers_.size(),
                       opener.name()),
           {});
    return false;
  }
  if (!opener.available()) {
    report(Code::layer_not_built_in, {}, fmt::format("this build cannot open {} layers", opener.name()), {});
    Layer layer;
    layer.kind = opener.name();
    layer.offset = start_in_container();
    layer.size = content().size();
    chain_.layers_.push_back(std::move(layer));
    return false;
  }
  auto opened = opener.open({content(), chain_.origin(), chain_.findings_, chain_.limits_, chain_.budget_});
  if (!opened) return tl::make_unexpected(opened.error());
  opened->layer.offset = start_in_container();
  chain_.levels_.push_back({std::move(opened->content), std::move(opened->origin), &opener, chain_.layers_.size()});
  chain_.layers_.push_back(std::move(opened->layer));
  return true;
}

// Nobody knows the first bytes.
Result<bool> OpenChain::Peeler::explain(Bytes head) {
  if (head.empty()) {
    report_empty();
    return false;
  }
  if (explain_stream_head(head) || explain_foreign(head)) return false;
  if (repair(head)) return true;
  const auto sample = start_of_content(transport_sample);
  if (!sample) return tl::make_unexpected(sample.error());
  const auto damage = diagnose_transport(*sample);
  if (damage) report_damage(*damage, *sample);
  if (damage && (damage->code == Code::base64_text || damage->code == Code::http_chunks)) return false;
  const auto later = find_later_start();
  if (!later || *later) return later;
  const auto again = start_of_content(head_size);
  if (again && !damage) report_unknown(*again);
  return false;
}

// A cut layer that holds nothing is reported as that when the chain is concluded.
void OpenChain::Peeler::report_empty() {
  if (content().end().cause != SourceEnd::Cause::clean) return;
  const bool is_file = chain_.levels_.size() == 1;
  report(Code::empty_file, {},
         is_file ? "the file is empty" : fmt::format("the {} layer holds nothing", chain_.layers_.back().kind), {});
}

// The magic is there but no parser wants it.
bool OpenChain::Peeler::explain_stream_head(Bytes head) {
  const std::string_view text = as_text(head);
  if (stream_magic.starts_with(text)) {
    report(Code::ends_in_stream_header, {0, head.size()},
           fmt::format("only {} bytes, the beginning of a stream header", head.size()), head);
    return true;
  }
  if (!text.starts_with(stream_magic) || head.size() < wire::qevm::header_size) return false;
  const std::uint32_t version = load_be32(&head[stream_magic.size()]);
  const bool known = version >= 1 && version <= 4;
  report(known ? Code::stream_version_not_supported : Code::unknown_stream_version, {stream_magic.size(), 4},
         fmt::format("a QEMU stream of version {}{}", version, known ? ", which this build cannot read" : ""),
         head.first(wire::qevm::header_size));
  return true;
}

bool OpenChain::Peeler::explain_foreign(Bytes head) {
  const ForeignFormat* format = foreign_format(head);
  if (format == nullptr) return false;
  report(Code::other_format, {format->offset, format->magic.size()}, fmt::format("this is {}", format->what),
         head.subspan(format->offset))
      .hint = format->hint;
  return true;
}

bool OpenChain::Peeler::repair(Bytes head) {
  auto found = repair_magic(head, head.size() < head_size);
  if (!found) return false;
  report(Code::magic_damaged, {0, stream_magic.size() - (found->replaced == 0 ? found->bytes.size() : 0)},
         std::move(found->message), head.first(wire::qevm::header_size))
      .hint = std::move(found->hint);
  // Where bytes were put in front, an origin could map offsets only by a negative shift.
  const auto shift = found->replaced == found->bytes.size() ? std::optional<Offset>(0) : std::nullopt;
  std::string kind = chain_.origin()->kind;
  add_level(std::make_unique<PatchedSource>(content(), std::move(found->bytes), found->replaced), shift,
            std::move(kind));
  return true;
}

void OpenChain::Peeler::report_damage(const TransportDamage& damage, Bytes sample) {
  report(damage.code, damage.range, damage.message, sample.subspan(damage.range.offset, damage.range.size)).hint =
      damage.hint;
}

Result<bool> OpenChain::Peeler::find_later_start() {
  const auto head = start_of_content(head_size);
  if (!head) return tl::make_unexpected(head.error());
  const std::size_t junk = leading_junk(*head);
  if (junk > 0 && opener_for(head->subspan(junk)) != nullptr) return skip_leading_bytes(junk);
  const auto start = search_stream();
  if (!start) return tl::make_unexpected(start.error());
  if (!*start) return false;
  return skip_leading_bytes(**start);
}

// A pipe is searched in one view, as far as it may be kept.
Result<std::optional<Offset>> OpenChain::Peeler::search_stream() {
  const bool seekable = content().seekable();
  const Offset limit = seekable ? search_limit : std::min<Offset>(search_limit, chain_.limits_.lookahead);
  const std::size_t window = seekable ? search_window : static_cast<std::size_t>(limit);
  for (Offset at = 0; at < limit; at += window) {
    const auto view = content().view(at, window + search_overlap);
    if (!view) return tl::make_unexpected(view.error());
    const bool at_end = view->size() < window + search_overlap;
    if (const auto found = find_stream(*view, window, at_end)) return at + *found;
    if (view->size() <= window) break;
  }
  return std::nullopt;
}

Result<bool> OpenChain::Peeler::skip_leading_bytes(Offset count) {
  const auto before = start_of_content(static_cast<std::size_t>(std::min<Offset>(count, head_size)));
  if (!before) return tl::make_unexpected(before.error());
  const std::string what = describe_bytes(*before);
  report(
      Code::leading_bytes, {0, count},
      fmt::format("{} before the state: {}", count == 1 ? "1 byte stands" : fmt::format("{} bytes stand", count), what),
      *before);
  Layer layer;
  layer.kind = "leading-bytes";
  layer.offset = start_in_container();
  layer.size = content().size();
  layer.details = {{"length", std::uint64_t{count}}, {"content", what}};
  layer.parts = {{{0, count}, "leading bytes"}};
  // More of them than are worth keeping are no header that a rewrite could repeat.
  if (count <= most_leading_bytes_kept)
    if (const auto whole = start_of_content(static_cast<std::size_t>(count))) layer.head.assign(whole->begin(), whole->end());
  add_level(std::make_unique<SubSource>(content(), count), count, layer.kind);
  chain_.layers_.push_back(std::move(layer));
  return true;
}

void OpenChain::Peeler::report_unknown(Bytes head) {
  report(Code::not_recognised, {0, std::min(head.size(), most_evidence)},
         fmt::format("no known format begins like this; the first {} bytes are {}", head.size(), describe_bytes(head)),
         head);
}

Finding& OpenChain::Peeler::report(Code code, ByteRange range, std::string message, Bytes evidence) {
  Finding& finding = chain_.findings_.add(code, range, std::move(message));
  finding.origin = chain_.origin();
  const Bytes kept = evidence.first(std::min(evidence.size(), most_evidence));
  finding.evidence.assign(kept.begin(), kept.end());
  return finding;
}

Result<std::unique_ptr<OpenChain>> OpenChain::open(std::unique_ptr<ByteSource> file, const Registry& registry,
                                                   Findings& findings, const Limits& limits) {
  std::unique_ptr<OpenChain> chain(new OpenChain(registry, findings, limits));
  chain->levels_.push_back({std::move(file), std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt})});
  if (auto peeled = Peeler(*chain).run(); !peeled) return tl::make_unexpected(peeled.error());
  return chain;
}

void OpenChain::conclude(Offset stream_end) {
  // A decoder looks at its last checksum only when it is asked for more than there is.
  (void)innermost().view(stream_end, 1);
  if (stream_ != nullptr) layers_.back().size = stream_end;
  for (std::size_t number = levels_.size(); number-- > 0;) conclude_level(number);
  if (auto changed = file().changed()) {
    Finding& finding = findings_.add(Code::file_changed, {}, std::move(*changed));
    finding.origin = levels_.front().origin;
    finding.section.clear();
  }
}

void OpenChain::conclude_level(std::size_t number) {
  Level& level = levels_[number];
  if (level.opener == nullptr) return;
  const Level& lower = levels_[number - 1];
  Opened opened{std::move(level.content), level.origin, std::move(layers_[level.layer])};
  level.opener->conclude(opened, {*lower.content, lower.origin, findings_, limits_, budget_});
  level.content = std::move(opened.content);
  layers_[level.layer] = std::move(opened.layer);
}

}  // namespace vmstate
