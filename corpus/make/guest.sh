# SPDX-License-Identifier: Apache-2.0
# Sourced. A guest without anybody's firmware: a BIOS of a few instructions of our own, no option ROMs, no ACPI tables.
# Needs bytes.sh. All functions work in $scratch, which the caller makes and removes.

# bios FILE RESET_HEX [E000_HEX]: 64 KiB of zeros with code at the reset vector (0xfff0) and perhaps at 0xe000.
bios() {
  head -c 65536 /dev/zero >"$1"
  overwrite "$1" $((0xfff0)) "$2"
  [[ -z ${3:-} ]] || overwrite "$1" $((0xe000)) "$3"
}

# hlt; jmp back to it
halting_bios() { bios "$1" f4ebfd; }

# jmp 0xe000; there: mov ax,0x1000; mov ds,ax; again: inc byte [0x0000]; inc byte [0x1100]; inc byte [0x2200]; jmp again
dirtying_bios() { bios "$1" e90de0 b80010'8ed8''fe060000''fe060011''fe060022'ebf2; }

# guest MONITOR_COMMANDS QEMU_ARGUMENT…: runs QEMU 7.2 on the commands (HMP, one a line) and throws its talk away.
guest() {
  local commands=$1
  shift
  mkdir -p "$scratch/no-roms"
  { printf '%s\n' "$commands"; sleep 0.2; echo quit; } |
    timeout 60 qemu-system-x86_64 -L "$scratch/no-roms" -nodefaults -vga none -display none -accel tcg \
      -rtc base=2020-01-01,clock=vm -monitor stdio "$@" >"$scratch/monitor.log" 2>&1 ||
    { cat "$scratch/monitor.log" >&2; return 1; }
}

# save_to FILE: the monitor command that writes the state.
save_to() { printf 'migrate "exec:cat > %s"' "$1"; }

# assert_no_firmware STREAM: everything before the first device section is guest RAM. Ours is all but empty and shrinks to
# some 400 bytes; one page of anybody's code would not.
assert_no_firmware() {
  local stream=$1 first_device packed
  first_device=$(grep -obaF timer "$stream" | head -n1 | cut -d: -f1)
  packed=$(head -c "${first_device:-0}" "$stream" | xz -9 | wc -c)
  if ((packed > 1024)); then
    echo "$stream: the guest's RAM compresses to $packed bytes: there is more in it than our BIOS" >&2
    return 1
  fi
  if grep -qaE 'SeaBIOS|Bochs|BOCHS|BXPC|iPXE|EFI PART|Plex86|Option ROM' "$stream"; then
    echo "$stream: text of known firmware inside" >&2
    return 1
  fi
}
