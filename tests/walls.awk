# SPDX-License-Identifier: Apache-2.0
# The walls of the house (docs/architecture.md) as rules over the source text. Reads files named relative to the root of
# the tree, CMakeLists first, and prints each violation as FILE:LINE: RULE: TEXT. See walls.sh.

BEGIN {
  PLUGINS = "^parsers/(openers|streams|sections)/"

  # room(FILES, MAY_INCLUDE): project headers that files of a room may include; other files may include any.
  room("^formats/base/", "^formats/base/")
  room("^formats/wire/", "^formats/(base|wire)/")
  room("^formats/layouts/", "^formats/(base|layouts)/")
  room("^formats/encode/", "^formats/")
  room("^formats/loaders/", "^formats/(base|wire|loaders)/")
  room("^parsers/api/", "^(formats/(base|wire|layouts)|parsers/api)/|^vmstate_plugins[.]inc$")
  room("^parsers/source/", "^(formats/(base|wire)|parsers/(api|source))/")
  room("^parsers/framing/", "^(formats/(base|wire|layouts)|parsers/(api|framing))/")
  room(PLUGINS, "^(formats/(base|wire|layouts)|parsers/(api|source|framing))/")
  room("^parsers/inspect/", "^(formats/(base|wire|loaders)|parsers/inspect)/")
  room("^tools/app/", "^(formats|parsers|tools/app)/")

  # only(FILES, TEXT, RULE): text that no other file may hold.
  MAIN = "^tools/(vmstate-[^/]+/main|world/world)[.]cpp$"
  only("^(parsers/source/|formats/encode/compressor[.]cpp$)", "#include [<\"]boost/iostreams", "boost/iostreams only in parsers/source and in the compressor")
  only(MAIN, "#include [<\"]CLI", "CLI11 only in main.cpp")
  only("^tests/", "#include [<\"]g(test|mock)", "gtest only in tests")
  only(MAIN "|^tests/", "std::(cout|cerr|clog|cin|exit|quick_exit|abort|system|time|getenv)[^A-Za-z0-9_]", "the world only through Io")
  only(MAIN "|^tests/", "(^|[^A-Za-z0-9_.>])(exit|_exit|isatty|getenv|v?f?printf|puts|fputs|perror)[(]", "the world only through Io")
  only(MAIN "|^tests/", "fmt::print|std::chrono::[a-z_]+_clock", "the world only through Io")
  only("^formats/base/bytes[.]hpp$|^parsers/source/|^tests/", "reinterpret_cast", "no casts of bytes")

  # never(FILES, TEXT, RULE): text that these files may not hold.
  never("^parsers/inspect/", "#include \"formats/base/(cursor|byte_source|forward_reader)[.]hpp\"", "inspect sees events, never bytes")
  never("^(formats/(base|wire|encode|layouts|loaders)|parsers/(api|inspect))/.*[.]hpp$|^parsers/source/open_chain[.]hpp$",
        "#include <(fmt|boost|pugixml|lz4|lzo|zlib|zstd|lzma)", "installed headers need nothing but tl::expected")
}

function room(files, may_include) { room_files[++rooms] = files; room_may[rooms] = may_include }
function only(files, text, rule) { only_files[++onlys] = files; only_text[onlys] = text; only_rule[onlys] = rule }
function never(files, text, rule) { never_files[++nevers] = files; never_text[nevers] = text; never_rule[nevers] = rule }

function violation(rule) { print FILENAME ":" FNR ": " rule ": " $0; found = 1 }
function stem(path) { sub(/[.][^.\/]*$/, "", path); return path }
function folder(path) { sub(/\/[^\/]*$/, "", path); return path }

# A plug-in is known by its factory only; helpers beside it belong to the plug-ins of that folder.
function check_plugin_include(target) {
  if (stem(target) in plugin && stem(target) != stem(FILENAME)) violation("nobody includes a plug-in")
  else if (folder(target) != folder(FILENAME)) violation("helpers of plug-ins belong to their folder")
}
function check_include(target,  i) {
  if (FILENAME ~ /^tests\//) return
  if (target ~ PLUGINS) { check_plugin_include(target); return }
  for (i = 1; i <= rooms; ++i)
    if (FILENAME ~ room_files[i] && target !~ room_may[i]) violation("a wall stands between")
}

# The CMakeLists of the plug-in folders are read first: they say which files are plug-ins.
FILENAME ~ /CMakeLists[.]txt$/ {
  if (sub(/^vmstate_plugins[(][A-Z]+ /, "") && sub(/[)].*/, "")) {
    for (n = split($0, names, " "); n > 0; --n) plugin[folder(FILENAME) "/" names[n]]
  }
  next
}
FNR == 1 && !/SPDX-License-Identifier: Apache-2.0/ { violation("the first line is the SPDX line") }
{ sub(/(^|[ \t])\/\/.*/, "") }
/^[ \t]*#include "/ { split($0, quoted, "\""); check_include(quoted[2]) }
{
  for (i = 1; i <= onlys; ++i) if (FILENAME !~ only_files[i] && $0 ~ only_text[i]) violation(only_rule[i])
  for (i = 1; i <= nevers; ++i) if (FILENAME ~ never_files[i] && $0 ~ never_text[i]) violation(never_rule[i])
}
END { exit found }
