// SPDX-License-Identifier: Apache-2.0
#include "tools/app/inspection.hpp"

#include <fmt/format.h>

#include "parsers/source/transport_damage.hpp"

namespace vmstate::app {

// Gathers what the stream as a whole is.
class Inspection::Summary final : public EventSink {
 public:
  explicit Summary(StreamSummary& out) : out_(out) {}
  void on(const StreamBegin& e) override {
    out_.format = e.format;
    out_.version = e.version;
  }
  void on(const Configuration& e) override {
    out_.configuration = true;
    out_.machine = e.machine;
    out_.capabilities = e.capabilities;
    out_.uuid = e.uuid;
  }
  void on(const RamPageSize& e) override { out_.page_size = e.page_size; }
  void on(const StreamEnd& e) override {
    out_.footers = e.footers;
    out_.description = e.description;
    out_.end = e.kind;
    out_.size = e.size;
    if (out_.page_size == 0) out_.page_size = e.page_size;
  }

 private:
  StreamSummary& out_;
};

// Bytes, rate and time left on standard error, a few times a second.
class Inspection::Progress final : public ProgressSink {
 public:
  Progress(const Io& io, bool wanted, std::optional<std::uint64_t> size)
      : io_(io), wanted_(wanted), size_(size), begin_(wanted ? io.seconds() : 0), next_(begin_ + first_after) {}
  ~Progress() override {
    if (shown_) io_.err("\r\033[K");
  }
  void at(Offset position) override {
    if (!wanted_ || ++calls_ % 16 != 0) return;
    const double now = io_.seconds();
    if (now < next_) return;
    next_ = now + 0.2;
    shown_ = true;
    const double rate = static_cast<double>(position) / std::max(now - begin_, 1e-9);
    std::string line = fmt::format("\r\033[K{:.1f} MB, {:.0f} MB/s", static_cast<double>(position) / 1e6, rate / 1e6);
    if (size_ && *size_ > 0 && position <= *size_)
      line += fmt::format(", {}%, {:.0f} s left", position * 100 / *size_,
                          static_cast<double>(*size_ - position) / std::max(rate, 1.0));
    io_.err(line);
  }

 private:
  static constexpr double first_after = 0.5;
  const Io& io_;
  bool wanted_;
  std::optional<std::uint64_t> size_;
  double begin_;
  double next_;
  unsigned calls_ = 0;
  bool shown_ = false;
};

Inspection::Inspection(std::string path, const CommonOptions& options, const Io& io)
    : path_(std::move(path)),
      options_(options),
      io_(io),
      findings_(options.limits),
      ram_(findings_, options.limits),
      machine_(findings_),
      completeness_(findings_, options.limits),
      ambiguity_(findings_, options.limits) {}

Inspection::~Inspection() = default;

Result<void> Inspection::open() {
  auto file = open_path(path_, options_.io, io_.standard_input);
  if (!file) return tl::make_unexpected(file.error());
  auto chain = OpenChain::open(std::move(*file), built_in_plugins(), findings_, options_.limits);
  if (!chain) return tl::make_unexpected(chain.error());
  chain_ = std::move(*chain);
  return {};
}

Result<void> Inspection::run(EventSink& sink, ParseOptions parse_options) {
  Offset end = 0;
  if (recognised()) {
    if (auto kept = keep_sample(); !kept) return kept;
    ForwardReader in(chain_->innermost(), chain_->origin());
    findings_.set_origin(chain_->origin());
    Summary summary(stream_);
    Tee tee({&summary, &ram_, &machine_, &completeness_, &ambiguity_, &sink});
    const bool wanted = options_.progress == When::always || (options_.progress == When::automatic && io_.err_is_terminal);
    Progress progress(io_, wanted, chain_->innermost().size());
    parse_options.layouts = options_.layouts.get();
    ParseContext context{in, tee, findings_, options_.limits, built_in_plugins(), parse_options, &progress};
    chain_->stream()->parse(context);
    if (in.fault()) return tl::make_unexpected(*in.fault());
    end = in.position();
    if (findings_.any_at_least(Severity::warning)) diagnose_transport();
  }
  chain_->conclude(end);
  if (const auto fault = chain_->innermost().health()) return tl::make_unexpected(*fault);
  // Missing devices prove an early end even where the stream itself could not know.
  if (stream_.end == StreamEndKind::eof && findings_.has(Code::premature_eof)) stream_.end = StreamEndKind::premature_eof;
  if (stream_.end == StreamEndKind::eof && findings_.has(Code::ends_in_body)) stream_.end = StreamEndKind::truncated;
  findings_.finish();
  return {};
}

// What goes forward only is gone when its damage is known: its start is kept.
Result<void> Inspection::keep_sample() {
  if (chain_->innermost().seekable()) return {};
  const auto view = chain_->innermost().view(0, transport_sample);
  if (!view) return tl::make_unexpected(view.error());
  sample_.assign(view->begin(), view->begin() + static_cast<std::ptrdiff_t>(std::min(view->size(), transport_sample)));
  return {};
}

// A damaged file may have been changed as a whole, by a transfer that took it for text.
void Inspection::diagnose_transport() {
  Bytes sample = sample_;
  if (chain_->innermost().seekable()) {
    const auto view = chain_->innermost().view(0, transport_sample);
    if (!view) return;
    sample = *view;
  }
  if (auto damage = vmstate::diagnose_transport(sample.first(std::min(sample.size(), transport_sample))))
    findings_.add(damage->code, damage->range, std::move(damage->message)).hint = std::move(damage->hint);
}

std::optional<std::uint64_t> Inspection::file_size() const { return chain_->file().size(); }

int Inspection::status() const {
  if (!recognised()) return exit_unreadable;
  if (findings_.has(Code::ends_in_stream_header)) return exit_unreadable;
  return findings_.any_at_least(options_.fail_on) ? exit_findings : exit_nothing_found;
}

}  // namespace vmstate::app
