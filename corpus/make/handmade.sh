#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# handmade.sh CORPUS: records written by hand, field by field, of kinds that no QEMU at hand writes small.
#   CORPUS/section_<name>/   seeds of the section parsers: u8 version, u8 facts (tests/fuzz/section_driver.cpp), bodies
#   CORPUS/streams/hand-*    whole streams
set -euo pipefail
corpus=${1:?usage: handmade.sh CORPUS}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/bytes.sh"

byte() { hex "$(printf '%02x' "$1")"; }
name() { byte ${#1}; printf '%s' "$1"; }
double_be() { hex "$(printf '%016x' "$1")"; }
zeros() { head -c "$1" /dev/zero; }
fill() { head -c "$1" /dev/zero | tr '\0' "$2"; }
seed() { mkdir -p "$corpus/section_$1"; cat >"$corpus/section_$1/$2"; }

# --- sections -------------------------------------------------------------------------------------------------------
{ hex 01 01; double_be 2; } | seed block start
{ hex 01 01; double_be $((50 << 9 | 4)); double_be 9; name ide0-hd0; double_be $((2048 << 9 | 9)); name ide0-hd0
  double_be $((100 << 9 | 4)); double_be 2; } | seed block zero-blocks
{ hex 01 01; double_be $((2048 << 9 | 1)); name vda; fill 1000 D; } | seed block data-cut
{ hex 01 01; double_be $((1 << 9 | 0x40)); } | seed block flags-unknown

{ hex 01 01; hex 1c; name nd; name bm1; hex 00010000 03; hex 14; name bm0; hex 00010000 01; hex 01
  hex 4e; name nd; name bm1; double_be 0; word_be 2048
  hex 44; name bm0; double_be 0; word_be 2048; double_be 32; fill 32 B; hex 24; name bm1; hex 24; name bm0; hex 01
} | seed dirty_bitmap two-bitmaps
{ hex 01 01 01; } | seed dirty_bitmap end-only
{ hex 01 01; hex 4c; name nd; name bm1; double_be 0; word_be 64; double_be 1000000; } | seed dirty_bitmap size-huge
{ hex 01 01 80 00 01; } | seed dirty_bitmap wide-flags

{ hex 01 01; word_be 21; word_be 0; hex 00000010 0002 0001; fill 32 H; hex 00000000 0000 0000; } | seed spapr_htab table
{ hex 01 01; word_be 4294967295; } | seed spapr_htab none
{ hex 01 01; word_be 21; word_be 0; hex 0000ffff ffff ffff; fill 64 H; } | seed spapr_htab entries-cut

{ hex 00 01; double_be 1; double_be 2; double_be 16; fill 16 S; double_be 1; double_be 8; double_be 1; } |
  seed s390_storage_attributes blocks
{ hex 00 01; double_be 2; double_be 1152921504606846976; } | seed s390_storage_attributes count-huge

{ hex 01 01; double_be 8; fill 8 P; } | seed pbs_state small
{ hex 01 01; double_be 9223372036854775807; } | seed pbs_state size-huge

pages=20480  # five pages of 4 KiB
block_list_word() { double_be $(($1 | 4)); }
{ hex 04 01; block_list_word $pages; name pc.ram; double_be $pages; double_be 16
  double_be $((0x0000 | 8)); name pc.ram; fill 4096 d              # data
  double_be $((0x1000 | 0x22)); hex 00                             # zero, same block
  double_be $((0x2000 | 0x22)); hex 41                             # filled with another byte
  double_be $((0x0000 | 0x60)); hex 01 0004 05 02 5a5a             # xbzrle of the first page
  double_be $((0x3000 | 0x120)); word_be 26                        # compressed zeros
  hex 789cedc1010d000000c2a0f74f6d0f0714000000f06e10000001
  double_be 512; double_be 16; } | seed ram every-kind
{ hex 04 01; block_list_word $pages; name a; double_be 8192; name b; double_be 12288; double_be 16
  double_be $((0x1000 | 2)); name b; hex 00; double_be $((0x0000 | 0x22)); hex 00; double_be 16; } | seed ram two-blocks
{ hex 04 09; block_list_word $pages; name shared; double_be $pages; double_be 4294967296; double_be 16; } | seed ram ignore-shared
{ hex 04 11; block_list_word 4194304; name huge; double_be 4194304; double_be 2097152; double_be 16; } | seed ram postcopy-page-size
{ hex 04 05; block_list_word 16384; name m; double_be 16384                # mapped-ram: four pages, two stored
  word_be 1; double_be 4096; double_be 46; double_be 4096
  hex 0500000000000000; zeros 4042; fill 4096 1; zeros 4096; fill 4096 3; zeros 4096; double_be 16; } | seed ram mapped
{ hex 03 01; double_be $((8192 | 4)); double_be $((0x0000 | 2)); hex 00; double_be $((0x1000 | 8)); fill 4096 3; double_be 16; } |
  seed ram version-3
{ hex 04 01; block_list_word 4611686018427387904; name big; double_be 4611686018427387904; double_be 16
  double_be $((0x2000 | 2)); name big; hex 00; double_be 16; } | seed ram block-huge
{ hex 04 00; block_list_word 4096; name k; double_be 4096; double_be 16; double_be $((0x400 | 8)); name k; fill 1024 k; double_be 16; } |
  seed ram page-size-unknown

# --- streams --------------------------------------------------------------------------------------------------------
stream() { cat >"$corpus/streams/hand-$1"; }
header() { printf QEVM; word_be "$1"; }
long_header() { byte "$1"; word_be "$2"; name "$3"; word_be "$4"; word_be "$5"; }  # type, id, name, instance, version
footer() { hex 7e; word_be "$1"; }
small_ram() {  # ID: START, PART and END of a block of two pages
  long_header 1 "$1" ram 0 4; block_list_word 8192; name pc.ram; double_be 8192; double_be 16; footer "$1"
  hex 02; word_be "$1"; double_be 2; name pc.ram; hex 00; double_be 16; footer "$1"
  hex 03; word_be "$1"; double_be $((0x1000 | 0x28)); fill 4096 r; double_be 16; footer "$1"
}
timer() { long_header 4 1 timer 0 2; zeros 24; footer 1; }

# version 1: records to the end of the file; RAM version 1: tag 0 and a page, tag 1 and a byte
record() { name "$1"; word_be "$2"; word_be "$3"; word_be "$4"; }
{ header 1; record timer 0 1 8; zeros 8
  record ram 0 1 4103; word_be 8192; hex 00; fill 4096 r; hex 01 00; } | stream v1.qevm
# version 2: the same behind a total length
{ record timer 0 2 16; zeros 16; record unknown 7 1 3; printf abc; } >"$corpus/records"
{ header 2; double_be "$(stat -c %s "$corpus/records")"; cat "$corpus/records"; } | stream v2.qevm
rm "$corpus/records"

{ header 3; hex 07; word_be 4; printf virt
  hex 05; name configuration/target-page-bits; word_be 1; word_be 12
  hex 05; name configuration/capabilities; word_be 1; word_be 1; name validate-uuid
  hex 05; name configuration/uuid; word_be 1; fill 16 u
  small_ram 2; timer; hex 00; } | stream configuration.migr
{ header 3; hex 07; word_be 2; printf pc
  hex 0800010000; hex 0800020004; word_be 1; hex 0800030010; double_be 4096; double_be 4096
  small_ram 2
  hex 0800060019 00; name pc.ram; hex 00; double_be 4096; double_be 4096  # discard
  hex 0800070004; word_be 67                                             # package:
  hex 0800040000; timer; hex 0800020004; word_be 3; hex 0800050000
  hex 0800020004; word_be 4
  hex 02; word_be 2; double_be $((0x1000 | 8)); name pc.ram; fill 4096 R; double_be 16; footer 2; hex 00; } | stream postcopy.migr
{ header 3; hex 07; word_be 1; printf m
  hex 05; name configuration/capabilities; word_be 1; word_be 1; name mapped-ram
  long_header 1 2 ram 0 4; block_list_word 16384; name m; double_be 16384; word_be 1; double_be 4096; double_be 129; double_be 1048576
} >"$corpus/mapped"
bitmap_at=$(stat -c %s "$corpus/mapped")
overwrite "$corpus/mapped" $((bitmap_at - 16)) "$(printf '%016x' "$bitmap_at")"
{ cat "$corpus/mapped"; hex 0500000000000000; zeros $((1048576 - bitmap_at - 8)); fill 4096 1; zeros 4096; fill 4096 3; zeros 4096
  double_be 16; footer 2; hex 03; word_be 2; double_be 16; footer 2; timer; hex 00; } | xz -9e >"$corpus/streams/hand-mapped-ram.migr.xz"
rm "$corpus/mapped"
