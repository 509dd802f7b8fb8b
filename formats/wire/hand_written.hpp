// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "formats/base/bytes.hpp"
#include "formats/wire/qevm.hpp"

// Sections whose bodies a device's own code writes, not a description: docs/formats/sentinel.md, "Bodies written by hand".
namespace vmstate::wire {

/// Names behind the device path. None of these bodies holds a struct element that a description would give an end, unless
/// holds_virtio_record() says so.
inline constexpr std::array hand_written_sections{
    std::string_view("audio"),          std::string_view("cpu_common"),     std::string_view("s390-skeys"),
    std::string_view("slirp"),          std::string_view("todclock"),       std::string_view("virtio-9p"),
    std::string_view("virtio-balloon"), std::string_view("virtio-blk"),     std::string_view("virtio-console"),
    std::string_view("virtio-gpu"),     std::string_view("virtio-input"),   std::string_view("virtio-net"),
    std::string_view("virtio-rng"),     std::string_view("virtio-scsi"),    std::string_view("virtio-serial"),
    std::string_view("vhost-scsi"),
};

/// `section`: a section name, with or without a device path ("0000:00:03.0/virtio-net").
constexpr bool is_hand_written(std::string_view section) {
  const auto slash = section.rfind('/');
  if (slash != std::string_view::npos) section.remove_prefix(slash + 1);
  return std::ranges::find(hand_written_sections, section) != hand_written_sections.end();
}

/// Whether a subsection of the generic part of a virtio device stands in a body. QEMU 2.4 to 2.7 put them behind what the
/// device's own code wrote, and some of them hold structs.
inline bool holds_virtio_record(Bytes body) {
  constexpr std::string_view prefix = "virtio/";
  constexpr std::size_t mark_and_length = 2;
  const std::string_view text = as_text(body);
  for (auto at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1))
    if (at >= mark_and_length && body[at - 2] == qevm::subsection && body[at - 1] > prefix.size()) return true;
  return false;
}

}  // namespace vmstate::wire
