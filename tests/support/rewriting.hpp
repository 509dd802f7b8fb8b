// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/support/field_text.hpp"
#include "tests/support/inspected.hpp"
#include "tools/app/upgrade.hpp"

namespace vmstate::test {

using Target = SentinelWriter::Target;

struct Upgraded {
  int status = 0;
  std::string out;
  std::string err;
};

/// Runs `vmstate-upgrade input -o output --to target`.
inline Upgraded upgrade(const std::string& input, const std::string& output, Target target) {
  app::RewriteOptions options;
  options.files = {input};
  options.output = output;
  options.target = target;
  options.progress = app::When::never;
  Upgraded result;
  app::Io io;
  io.out = [&](std::string_view text) { result.out += text; };
  io.err = [&](std::string_view text) { result.err += text; };
  result.status = app::upgrade(options, io);
  return result;
}

/// What the devices of a file say, and everything else of it.
struct Read {
  Inspected seen;
  FieldText fields;

  explicit Read(const std::string& path) { seen = inspect(path, {.more = &fields}); }
  std::size_t errors() const {
    return static_cast<std::size_t>(std::ranges::count(seen.findings, Severity::error, &Finding::severity));
  }
};

}  // namespace vmstate::test
