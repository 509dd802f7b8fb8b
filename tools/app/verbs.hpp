// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/app/inspection.hpp"
#include "tools/app/text.hpp"

namespace vmstate::app {

// One verb of vmstate-dump each, over one opened file. They print and answer the medium's Fault, if any; the exit status
// is the inspection's.
[[nodiscard]] Result<void> overview(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> sections(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> state(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> ram(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> bytes(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> check(Inspection& inspection, const DumpOptions& options, const Io& io);
[[nodiscard]] Result<void> extract(Inspection& inspection, const DumpOptions& options, const Io& io);

/// What this build can read, and which findings it can make.
int formats(const DumpOptions& options, const Io& io);
/// What a code means, for `check --explain`.
int explain(const DumpOptions& options, const Io& io);

/// Lines about layers and stream that several verbs print.
void write_stream_lines(Text& text, const Inspection& inspection);
/// The findings, or that there are none.
void write_findings_block(Text& text, const Inspection& inspection);

}  // namespace vmstate::app
