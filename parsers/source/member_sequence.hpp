// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "formats/base/byte_source.hpp"
#include "parsers/api/decoding_budget.hpp"
#include "parsers/source/codec_source.hpp"
#include "parsers/source/member_decoder.hpp"

namespace vmstate {

/// Decodes a compressed layer: members back to back, then perhaps zero padding and bytes that belong to nothing.
class MemberSequence {
 public:
  /// `budget` outlives the sequence.
  MemberSequence(std::unique_ptr<MemberDecoder> decoder, DecodingBudget& budget)
      : decoder_(std::move(decoder)), budget_(budget), layer_(budget.add_layer()) {}

  /// Takes from `in` and puts to `out`, shortening both, until one of them is used up or the layer ends. `last`:
  /// nothing follows `in`. False: the layer has ended.
  bool decode(Bytes& in, Room& out, bool last);

  SourceEnd end() const;
  CodecExtent extent() const { return extent_; }

 private:
  enum class Place : std::uint8_t { border, member, padding, end };

  bool advance_once(Bytes& in, Room& out, bool last);
  bool at_border(Bytes& in, bool last);
  bool in_member(Bytes& in, Room& out, bool last);
  bool in_padding(Bytes& in, bool last);
  bool after_step(DecodeStep step);
  bool finish(SourceEnd::Cause cause, std::string_view detail = {});
  bool finish_at_garbage(Offset at);
  DecodeStep step(Bytes& in, Room& out);

  std::unique_ptr<MemberDecoder> decoder_;
  DecodingBudget& budget_;
  std::size_t layer_;
  Place place_ = Place::border;
  Offset consumed_ = 0;
  Offset member_begin_ = 0;
  std::uint64_t delivered_ = 0;
  CodecExtent extent_;
  SourceEnd::Cause cause_ = SourceEnd::Cause::clean;
  std::string detail_;
};

}  // namespace vmstate
