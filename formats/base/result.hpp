// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// Why a step could not go on. Faults of the evidence become exactly one Finding where they are absorbed;
/// faults of the medium travel to the command (exit 74).
struct Fault {
  enum class Kind : std::uint8_t {
    medium,  ///< I/O error, file shrank while read, disk full
    refused  ///< the input cannot be read as any known format, or the operation makes no sense for it
  };
  Kind kind = Kind::medium;
  std::string message;  ///< a sentence without trailing full stop
};

template <class T>
using Result = tl::expected<T, Fault>;

inline tl::unexpected<Fault> medium_fault(std::string message) {
  return tl::make_unexpected(Fault{Fault::Kind::medium, std::move(message)});
}
inline tl::unexpected<Fault> refused(std::string message) {
  return tl::make_unexpected(Fault{Fault::Kind::refused, std::move(message)});
}

}  // namespace vmstate
