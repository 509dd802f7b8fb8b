#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# malformed.sh CORPUS: one kind of damage a file, each done to CORPUS/streams/q72-none.migr: CORPUS/malformed/.
# MANIFEST.md says what a reader has to notice in each.
set -euo pipefail
corpus=${1:?usage: malformed.sh CORPUS}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/bytes.sh"
out=$corpus/malformed
base=$corpus/streams/q72-none.migr
mkdir -p "$out"

# Places in the base, by the sizes of the records in front of them.
start=17                              # header 8, configuration 9
block_list=$((start + 17))            # long header of "ram"; a word and one entry, then EOS and a footer
part=$((block_list + 8 + 12 + 8 + 5))
first_page=$((part + 5))              # word, 03 "ram", fill byte
second_page=$((first_page + 13))      # word, fill byte
timer=$(($(find_text "$base" timer) - 6))
timer_body=$((timer + 19))
global=$(($(find_text "$base" globalstate) - 6))
global_body=$((global + 25))
eof=$((global_body + 104 + 5))
description=$((eof + 6))

# damaged NAME: a fresh copy; prints its path.
damaged() { copy "$base" "$out/$1"; echo "$out/$1"; }
cut_at() { head -c "$2" "$base" >"$out/cut-$1"; }
set_at() { overwrite "$(damaged "$1")" "$2" "$3"; }
insert_at() { insert "$(damaged "$1")" "$2" "$3"; }
append() { cat >>"$(damaged "$1")"; }

: >"$out/empty"
cut_at in-magic 2
cut_at in-version 6
cut_at behind-header 8
cut_at in-configuration 14
cut_at in-section-header $((start + 9))
cut_at in-block-list $((block_list + 10))
cut_at in-page-word $((second_page + 4))
cut_at between-pages $second_page
cut_at before-footer $((timer_body + 24))
cut_at between-sections "$global"
cut_at in-device $((global_body + 20))
cut_at before-eof $eof
cut_at before-description $((eof + 1))
cut_at in-description $((description + 100))

set_at magic-reversed 0 4d564551
set_at version-5 4 00000005
set_at version-3-says-2 4 00000002
set_at machine-name-length-huge 9 ffffffff
set_at section-name-empty $((start + 5)) 00
set_at section-name-unknown $((start + 7)) 58
set_at ram-version-9 $((block_list - 4)) 00000009
set_at block-list-total-larger "$block_list" 0000000000101004
set_at block-length-huge $((block_list + 12)) 7ffffffffffff000
set_at page-flags-impossible $((second_page + 7)) 2e
set_at page-beyond-block "$second_page" 0000000000900022
set_at page-fill-nonzero $((second_page + 8)) 41
set_at page-of-unknown-block $((first_page + 9)) 58
set_at page-continues-nothing $((first_page + 7)) 22
set_at footer-wrong-id $((global - 4)) 000000ff
set_at footer-missing $((global - 5)) 00
set_at section-version-raised $((timer_body - 1)) 03
set_at section-instance-changed $((timer_body - 5)) 07
set_at part-of-unknown-section $((part + 1)) 00000009
set_at run-state-unknown $((global_body + 4)) 7a
set_at description-length-larger $((eof + 2)) 00010000
set_at description-length-smaller $((eof + 2)) 00000010
set_at description-not-json $((description + 4)) 00ff
set_at description-of-other-size $(($(find_text "$base" '"size": 8') + 8)) 39

insert_at zero-before-section "$timer" 00
insert_at zero-in-device $((timer_body + 1)) 00
insert_at subsection-at-top-level "$timer" 05
insert_at command-unknown "$timer" 0800ff0000
insert_at command-ping-too-short "$timer" 080002000100
insert_at package-longer-than-stream "$timer" 0800070004ffffffff
insert_at package-in-package "$timer" 080007000400000009080007000400000000
insert_at newline-in-front 0 0a
{ hex efbbbf; cat "$base"; } >"$out/byte-order-mark-in-front"
file=$(damaged section-removed) && delete "$file" "$timer" $((global - timer))
file=$(damaged page-byte-lost) && delete "$file" $((second_page + 3)) 1
{ head -c "$global" "$base"; tail -c "+$((timer + 1))" "$base"; } >"$out/section-twice"
{ head -c "$timer" "$base"; tail -c "+$((global + 1))" "$base" | head -c $((eof - global))
  tail -c "+$((timer + 1))" "$base" | head -c $((global - timer)); tail -c "+$((eof + 1))" "$base"; } >"$out/sections-exchanged"
{ head -c 512 "$base"; head -c 512 /dev/zero; tail -c +1025 "$base"; } >"$out/hole-in-ram"

head -c 4096 /dev/zero | append trailing-zeros
printf 'something else' | append trailing-bytes
append second-stream <"$base"

# What transports do to files.
sed 's/$/\r/' "$base" >"$out/text-mode-crlf"
iconv -f latin1 -t utf-8 "$base" >"$out/utf-8-mangled"
base64 "$base" >"$out/base64"
LC_ALL=C tr '\200-\377' '\000-\177' <"$base" >"$out/high-bits-stripped"
{ printf '400\r\n'; head -c 1024 "$base"; printf '\r\n80d\r\n'; tail -c +1025 "$base"; printf '\r\n0\r\n\r\n'; } >"$out/http-chunks"

# Files that want to cost the reader memory or time.
{ head -c "$eof" "$base"; hex 0006 00002710; head -c 10000 /dev/zero | tr '\0' '['; } >"$out/description-nested-deeply"
array='{"page_size": 4096, "devices": [{"name": "timer", "instance_id": 0, "vmsd_name": "timer", "version": 2, "fields": [{"name": "x", "array_len": 4294967295, "type": "uint8", "size": 4294967295}]}]}'
{ head -c "$eof" "$base"; hex 0006; word_be ${#array}; printf '%s' "$array"; } >"$out/description-array-huge"
{ head -c "$timer" "$base"; for ((i = 0; i < 64; ++i)); do hex 0800070004; word_be $((9 * (63 - i))); done; } >"$out/packages-nested-deeply"
{ head -c "$timer" "$base"; for ((i = 0; i < 300; ++i)); do hex 04; word_be $((i + 100)); hex 01 61 00000000 00000001; done; } >"$out/sections-empty-many"
