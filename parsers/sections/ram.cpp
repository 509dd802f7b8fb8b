// SPDX-License-Identifier: Apache-2.0
// The RAM section, version 4: docs/formats/ram.md. Page records are in ram_pages.cpp, the block list in ram_blocks.cpp.
#include <algorithm>
#include <array>
#include <set>

#include "formats/base/offset_text.hpp"
#include "formats/wire/qevm.hpp"
#include "parsers/api/record_probe.hpp"
#include "parsers/sections/ram_blocks.hpp"
#include "parsers/sections/ram_pages.hpp"

namespace vmstate {
namespace {

using namespace ram;
using namespace wire::ram;

constexpr std::size_t window = 128 << 10;      // asked for at a time; must hold the longest record
constexpr std::size_t batch_size = 512;        // records in one event
constexpr std::size_t search_window = 1 << 20;  // for lost record boundaries
constexpr unsigned credible_chain = 3;         // records in a row that prove a boundary

class RamBody final : public SectionBody {
 public:
  RamBody() : reader_(blocks_) { batch_.reserve(batch_size); }

  BodyEnd parse(SectionContext& context) override {
    if (context.header.version != 4 && !version_noted_) {
      version_noted_ = true;
      context.findings.add(Code::ram_version_unknown, context.header.range,
                           "the RAM section has version " + std::to_string(context.header.version) +
                               (context.header.version < 4 ? ", which this build cannot read" : ""));
    }
    if (context.header.version < 4) return BodyEnd::not_read;
    list_expected_ = context.header.type == SectionType::start;
    if (context.facts.page_size) set_page_size(context, *context.facts.page_size);
    reader_.set_check_payload(context.options.check_page_content);
    return records(context);
  }

  std::string cut_in() const override {
    if (in_list_) return "the list of RAM blocks";
    if (const auto current = reader_.current()) return "the pages of block '" + blocks_[*current].name + "'";
    return {};
  }

 private:
  enum class Stop : std::uint8_t { batch_full, need_more, section_end, block_list, trouble };
  struct Run {
    Stop stop = Stop::need_more;
    std::size_t consumed = 0;  ///< bytes of complete records
    Trouble trouble = Trouble::none;
    Record last;               ///< the record that stopped the run
  };

  void set_page_size(SectionContext& context, std::uint64_t page_size) {
    if (page_size_known_) return;
    page_size_known_ = true;
    reader_.set_page_size(page_size);
    context.events.on(RamPageSize{page_size});
  }

  // `view` begins at the first page record. What the description says is believed unless the pages say otherwise: the one
  // at the end of the data may be that of another stream.
  void check_page_size(SectionContext& context, Bytes view) {
    page_size_checked_ = true;
    if (!page_size_known_) {
      set_page_size(context, infer_page_size(view, blocks_, reader_.current()).value_or(reader_.page_size()));
      return;
    }
    const auto proved = prove_page_size(view, blocks_, reader_.current(), reader_.page_size());
    if (!proved || *proved == reader_.page_size()) return;
    page_size_known_ = false;
    set_page_size(context, *proved);
  }

  BodyEnd records(SectionContext& context) {
    auto& in = context.in;
    for (;;) {
      Bytes view = in.peek(window);
      if (context.progress != nullptr) context.progress->at(in.position());
      if (!page_size_checked_ && !blocks_.empty() && view.size() > word_size && load_be64(view.data()) != flag_eos)
        check_page_size(context, view);
      const Run run = read_run(view, in.position());
      send(context, view, run.consumed);
      in.skip(run.consumed);
      switch (run.stop) {
        case Stop::batch_full: break;
        case Stop::section_end: return BodyEnd::complete;
        case Stop::need_more:
          if (run.consumed == 0 && in.peek(window).size() == view.size()) {
            if (view.size() >= window) return damaged(context, Trouble::bad_payload, run.last).value_or(BodyEnd::damaged);
            return cut(context);
          }
          break;
        case Stop::block_list: {
          in_list_ = true;
          const ListEnd end = read_block_list(context, run.last.word, blocks_);
          if (end == ListEnd::cut) return cut(context);
          in_list_ = false;
          context.events.on(RamBlocks{blocks_.all()});
          break;
        }
        case Stop::trouble:
          if (const auto end = damaged(context, run.trouble, run.last)) return *end;
          break;
      }
    }
  }

  // Reads records of `view` into the batch until something stops it.
  Run read_run(Bytes view, Offset base) {
    Run run;
    Cursor in(view, base);
    batch_.clear();
    while (batch_.size() < batch_size) {
      const Trouble trouble = reader_.read(in, run.last);
      if (trouble != Trouble::none) {
        run.trouble = trouble;
        run.stop = trouble == Trouble::incomplete ? Stop::need_more : Stop::trouble;
        return run;
      }
      if (run.last.list) {
        run.stop = list_expected_ ? Stop::block_list : Stop::trouble;  // the list claims its word itself
        run.trouble = Trouble::bad_flags;
        return run;
      }
      batch_.push_back(run.last.page);
      run.consumed = in.consumed();
      if (run.last.page.kind == RamKind::eos) {
        run.stop = Stop::section_end;
        return run;
      }
    }
    run.stop = Stop::batch_full;
    return run;
  }

  void send(SectionContext& context, Bytes view, std::size_t size) {
    if (batch_.empty()) return;
    note_unusual(context);
    previous_ = batch_.back();
    context.events.on(RamPages{batch_, {context.in.position(), size}, view.first(size)});
  }

  // Records that later or other loaders refuse, the first of each kind.
  void note_unusual(SectionContext& context) {
    for (const RamPage& page : batch_) {
      if (page.kind == RamKind::fill && !fill_noted_) {
        fill_noted_ = true;
        context.findings.add(Code::ram_nonzero_fill, {page.at, page.header_size + std::uint64_t{1}},
                             "page " + offset_text(page.offset) + " of block '" + blocks_[page.block].name +
                                 "' is filled with byte " + offset_text(page.fill));
      } else if (page.kind == RamKind::hook && !hook_noted_) {
        hook_noted_ = true;
        context.findings.add(Code::ram_hook, {page.at, word_size}, "an RDMA hook record stands among the pages");
      }
    }
  }

  BodyEnd cut(SectionContext& context) {
    const Bytes rest = context.in.peek(window);
    if (!rest.empty()) {
      context.events.on(Payload{"incomplete record", {context.in.position(), rest.size()}, rest});
      context.in.skip(rest.size());
    }
    return BodyEnd::cut;
  }

  // --- damage -------------------------------------------------------------------------------------------------------

  struct Resume {
    std::size_t distance = 0;
    bool section_over = false;  ///< a footer or the next section, not a page record
  };

  // Reports the record at the reader and goes on where records credibly continue. Nothing: reading goes on.
  std::optional<BodyEnd> damaged(SectionContext& context, Trouble trouble, const Record& record) {
    auto& in = context.in;
    const Offset at = in.position();
    if (trouble == Trouble::unknown_block && adopt_block(context, record)) return std::nullopt;
    // A body that is damaged without end is no page records at all.
    constexpr unsigned most_damages = 10000;
    report(context, trouble, record);
    if (++damages_ > most_damages) return BodyEnd::damaged;
    for (std::uint64_t lost = 0; lost < context.limits.scan;) {
      const Bytes view = in.peek(search_window);
      const bool at_end = view.size() < search_window;
      if (const auto resume = find_resume(context, view)) {
        skip_gap(context, resume->distance);
        report_resumed(context, at, *resume);
        if (!resume->section_over) return std::nullopt;
        return BodyEnd::complete;
      }
      const std::size_t step = at_end ? view.size() : view.size() - window;
      skip_gap(context, step);
      lost += step;
      if (at_end) break;
    }
    context.findings.add(Code::ram_resynchronised, ByteRange::between(at, in.position()),
                         "no page record was found behind " + offset_text(at));
    return in.at_end() ? BodyEnd::cut : BodyEnd::damaged;
  }

  void skip_gap(SectionContext& context, std::uint64_t size) {
    if (size == 0) return;
    context.events.on(Gap{Gap::Kind::lost, {context.in.position(), size}, "unreadable RAM"});
    context.in.skip(size);
  }

  // A block that pages name but the list does not: damage in the list, if the record is sound otherwise.
  bool adopt_block(SectionContext& context, const Record& record) {
    constexpr std::size_t most_adopted = 16;
    const std::string name(record.name);
    if (!credible_name(name) || adopted_ >= most_adopted) return false;
    blocks_.add({name, 0, {}, {}, {}});
    if (!reader_.chain(context.in.peek(search_window), credible_chain)) {
      blocks_.remove_last();
      return false;
    }
    ++adopted_;
    context.findings.add(Code::ram_unknown_block, {context.in.position(), word_size + 1 + name.size()},
                         "pages of block '" + name + "', which the block list does not have");
    context.events.on(RamBlocks{blocks_.all()});
    return true;
  }

  void report(SectionContext& context, Trouble trouble, const Record& record) {
    const Offset at = context.in.position();
    const Bytes view = context.in.peek(window);
    const auto zeros = static_cast<std::size_t>(
        std::ranges::find_if(view, [](std::uint8_t byte) { return byte != 0; }) - view.begin());
    constexpr std::size_t hole = 16;
    const std::string place = " at " + offset_text(at) + after_page();
    Finding* finding = nullptr;
    if (zeros >= hole) {
      finding = &context.findings.add(Code::zero_run, {at, zeros},
                                      std::to_string(zeros) + " zero bytes stand where a page record belongs" + place);
    } else {
      finding = &context.findings.add(code_of(trouble, record), {at, word_size}, message_of(trouble, record) + place);
    }
    finding->evidence.assign(view.begin(), view.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(64, view.size())));
  }

  std::string after_page() const {
    if (!previous_ || previous_->kind == RamKind::eos || previous_->block >= blocks_.all().size()) return {};
    return ", behind page " + offset_text(previous_->offset) + " of block '" + blocks_[previous_->block].name + "'";
  }

  static Code code_of(Trouble trouble, const Record& record) {
    switch (trouble) {
      case Trouble::no_current_block: return Code::ram_no_current_block;
      case Trouble::unknown_block: return Code::ram_unknown_block;
      case Trouble::beyond_block: return Code::ram_offset_beyond_block;
      case Trouble::bad_payload:
        return (record.word & flag_compress_page) != 0 ? Code::ram_compressed_damaged : Code::ram_xbzrle_damaged;
      default: return Code::ram_bad_flags;
    }
  }

  std::string message_of(Trouble trouble, const Record& record) const {
    switch (trouble) {
      case Trouble::no_current_block: return "a page continues a block before any was named";
      case Trouble::unknown_block: return "a page of a block that is not in the list";
      case Trouble::beyond_block: return "page offset " + offset_text(record.page.offset) + " lies beyond its block";
      case Trouble::bad_payload: return "the content of page " + offset_text(record.page.offset) + " cannot be decoded";
      default:
        return "the word " + offset_text(record.word) + " has impossible page flags " + offset_text(record.word & (reader_.page_size() - 1));
    }
  }

  std::optional<Resume> find_resume(SectionContext& context, Bytes view) {
    for (std::size_t at = 0; at + word_size <= view.size(); ++at) {
      const Bytes here = view.subspan(at);
      if (at > 0 && begins_pages(here)) return Resume{at, false};
      if (ends_section(context, here)) return Resume{at, true};
      if (begins_other_section(context, here)) return Resume{at + wire::qevm::footer_size, true};
    }
    return std::nullopt;
  }

  // The high bytes of a page word are zero in every guest below 2^48 bytes; its flags are never zero.
  bool begins_pages(Bytes here) const {
    if (here[0] != 0 || here[1] != 0) return false;
    const std::uint64_t word = load_be64(here.data());
    if ((word & (reader_.page_size() - 1)) == 0) return false;
    if (word == flag_eos) return here.size() > word_size && (here[word_size] == wire::qevm::section_footer);
    return reader_.chain(here, credible_chain);
  }

  // What follows the footer may go on with a section of which nothing is known here.
  static bool ends_with_own_footer(const SectionContext& context, Bytes here) {
    if (context.facts.footers == false || !is_footer_of(here, context.header.id)) return false;
    const Bytes behind = here.subspan(wire::qevm::footer_size);
    return credible_record(behind, {}, false) || credible_short_header(behind);
  }

  // Where the rest of RAM and more is lost: a section begins behind the footer of another one.
  static bool begins_other_section(const SectionContext& context, Bytes here) {
    return here[0] == wire::qevm::section_footer && here.size() > wire::qevm::footer_size && context.facts.footers != false &&
           likely_long_header(here.subspan(wire::qevm::footer_size));
  }

  static bool ends_section(const SectionContext& context, Bytes here) {
    if (here[0] == wire::qevm::section_footer) return ends_with_own_footer(context, here);
    if (here[0] == 0) return is_described_end(here);
    if (here[0] > wire::qevm::section_full || context.facts.footers == true) return false;
    if (likely_long_header(here)) return true;
    const std::array ids{context.header.id};
    return here.size() >= wire::qevm::short_header_size + word_size && credible_record(here, ids, false) &&
           load_be64(&here[wire::qevm::short_header_size]) < (std::uint64_t{1} << 48);
  }

  void report_resumed(SectionContext& context, Offset from, const Resume& resume) {
    const Offset to = context.in.position();
    std::string message = to == from ? "the end mark is missing; " : bytes_text(to - from) + " of guest RAM could not be read; ";
    message += resume.section_over ? "the section ends at " : "page records go on at ";
    auto& finding = context.findings.add(resume.section_over ? Code::ram_unterminated : Code::ram_resynchronised,
                                         ByteRange::between(from, to), message + offset_text(to));
    const std::uint64_t one_record = word_size + reader_.page_size();
    if (to - from == one_record || to - from == word_size + 1)
      finding.hint = "exactly one record is lost: its page word is damaged, the rest of RAM is in step";
    else if (!resume.section_over)
      finding.hint = "bytes were lost, inserted or overwritten here; the page in front of this place may be damaged as well";
  }

  BlockTable blocks_;
  RecordReader reader_;
  std::vector<RamPage> batch_;
  std::optional<RamPage> previous_;
  bool page_size_known_ = false;
  bool page_size_checked_ = false;
  bool list_expected_ = false;  ///< QEMU lists the blocks at the start only
  bool in_list_ = false;
  bool fill_noted_ = false;
  bool hook_noted_ = false;
  bool version_noted_ = false;
  std::size_t adopted_ = 0;  ///< blocks that pages name but the list does not
  unsigned damages_ = 0;
};

class RamParser final : public SectionParser {
 public:
  std::string_view name() const override { return "ram"; }
  std::string_view description() const override {
    return "guest RAM, version 4: pages plain, zero, filled, XBZRLE, zlib; mapped-ram lists";
  }
  bool accepts(std::string_view section, std::uint32_t, SectionType type) const override {
    return section == "ram" && type == SectionType::start;
  }
  std::unique_ptr<SectionBody> begin() const override { return std::make_unique<RamBody>(); }
  bool could_continue(Bytes body) const override {
    if (body.size() < word_size) return false;
    const std::uint64_t word = load_be64(body.data());
    return word != 0 && word < (std::uint64_t{1} << 48) && (word & (flag_page | flag_zero | flag_eos)) != 0;
  }
  Code cut_code() const override { return Code::ram_ends_early; }
};

}  // namespace

const SectionParser& section_ram() {
  static const RamParser parser;
  return parser;
}

}  // namespace vmstate
