#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make.sh [CORPUS]: makes every file of the corpus that can be made (all but the old streams, see MANIFEST.md).
# Needs QEMU 7.2 (x86), xxd, the compressors and iconv; ./dev corpus installs them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
corpus=${1:-$here/..}
"$here/streams.sh" "$corpus/streams"
"$here/containers.sh" "$corpus"
"$here/malformed.sh" "$corpus"
"$here/handmade.sh" "$corpus"
