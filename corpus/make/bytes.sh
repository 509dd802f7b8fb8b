# SPDX-License-Identifier: Apache-2.0
# Sourced. Small edits of binary files.

# hex DIGITS…: the bytes on stdout.
hex() { printf '%s' "$@" | xxd -r -p; }
word_be() { hex "$(printf '%08x' "$1")"; }
word_le() { hex "$(printf '%08x' "$1" | sed -E 's/(..)(..)(..)(..)/\4\3\2\1/')"; }

# copy FROM TO: writable, whatever FROM is.
copy() { install -m 644 "$1" "$2"; }
# overwrite FILE OFFSET HEX
overwrite() { hex "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
# insert FILE OFFSET HEX
insert() {
  { head -c "$2" "$1"; hex "$3"; tail -c "+$(($2 + 1))" "$1"; } >"$1.new"
  mv "$1.new" "$1"
}
# delete FILE OFFSET COUNT
delete() {
  { head -c "$2" "$1"; tail -c "+$(($2 + $3 + 1))" "$1"; } >"$1.new"
  mv "$1.new" "$1"
}
# find_text FILE TEXT: offset of its first occurrence.
find_text() { grep -obaF -m1 -- "$2" "$1" | head -n1 | cut -d: -f1; }
