#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# containers.sh CORPUS: one stream of CORPUS/streams in every wrapper, whole, cut, damaged, in pieces and with a tail.
# Seeds of the openers: CORPUS/opener_<name>/.
set -euo pipefail
corpus=${1:?usage: containers.sh CORPUS}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/bytes.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
stream=$corpus/streams/q72-none.migr

# wrap NAME SUFFIX COMMAND…: the standard set of one compressor, which reads stdin and writes stdout.
wrap() {
  local out=$corpus/opener_$1/none.$2
  shift 2
  mkdir -p "${out%/*}"
  "$@" <"$stream" >"$out"
  local size
  size=$(stat -c %s "$out")
  head -c $((size / 2)) "$out" >"$out.cut"
  head -c $((size - 3)) "$out" >"$out.cut-in-trailer"
  copy "$out" "$out.damaged" && overwrite "$out.damaged" $((size / 2)) ffffffff
  { cat "$out"; printf 'tail that is no member'; } >"$out.tail"
  { cat "$out"; head -c 512 /dev/zero; } >"$out.padded"
  { head -c 1000 "$stream" | "$@"; tail -c +1001 "$stream" | "$@"; } >"$out.two-members"
  "$@" </dev/null >"$out.empty"
}
wrap gzip gz gzip -9n
wrap bzip2 bz2 bzip2 -9
wrap xz xz xz -9
wrap zstd zst zstd -q -9
wrap lz4 lz4 lz4 -q -9
wrap lzop lzop lzop -q -9

# Options that change the frame: checks, block sizes, several blocks, names in the header.
(cd "$scratch" && cp "$stream" none && gzip -9 -c none) >"$corpus/opener_gzip/named.gz"
xz -9 --check=crc32 -c "$stream" >"$corpus/opener_xz/crc32.xz"
xz --block-size=1024 -c "$stream" >"$corpus/opener_xz/blocks.xz"
zstd -q --no-check -c "$stream" >"$corpus/opener_zstd/no-checksum.zst"
zstd -q --long=27 -c "$stream" >"$corpus/opener_zstd/long-window.zst"
{ hex 502a4d18 08000000 736b6970 70656421; zstd -q -c "$stream"; } >"$corpus/opener_zstd/skippable.zst"
lz4 -q -BD -B4 --content-size -c "$stream" >"$corpus/opener_lz4/linked-blocks.lz4"
lz4 -q --no-frame-crc -BX -c "$stream" >"$corpus/opener_lz4/block-checksums.lz4"
lz4 -q -l -c "$stream" >"$corpus/opener_lz4/legacy.lz4"
lzop -q -1 -CC -c "$stream" >"$corpus/opener_lzop/crc32.lzop"
lzop -q -F -c "$stream" >"$corpus/opener_lzop/no-checksum.lzop"

# Layers inside each other, and one that expands by a factor of a thousand.
gzip -n <"$stream" | xz | zstd -q >"$corpus/opener_zstd/gzip-in-xz-in.zst"
head -c 8M /dev/zero | gzip -9n >"$corpus/opener_gzip/8-MiB-of-zeros.gz"
cp "$stream" "$scratch/deep"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do gzip -n "$scratch/deep" && mv "$scratch/deep.gz" "$scratch/deep"; done
mv "$scratch/deep" "$corpus/opener_gzip/twelve-layers.gz"

# libvirt_image ORDER VERSION FORMAT MAGIC PAYLOAD: a save image as libvirt writes it; ORDER is le or be.
libvirt_image() {
  local order=$1 version=$2 format=$3 magic=$4 payload=$5 xml cookie_at
  xml="<domain type='qemu'><name>none</name><uuid>00000000-0000-0000-0000-000000000000</uuid><memory unit='KiB'>1024</memory>"
  xml+="<os><type arch='x86_64' machine='none'>hvm</type></os></domain>"
  cookie_at=$((${#xml} + 1))
  ((version > 1)) || cookie_at=0
  printf '%s' "$magic"
  local word
  for word in "$version" 1024 0 "$format" "$cookie_at"; do "word_$order" "$word"; done
  head -c 56 /dev/zero
  { printf '%s\0<cookie>\n  <slirpHelper/>\n</cookie>\n\0' "$xml"; head -c 1024 /dev/zero; } | head -c 1024
  cat "$payload"
}
libvirt=$corpus/opener_libvirt_save
mkdir -p "$libvirt"
whole=LibvirtQemudSave
libvirt_image le 1 0 $whole "$stream" >"$libvirt/v1-le.save"
libvirt_image be 1 0 $whole "$stream" >"$libvirt/v1-be.save"
libvirt_image le 2 0 $whole "$stream" >"$libvirt/v2-le.save"
libvirt_image be 2 0 $whole "$stream" >"$libvirt/v2-be.save"
libvirt_image le 2 0 LibvirtQemudPart "$stream" >"$libvirt/v2-le-part.save"
libvirt_image le 2 1 $whole "$corpus/opener_gzip/none.gz" >"$libvirt/v2-le-gzip.save"
libvirt_image le 2 2 $whole "$corpus/opener_bzip2/none.bz2" >"$libvirt/v2-le-bzip2.save"
libvirt_image le 2 3 $whole "$corpus/opener_xz/none.xz" >"$libvirt/v2-le-xz.save"
libvirt_image be 2 4 $whole "$corpus/opener_lzop/none.lzop" >"$libvirt/v2-be-lzop.save"
libvirt_image le 2 5 $whole "$corpus/opener_zstd/none.zst" >"$libvirt/v2-le-zstd.save"
libvirt_image le 2 1 $whole "$corpus/opener_gzip/none.gz.cut" >"$libvirt/v2-le-gzip-cut.save"
libvirt_image le 2 6 $whole "$stream" >"$libvirt/v2-le-format-6.save"
libvirt_image le 2 99 $whole "$stream" >"$libvirt/v2-le-format-unknown.save"
libvirt_image le 3 0 $whole "$stream" >"$libvirt/v3-le.save"
head -c 60 "$libvirt/v2-le.save" >"$libvirt/cut-in-header.save"
head -c 400 "$libvirt/v2-le.save" >"$libvirt/cut-in-xml.save"
copy "$libvirt/v2-le.save" "$libvirt/length-beyond-end.save" && overwrite "$libvirt/length-beyond-end.save" 20 ffffff7f
copy "$libvirt/v2-le.save" "$libvirt/length-zero.save" && overwrite "$libvirt/length-zero.save" 20 00000000
copy "$libvirt/v2-le.save" "$libvirt/cookie-beyond-xml.save" && overwrite "$libvirt/cookie-beyond-xml.save" 32 ffff0000
