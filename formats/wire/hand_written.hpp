// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

// Sections whose bodies a device's own code writes, not a description: docs/formats/sentinel.md, "Bodies written by hand".
namespace vmstate::wire {

/// Names behind the device path. None of these bodies holds a struct element that a description would give an end.
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

}  // namespace vmstate::wire
