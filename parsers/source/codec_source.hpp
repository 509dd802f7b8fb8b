// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "parsers/api/decoding_budget.hpp"
#include "parsers/source/member_decoder.hpp"
#include "parsers/source/sequential_source.hpp"

namespace vmstate {

/// What a compressed layer turned out to consist of, so far. Offsets count compressed bytes.
struct CodecExtent {
  std::uint64_t members = 0;      ///< complete ones
  Offset data_end = 0;            ///< behind the last compressed byte used
  Offset padding_end = 0;         ///< behind the zero bytes that follow the data
  std::optional<Offset> garbage;  ///< where bytes begin that belong to no member
  bool ended = false;             ///< decoding reached its end, whatever kind of end
};

/// The decoded content of a compressed layer. Delivers every byte in front of damage; end() says how the layer ended.
class CodecSource final : public SequentialSource {
 public:
  /// `lower` and `budget` must outlive the source.
  CodecSource(ByteSource& lower, std::unique_ptr<MemberDecoder> decoder, DecodingBudget& budget);
  ~CodecSource() override;

  SourceEnd end() const override;
  std::optional<Fault> health() const override;
  CodecExtent extent() const;

 private:
  struct Pipeline;
  Result<std::size_t> produce(std::span<std::uint8_t> room) override;

  ByteSource& lower_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace vmstate
