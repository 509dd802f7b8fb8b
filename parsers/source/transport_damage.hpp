// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "formats/base/bytes.hpp"
#include "formats/base/finding.hpp"

namespace vmstate {

/// What a program on the way did to a whole file.
struct TransportDamage {
  Code code;        ///< one of 801 to 805
  ByteRange range;  ///< where it shows first, in the sample
  std::string message;
  std::string hint;
};

/// How much of a file's start is enough for diagnose_transport.
inline constexpr std::size_t transport_sample = 1u << 20;

/// What happened in transit to the bytes of `sample`, the start of a file. Meant for files that are known to be broken:
/// each answer needs much evidence, but a healthy one may give it all the same. Text is taken for what it is.
std::optional<TransportDamage> diagnose_transport(Bytes sample);

}  // namespace vmstate
