#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   run.sh PROGRAM RUNS WORK_FOLDER DICTIONARIES SEEDS…
# Runs one libFuzzer program. By itself it tries RUNS inputs, the same ones every time. With VMSTATE_FUZZ_SECONDS it
# explores for that long, and what it learns stays in WORK_FOLDER. An input that breaks a promise is left there too, and
# belongs into corpus/regressions once the fault is mended.
set -euo pipefail
program=$1 runs=$2 name=$(basename "$1") work=$3 dictionaries=$4
shift 4
mkdir -p "$work/$name" "$work/failures"
seeds=()
for folder in "$@"; do [[ ! -d $folder ]] || seeds+=("$folder"); done
dictionary=$dictionaries/${name#fuzz_}.dict
[[ -e $dictionary ]] || dictionary=$dictionaries/qevm.dict

export ASAN_OPTIONS=quarantine_size_mb=8:detect_leaks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
# A single allocation is what an input can make the program ask for: no limit of the drivers (fuzz_limits) comes near 48 MB.
# The resident size is mostly the sanitizer's and libFuzzer's own, which keeps its corpus in memory; its limit is for leaks
# of the kind that only grow.
options=(-malloc_limit_mb=48 -rss_limit_mb=1024 -timeout=25 -report_slow_units=5 -max_len=131072 -print_final_stats=1
  -dict="$dictionary" -artifact_prefix="$work/failures/$name-")

if [[ -n ${VMSTATE_FUZZ_SECONDS:-} ]]; then
  exec "$program" "${options[@]}" -max_total_time="$VMSTATE_FUZZ_SECONDS" "$work/$name" "${seeds[@]}"
fi
# The same inputs every time: seeds in the order of their names, nothing learnt before, and nothing that depends on
# addresses, which are the same in each run (where the system lets us ask for that) and not picked up from comparisons.
fixed=()
! setarch -R true 2>/dev/null || fixed=(setarch -R)
list=$work/$name.seeds
find "${seeds[@]}" -type f | LC_ALL=C sort | paste -sd, | tr -d '\n' >"$list"
exec "${fixed[@]}" "$program" "${options[@]}" -seed=1 -runs="$runs" -use_cmp=0 -seed_inputs=@"$list"
