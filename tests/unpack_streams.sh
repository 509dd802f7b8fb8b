#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   unpack_streams.sh FOLDER: unpacks the real state files there, unless that is done already. Exit 77: there are none.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
streams=${VMSTATE_STREAMS:-$root/../shared/streams}
if [[ ! -x $streams/unpack || ! -e $streams/MANIFEST.json ]]; then
  echo "SKIPPED: real state files: there is no $streams/unpack (set VMSTATE_STREAMS)"
  exit 77
fi
"$streams/unpack" "$1"
