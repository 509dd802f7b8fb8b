// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/encode/sentinel_writer.hpp"
#include "tools/app/inspection.hpp"
#include "tools/app/io.hpp"
#include "tools/app/options.hpp"

namespace vmstate::app {

/// What became of one file. Without obstacles the output is there, whole, synced, and proven: read back, it is the
/// original in the other version.
struct Rewrite {
  std::vector<SentinelWriter::Obstacle> obstacles;  ///< why nothing was written; empty: it was
  std::uint64_t more_obstacles = 0;
  std::uint32_t from_version = 0;
  std::uint32_t to_version = 0;
  std::uint64_t sentinels = 0;    ///< put in or left out
  std::uint64_t stream_size = 0;  ///< of the output's stream, bytes; trailing bytes not counted
};

struct RewriteOptions : CommonOptions {
  SentinelWriter::Target target = SentinelWriter::Target::sentinel;
  std::string output;
  bool force = false;  ///< replace an existing output
};

/// Writes the stream of `inspection` (opened, not run) in the other version into options.output, inside the containers
/// that it came in. Faults of the medium and an output that exists are Faults; nothing is left behind then.
[[nodiscard]] Result<Rewrite> rewrite(Inspection& inspection, const RewriteOptions& options, const Io& io);

}  // namespace vmstate::app
