// SPDX-License-Identifier: Apache-2.0
#include "formats/layouts/layout.hpp"

namespace vmstate {

std::uint64_t msix_vectors(Bytes pci_config) {
  constexpr std::size_t standard_space = 256;
  constexpr std::size_t status_at = 0x06, first_capability_at = 0x34;
  constexpr std::uint8_t has_capabilities = 0x10, msix = 0x11;
  constexpr unsigned most_capabilities = 48;  // four bytes each, behind the header of 64
  if (pci_config.size() < standard_space || (pci_config[status_at] & has_capabilities) == 0) return 0;
  std::size_t at = pci_config[first_capability_at] & 0xfcu;
  for (unsigned seen = 0; at != 0 && seen < most_capabilities; ++seen) {
    if (pci_config[at] == msix) {
      const unsigned control = pci_config[at + 2] | static_cast<unsigned>(pci_config[at + 3]) << 8;
      return (control & 0x7ffu) + 1;
    }
    at = pci_config[at + 1] & 0xfcu;
  }
  return 0;
}

}  // namespace vmstate
