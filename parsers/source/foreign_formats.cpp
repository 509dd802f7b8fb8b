// SPDX-License-Identifier: Apache-2.0
#include "parsers/source/foreign_formats.hpp"

#include <algorithm>
#include <array>

#include "formats/base/cursor.hpp"
#include "formats/wire/ram.hpp"
#include "parsers/api/record_probe.hpp"

namespace vmstate {
namespace {

using namespace std::string_view_literals;

constexpr auto xen_hint = "this build does not unwrap Xen's streams; QEMU's part of one begins with QEVM"sv;
constexpr auto image_hint =
    "internal snapshots of disk images are not read by this build; qemu-img snapshot -l lists them"sv;
constexpr auto disk_hint = "a disk holds no state of a running machine"sv;
constexpr auto dump_hint = "a memory dump holds no device state; crash, gdb or volatility read it"sv;
constexpr auto unpack_hint = "unpack it first"sv;
constexpr auto vmware_hint = "VMware keeps the memory of the machine in a .vmem file beside it"sv;
constexpr auto xml_hint = "it describes a machine; the state is in the file it names"sv;
constexpr auto channel_hint = "it holds nothing but RAM pages; the main channel begins with QEVM"sv;

constexpr std::array formats{
    ForeignFormat{0, "Xen saved domain, xl format\n"sv, "a domain saved by Xen's xl", xen_hint},
    ForeignFormat{0, "LibxlFmt"sv, "a libxl stream of Xen", xen_hint},
    ForeignFormat{0, "\xff\xff\xff\xff\xff\xff\xff\xffXENF"sv, "a libxc stream of Xen", xen_hint},
    ForeignFormat{0, "LinuxGuestRecord"sv, "a domain saved by Xen before 4.6", xen_hint},
    ForeignFormat{0, "QFI\xfb"sv, "a qcow2 disk image", image_hint},
    ForeignFormat{0, "QED\0"sv, "a QED disk image", disk_hint},
    ForeignFormat{0, "KDMV"sv, "a VMDK disk image", disk_hint},
    ForeignFormat{0, "# Disk DescriptorFile"sv, "the description of a VMDK disk image", disk_hint},
    ForeignFormat{0, "conectix"sv, "a VHD disk image", disk_hint},
    ForeignFormat{0, "vhdxfile"sv, "a VHDX disk image", disk_hint},
    ForeignFormat{0, "<<< "sv, "a VDI disk image", disk_hint},
    ForeignFormat{0, "LUKS\xba\xbe"sv, "a LUKS volume", "open it with cryptsetup first"sv},
    ForeignFormat{0, "VMA\0"sv, "a Proxmox backup archive (VMA)",
                  "vma extract unpacks it; it holds disks and a configuration"sv},
    ForeignFormat{0, "\xd0\xbe\xd2\xbe"sv, "a VMware suspended state or snapshot", vmware_hint},
    ForeignFormat{0, "\xd1\xbe\xd2\xbe"sv, "a VMware suspended state or snapshot", vmware_hint},
    ForeignFormat{0, "\xd2\xbe\xd2\xbe"sv, "a VMware suspended state or snapshot", vmware_hint},
    ForeignFormat{0, "\xd3\xbe\xd2\xbe"sv, "a VMware suspended state or snapshot", vmware_hint},
    ForeignFormat{0, "\x7fVirtualBox SavedState"sv, "a VirtualBox saved state", ""sv},
    ForeignFormat{0,
                  "\x7f"
                  "ELF"sv,
                  "an ELF file: a dump of guest memory, or a program", dump_hint},
    ForeignFormat{0, "KDUMP   "sv, "a kdump of guest memory", dump_hint},
    ForeignFormat{0, "DISKDUMP"sv, "a diskdump of guest memory", dump_hint},
    ForeignFormat{0, "makedumpfile"sv, "a flattened kdump of guest memory", dump_hint},
    ForeignFormat{0, "PAGEDUMP"sv, "a 32-bit Windows crash dump", dump_hint},
    ForeignFormat{0, "PAGEDU64"sv, "a 64-bit Windows crash dump", dump_hint},
    ForeignFormat{0, "MDMP"sv, "a Windows minidump", dump_hint},
    ForeignFormat{0, "EMiL"sv, "a LiME image of memory", dump_hint},
    ForeignFormat{0, "\x11\x22\x33\x44\0\0\0\1"sv, "a further channel of a multi-channel migration (multifd)",
                  channel_hint},
    ForeignFormat{0, "\0\2\0\4\0\0\0\1"sv, "the return path of a migration: what the destination answered", ""sv},
    ForeignFormat{0, "\x02\x21\x4c\x18"sv, "a legacy LZ4 frame", "lz4 -d FILE STATE unpacks it"sv},
    ForeignFormat{0, "\x5d\0\0"sv, "LZMA data without xz framing", "xz --format=lzma -dc FILE > STATE unpacks it"sv},
    ForeignFormat{0, "\x1f\x9d"sv, "compress data (.Z)", "gzip -dc FILE > STATE unpacks it"sv},
    ForeignFormat{0, "PK\x03\x04"sv, "a zip archive", unpack_hint},
    ForeignFormat{0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", unpack_hint},
    ForeignFormat{0, "Rar!\x1a\x07"sv, "a RAR archive", unpack_hint},
    ForeignFormat{0, "070701"sv, "a cpio archive", unpack_hint},
    ForeignFormat{257, "ustar"sv, "a tar archive", unpack_hint},
    ForeignFormat{0, "<domainsnapshot"sv, "the description of a libvirt snapshot (XML)", xml_hint},
    ForeignFormat{0, "<domain"sv, "the description of a libvirt domain (XML)", xml_hint},
    ForeignFormat{0, "<!DOCTYPE html"sv, "an HTML page",
                  "a server's answer may have been saved in place of the file"sv},
    ForeignFormat{0, "<html"sv, "an HTML page", "a server's answer may have been saved in place of the file"sv},
    ForeignFormat{0, "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE"sv, "a description written by libvirt (XML)",
                  xml_hint},
    ForeignFormat{0, "<?xml"sv, "XML text", xml_hint},
    ForeignFormat{0, "{\"page_size\""sv, "the description of a stream without the stream (JSON)", ""sv},
    ForeignFormat{0, "{\"configuration\""sv, "the description of a stream without the stream (JSON)", ""sv},
    ForeignFormat{0, "{\n"sv, "JSON text", ""sv},
    ForeignFormat{0, "{\""sv, "JSON text", ""sv},
    ForeignFormat{0, "[\n"sv, "JSON text", ""sv},
};

bool is_text(std::uint8_t byte) { return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r'); }

// Mostly ASCII, no control characters: text in some language.
bool looks_like_text(Bytes bytes) {
  const auto ascii = static_cast<std::size_t>(std::ranges::count_if(bytes, is_text));
  const bool clean = std::ranges::all_of(bytes, [](std::uint8_t byte) { return is_text(byte) || byte >= 0x80; });
  return clean && ascii > bytes.size() / 4 * 3;
}

// A channel that carries page records without a header before them, as postcopy's preempt channel does.
bool is_page_record(Bytes bytes) {
  Cursor in(bytes);
  const auto flags = in.be64("word") % wire::ram::smallest_page;
  const auto name = in.counted_text("block");
  return flags == wire::ram::flag_page && in.ok() && credible_name(name);
}

std::size_t distinct_values(Bytes bytes) {
  std::array<bool, 256> seen{};
  for (const std::uint8_t byte : bytes) seen[byte] = true;
  return static_cast<std::size_t>(std::ranges::count(seen, true));
}

}  // namespace

const ForeignFormat* foreign_format(Bytes head) {
  const std::string_view text = as_text(head);
  const auto matches = [&](const ForeignFormat& format) {
    return text.size() >= format.offset && text.substr(format.offset).starts_with(format.magic);
  };
  const auto it = std::ranges::find_if(formats, matches);
  return it == formats.end() ? nullptr : &*it;
}

std::string describe_bytes(Bytes bytes) {
  constexpr std::size_t enough_to_judge = 2048;
  const std::string_view text = as_text(bytes);
  const auto only = [&](std::string_view set) { return text.find_first_not_of(set) == text.npos; };
  if (text == "\xef\xbb\xbf") return "a byte order mark";
  if (only("\0"sv)) return "zeros";
  if (only("\xff")) return "bytes 0xff";
  if (only("\r\n")) return bytes.size() == 1 ? "a newline" : "newlines";
  if (only(" \t\r\n")) return "white space";
  if (is_page_record(bytes)) return "page records of a RAM section without anything before them";
  if (looks_like_text(bytes)) return "text";
  if (bytes.size() >= enough_to_judge && distinct_values(bytes) > 250) return "compressed, encrypted or random data";
  return "bytes of an unknown kind";
}

}  // namespace vmstate
