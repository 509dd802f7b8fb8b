// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/pipe_source.hpp"

#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace vmstate {

Result<std::size_t> PipeSource::produce(std::span<std::uint8_t> room) {
  for (;;) {
    const ssize_t count = ::read(descriptor_.number(), room.data(), room.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR)
      return medium_fault("I/O error reading " + name_ + " at offset " + std::to_string(produced()) + ": " +
                          std::strerror(errno));
  }
}

}  // namespace vmstate
