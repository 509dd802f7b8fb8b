#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   run.sh BUILD_FOLDER COMPILER STATE_FILE
# Installs the build into a scratch folder, builds main.cpp against it by find_package and by pkg-config, and runs both.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1 compiler=$2 file=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
stage=$scratch/stage

# quietly COMMAND…: shows what it says only when it fails.
quietly() { "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }; }

quietly cmake --install "$build" --prefix "$stage"
flags=$(sed -n 's/^CMAKE_CXX_FLAGS_CHECKED:[A-Z]*=//p' "$build/CMakeCache.txt" | grep -o -- '-fsanitize=[^ ]*' || true)

quietly cmake -S "$here" -B "$scratch/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$stage" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS="$flags"
quietly cmake --build "$scratch/cmake"

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$stage" -name vmstate.pc)")
read -ra compile < <(pkg-config --cflags vmstate)
read -ra link < <(pkg-config --libs vmstate)
quietly "$compiler" -std=c++20 $flags "${compile[@]}" "$here/main.cpp" "${link[@]}" -o "$scratch/by-pkg-config"

for program in "$scratch/cmake/consumer" "$scratch/by-pkg-config"; do
  names=$("$program" "$file" | tr '\n' ' ')
  echo "$(basename "$program"): $names"
  [[ $names == *ram*globalstate* ]]
done
