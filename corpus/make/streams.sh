#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# streams.sh OUT: small streams written by the installed QEMU 7.2 (x86), none with firmware inside.
set -euo pipefail
out=${1:?usage: streams.sh OUT}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/bytes.sh"
source "$here/guest.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
halting_bios "$scratch/halt.bin"
dirtying_bios "$scratch/dirty.bin"
mkdir -p "$out"

# keep NAME: checks $scratch/stream and takes it into the corpus, compressed if it is larger than 64 KiB.
keep() {
  assert_no_firmware "$scratch/stream"
  if (($(stat -c %s "$scratch/stream") > 65536)); then
    xz -9e -c "$scratch/stream" >"$out/$1.xz"
  else
    install -m 644 "$scratch/stream" "$out/$1"
  fi
  rm "$scratch/stream"
}
# stopped NAME QEMU_ARGUMENT…: saves a guest that never ran.
stopped() {
  local name=$1
  shift
  guest "$(save_to "$scratch/stream")" -S -m 1 -bios "$scratch/halt.bin" "$@"
  keep "$name"
}

stopped q72-none.migr -M none
stopped q72-isapc.migr -M isapc
stopped q72-microvm.migr -M microvm,acpi=off
stopped q72-pc.migr -M pc-i440fx-7.2,acpi=off
stopped q72-pc-2.3.migr -M pc-i440fx-2.3,acpi=off
stopped q72-pc-2.2.migr -M pc-i440fx-2.2,acpi=off
stopped q72-q35.migr -M q35,acpi=off
stopped q72-pc-smp2.migr -M pc-i440fx-7.2,acpi=off -smp 2
stopped q72-pc-rtl8139.migr -M pc-i440fx-7.2,acpi=off -nic none -netdev hubport,id=n,hubid=0 -device rtl8139,netdev=n,romfile=
stopped q72-pc-usb-virtio.migr -M pc-i440fx-7.2,acpi=off -device virtio-rng-pci -device piix3-usb-uhci -device usb-kbd
stopped q72-pc-nodescription.migr -M pc-i440fx-7.2,acpi=off,suppress-vmdesc=on
# the network card alone is 130 KiB of registers
stopped q72-pc-e1000.migr -M pc-i440fx-7.2,acpi=off -nic none -netdev hubport,id=n,hubid=0 -device e1000,netdev=n,romfile=

# Registers written by port I/O: PCI command and BARs of the rtl8139 (slot 2), its MAC, IDE and UART registers.
pokes='o /l 0xcf8 0x80001010
o /l 0xcfc 0xc001
o /l 0xcf8 0x80001004
o /l 0xcfc 0x7
o /l 0xc000 0x43500a05
o /l 0xc004 0x65444943
o /b 0x1f7 0x05
o /b 0x177 0x06
o /b 0x3ff 0x5a'
guest "$pokes
$(save_to "$scratch/stream")" -S -m 1 -bios "$scratch/halt.bin" -M pc-i440fx-7.2,acpi=off -serial null \
  -netdev hubport,id=n,hubid=0 -device rtl8139,netdev=n,romfile=
keep q72-pc-registers.migr

# A guest that runs, and one that keeps dirtying three pages while it is saved.
guest "$(save_to "$scratch/stream")" -m 1 -bios "$scratch/halt.bin" -M isapc
keep q72-isapc-running.migr
guest "migrate_set_capability xbzrle on
migrate_set_parameter max-bandwidth 64k
migrate_set_parameter downtime-limit 10
$(save_to "$scratch/stream")" -m 1 -bios "$scratch/dirty.bin" -M isapc
keep q72-isapc-xbzrle.migr
guest "migrate_set_capability compress on
$(save_to "$scratch/stream")" -m 1 -bios "$scratch/dirty.bin" -M isapc
keep q72-isapc-compress.migr

# Disks: an empty one sent along (block migration), and a dirty bitmap over a null device.
truncate -s 3M "$scratch/disk"
guest "migrate_set_capability zero-blocks on
migrate -b \"exec:cat > $scratch/stream\"" -S -m 1 -bios "$scratch/halt.bin" -M isapc -drive "file=$scratch/disk,format=raw,if=ide"
keep q72-isapc-block.migr
guest "qemu-io disk0 \"write 0 64k\"
migrate_set_capability x-ignore-shared on
$(save_to "$scratch/stream")" -S -m 1 -bios "$scratch/halt.bin" -M isapc,memory-backend=ram \
  -object memory-backend-file,id=ram,size=1M,share=on,mem-path="$scratch/ram" -drive "file=$scratch/disk,format=raw,if=none,id=disk0"
keep q72-isapc-ignore-shared.migr

# What only QMP can ask for.
qmp_guest() {
  local commands=$1
  shift
  mkdir -p "$scratch/no-roms"
  { printf '{"execute":"qmp_capabilities"}\n%s\n' "$commands"; sleep 1; echo '{"execute":"quit"}'; } |
    timeout 60 qemu-system-x86_64 -L "$scratch/no-roms" -nodefaults -vga none -display none -accel tcg \
      -rtc base=2020-01-01,clock=vm -qmp stdio "$@" >"$scratch/qmp.log" 2>&1
  if grep -q '"error"' "$scratch/qmp.log"; then cat "$scratch/qmp.log" >&2; return 1; fi
}
qmp_guest '{"execute":"xen-save-devices-state","arguments":{"filename":"'"$scratch/stream"'"}}' \
  -S -m 1 -bios "$scratch/halt.bin" -M isapc
keep q72-isapc-xen-devices.migr
qmp_guest '{"execute":"block-dirty-bitmap-add","arguments":{"node":"disk0","name":"daily","persistent":false}}
{"execute":"block-dirty-bitmap-add","arguments":{"node":"disk0","name":"weekly","persistent":false,"disabled":true}}
{"execute":"human-monitor-command","arguments":{"command-line":"qemu-io disk0 \"write 64k 64k\""}}
{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"dirty-bitmaps","state":true}]}}
{"execute":"migrate","arguments":{"uri":"exec:cat > '"$scratch/stream"'"}}' \
  -S -m 1 -bios "$scratch/halt.bin" -M isapc -blockdev driver=raw,node-name=disk0,file.driver=file,file.filename="$scratch/disk"
keep q72-isapc-dirty-bitmap.migr
