// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/codec_source.hpp"

#include <algorithm>
#include <cstring>

#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/symmetric.hpp>

#include "parsers/source/member_sequence.hpp"

namespace vmstate {
namespace {

namespace io = boost::iostreams;

constexpr std::streamsize input_buffer = 64 << 10;

// A layer as a Source of Boost.Iostreams. A fault of the medium is kept and looks to the filter as if bytes were late:
// it must not take it for the end.
class LowerDevice {
 public:
  using char_type = char;
  using category = io::source_tag;

  explicit LowerDevice(ByteSource& lower) : lower_(lower) {}

  std::streamsize read(char* to, std::streamsize room) {
    const auto view = lower_.view(at_, 1);
    if (!view) {
      fault_ = view.error();
      return 0;
    }
    if (view->empty()) return -1;
    const auto count = std::min<std::size_t>(view->size(), static_cast<std::size_t>(room));
    std::memcpy(to, view->data(), count);
    at_ += count;
    return static_cast<std::streamsize>(count);
  }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  ByteSource& lower_;
  Offset at_ = 0;
  std::optional<Fault> fault_;
};

// The members of a layer as a SymmetricFilter of Boost.Iostreams. It never throws: an exception would lose what was
// decoded in the same call.
class SequenceFilter {
 public:
  using char_type = char;

  explicit SequenceFilter(MemberSequence* sequence) : sequence_(sequence) {}

  bool filter(const char*& in, const char* in_end, char*& out, char* out_end, bool flush) {
    Bytes input(reinterpret_cast<const std::uint8_t*>(in), static_cast<std::size_t>(in_end - in));
    Room room(reinterpret_cast<std::uint8_t*>(out), static_cast<std::size_t>(out_end - out));
    const bool goes_on = sequence_->decode(input, room, flush);
    in = in_end - input.size();
    out = out_end - room.size();
    return goes_on;
  }
  void close() {}

 private:
  MemberSequence* sequence_;
};

}  // namespace

struct CodecSource::Pipeline {
  Pipeline(ByteSource& lower, std::unique_ptr<MemberDecoder> decoder, DecodingBudget& budget)
      : device(lower), sequence(std::move(decoder), budget), filter(input_buffer, &sequence) {}

  LowerDevice device;
  MemberSequence sequence;
  io::symmetric_filter<SequenceFilter> filter;
};

CodecSource::CodecSource(ByteSource& lower, std::unique_ptr<MemberDecoder> decoder, DecodingBudget& budget)
    : lower_(lower), pipeline_(std::make_unique<Pipeline>(lower, std::move(decoder), budget)) {}

CodecSource::~CodecSource() = default;

Result<std::size_t> CodecSource::produce(std::span<std::uint8_t> room) {
  const std::streamsize count = pipeline_->filter.read(pipeline_->device, reinterpret_cast<char*>(room.data()),
                                                       static_cast<std::streamsize>(room.size()));
  if (count > 0) return static_cast<std::size_t>(count);
  if (pipeline_->device.fault()) return tl::make_unexpected(*pipeline_->device.fault());
  return std::size_t{0};
}

SourceEnd CodecSource::end() const { return pipeline_->sequence.end(); }

CodecExtent CodecSource::extent() const { return pipeline_->sequence.extent(); }

std::optional<Fault> CodecSource::health() const {
  auto own = SequentialSource::health();
  return own ? own : lower_.health();
}

}  // namespace vmstate
