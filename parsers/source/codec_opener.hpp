// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "parsers/api/opener.hpp"
#include "parsers/source/member_decoder.hpp"

namespace vmstate {

/// What all compressed layers have in common. A codec adds how its first bytes look and a decoder.
class CodecOpener : public Opener {
 public:
  [[nodiscard]] Result<Opened> open(const OpenContext& context) const final;
  void conclude(Opened& opened, const OpenContext& context) const final;

 protected:
  /// Null: not enough memory.
  virtual std::unique_ptr<MemberDecoder> make_decoder() const = 0;
  /// Details that the first bytes tell, where they are recognised.
  virtual void describe(Bytes, Layer&) const {}
};

}  // namespace vmstate
