#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   run.sh PROGRAM WORK_FOLDER DICTIONARIES SEEDS…
# Runs one libFuzzer program for VMSTATE_FUZZ_SECONDS (10). What it learns stays in WORK_FOLDER; an input that breaks a
# promise is left there too, and belongs into corpus/regressions once the fault is mended.
set -euo pipefail
program=$1 name=$(basename "$1") work=$2 dictionaries=$3
shift 3
mkdir -p "$work/$name" "$work/failures"
seeds=()
for folder in "$@"; do [[ ! -d $folder ]] || seeds+=("$folder"); done
dictionary=$dictionaries/${name#fuzz_}.dict
[[ -e $dictionary ]] || dictionary=$dictionaries/qevm.dict
# A short quarantine keeps the sanitizer's own memory out of the limit.
export ASAN_OPTIONS=quarantine_size_mb=8:detect_leaks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
exec "$program" -max_total_time="${VMSTATE_FUZZ_SECONDS:-10}" -rss_limit_mb=256 -timeout=25 -max_len=131072 \
  -print_final_stats=1 -dict="$dictionary" -artifact_prefix="$work/failures/$name-" "$work/$name" "${seeds[@]}"
