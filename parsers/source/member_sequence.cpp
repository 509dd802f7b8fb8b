// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/member_sequence.hpp"

#include <algorithm>

namespace vmstate {
bool MemberSequence::decode(Bytes& in, Room& out, bool last) {
  while (advance_once(in, out, last)) {
  }
  return place_ != Place::end;
}

// Each step returns whether another one can follow right away.
bool MemberSequence::advance_once(Bytes& in, Room& out, bool last) {
  switch (place_) {
    case Place::border: return at_border(in, last);
    case Place::member: return in_member(in, out, last);
    case Place::padding: return in_padding(in, last);
    case Place::end: return false;
  }
  return false;
}

bool MemberSequence::at_border(Bytes& in, bool last) {
  if (in.empty()) return last && finish(SourceEnd::Cause::clean);
  if (extent_.members > 0 && in.front() == 0) {
    place_ = Place::padding;
    return true;
  }
  if (extent_.members > 0 && !decoder_->may_begin(in.front())) return finish_at_garbage(consumed_);
  member_begin_ = consumed_;
  place_ = Place::member;
  return decoder_->restart(budget_.memory_for(layer_)) ||
         finish(SourceEnd::Cause::memory, "not enough memory is left to decode it");
}

bool MemberSequence::in_member(Bytes& in, Room& out, bool last) {
  const std::size_t in_before = in.size();
  const std::size_t out_before = out.size();
  const DecodeStep result = step(in, out);
  if (const auto exceeded = budget_.exceeded()) return finish(SourceEnd::Cause::limit, *exceeded);
  if (result != DecodeStep::more) return after_step(result);
  if (in.size() != in_before || out.size() != out_before) return true;
  if (out.empty()) return false;
  if (!in.empty()) return finish(SourceEnd::Cause::corrupt, "the decoder does not go on");
  return last && finish(SourceEnd::Cause::cut, "the data end inside a member");
}

DecodeStep MemberSequence::step(Bytes& in, Room& out) {
  const std::size_t in_before = in.size();
  const std::size_t out_before = out.size();
  const DecodeStep result = decoder_->step(in, out);
  const std::size_t taken = in_before - in.size();
  const std::size_t given = out_before - out.size();
  consumed_ += taken;
  delivered_ += given;
  budget_.count(layer_, taken, given);
  budget_.hold(layer_, decoder_->memory());
  return result;
}

bool MemberSequence::after_step(DecodeStep step) {
  switch (step) {
    case DecodeStep::member_end:
      ++extent_.members;
      extent_.data_end = extent_.padding_end = consumed_;
      place_ = Place::border;
      return true;
    case DecodeStep::not_a_member:
      if (extent_.members > 0) return finish_at_garbage(member_begin_);
      return finish(SourceEnd::Cause::corrupt, "the header is damaged");
    case DecodeStep::too_large: return finish(SourceEnd::Cause::memory, decoder_->problem());
    default: return finish(SourceEnd::Cause::corrupt, decoder_->problem());
  }
}

bool MemberSequence::in_padding(Bytes& in, bool last) {
  const auto nonzero = std::ranges::find_if(in, [](std::uint8_t byte) { return byte != 0; });
  const auto zeros = static_cast<std::size_t>(nonzero - in.begin());
  advance(in, zeros);
  consumed_ += zeros;
  extent_.padding_end = consumed_;
  if (in.empty()) return last && finish(SourceEnd::Cause::clean);
  const std::size_t unit = decoder_->padding_unit();
  if (unit == 0 || (consumed_ - extent_.data_end) % unit != 0) return finish_at_garbage(consumed_);
  place_ = Place::border;
  return true;
}

bool MemberSequence::finish_at_garbage(Offset at) {
  extent_.garbage = at;
  return finish(SourceEnd::Cause::clean);
}

// Always false: nothing follows the end.
bool MemberSequence::finish(SourceEnd::Cause cause, std::string_view detail) {
  if (cause != SourceEnd::Cause::clean) extent_.data_end = extent_.padding_end = consumed_;
  extent_.ended = true;
  place_ = Place::end;
  cause_ = cause;
  detail_ = detail;
  return false;
}

SourceEnd MemberSequence::end() const {
  return {cause_, delivered_, extent_.ended ? extent_.data_end : consumed_, detail_};
}

}  // namespace vmstate
