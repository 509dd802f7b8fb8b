#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#   walls.sh [ROOT]        checks the rules of walls.awk; prints the violations and exits 1 if there are any
#   walls.sh --self-test   plants violations in a scratch tree and expects each of them to be found, and nothing else
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

check() {  # ROOT
  cd "$1"
  { find parsers -name CMakeLists.txt -print0
    find formats parsers tools tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 2>/dev/null | sort -z
  } | xargs -0 awk -f "$here/walls.awk"
}

# FILE and a line that must not stand in it; "ok" marks lines that may.
planted='
formats/base/a.cpp|#include "formats/wire/qevm.hpp"
formats/wire/a.hpp|#include "parsers/api/opener.hpp"
formats/encode/a.cpp|#include "parsers/api/opener.hpp"
formats/base/b.hpp|#include <fmt/format.h>
parsers/api/a.cpp|#include "parsers/source/open_chain.hpp"
parsers/source/a.cpp|#include "formats/encode/json_writer.hpp"
parsers/openers/a.cpp|#include "parsers/openers/gzip.hpp"
parsers/streams/a.cpp|#include "parsers/sections/ram_pages.hpp"
parsers/sections/a.cpp|#include "formats/encode/json_writer.hpp"
parsers/sections/b.cpp|#include <boost/iostreams/filter/gzip.hpp>
parsers/inspect/a.hpp|#include "formats/base/cursor.hpp"
parsers/inspect/b.hpp|#include "parsers/api/registry.hpp"
parsers/inspect/c.cpp|#include <gtest/gtest.h>
tools/app/a.cpp|#include <CLI/CLI.hpp>
tools/app/b.cpp|  std::cout << 1;
tools/app/c.cpp|  if (isatty(1)) return;
tools/app/d.cpp|  const auto now = std::chrono::steady_clock::now();
tools/app/e.cpp|  printf("x");
tools/app/f.cpp|#include "parsers/openers/gzip.hpp"
formats/wire/b.hpp|  auto* p = reinterpret_cast<const Header*>(bytes.data());
formats/loaders/a.cpp|#include "formats/encode/json_writer.hpp"
ok parsers/inspect/ok.cpp|#include "formats/loaders/generations.hpp"
ok formats/base/ok.cpp|#include "formats/base/events.hpp"
ok parsers/openers/gzip.cpp|#include "parsers/openers/gzip_members.hpp"
ok parsers/source/ok.cpp|#include <boost/iostreams/filter/gzip.hpp>
ok tools/app/ok.cpp|  // std::cout is for main.cpp
ok tools/app/ok2.cpp|  std::snprintf(text, 8, "x");
ok tools/vmstate-dump/main.cpp|#include <CLI/CLI.hpp>
ok tests/unit/ok_test.cpp|#include <gtest/gtest.h>
'

self_test() {
  local tree file line expected=0 found wrong=0
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' RETURN
  while IFS='|' read -r file line; do
    [[ -n $file ]] || continue
    [[ $file == ok\ * ]] || ((++expected))
    file=${file#ok }
    mkdir -p "$tree/${file%/*}"
    printf '// SPDX-License-Identifier: Apache-2.0\n%s\n' "$line" >"$tree/$file"
  done <<<"$planted"
  echo 'vmstate_plugins(OPENER bzip2 gzip)' >"$tree/parsers/openers/CMakeLists.txt"
  echo 'int no_licence_line;' >"$tree/formats/base/bare.cpp"
  ((++expected))
  found=$( (check "$tree" || true) | cut -d: -f1 | sort -u)
  while IFS='|' read -r file line; do
    [[ -n $file ]] || continue
    if [[ $file == ok\ * ]]; then
      ! grep -qxF "${file#ok }" <<<"$found" || { echo "wrongly reported: $file: $line"; wrong=1; }
    else
      grep -qxF "$file" <<<"$found" || { echo "not found: $file: $line"; wrong=1; }
    fi
  done <<<"$planted"
  (($(wc -l <<<"$found") == expected)) || { echo "expected $expected files with violations, found:"; echo "$found"; wrong=1; }
  echo "self-test: $expected planted violations"
  return $wrong
}

case ${1:-} in
  --self-test) self_test ;;
  *) (check "${1:-$here/..}") ;;
esac
