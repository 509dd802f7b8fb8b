// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/bytes.hpp"

namespace vmstate {

/// A number that a body itself says: an earlier field of the same body, or how many vectors the MSI-X capability in the
/// PCI configuration space read last has (0 without one).
struct LayoutNumber {
  std::optional<std::uint32_t> field;  ///< index in Layout::fields; nothing: MSI-X vectors
  std::string name;                    ///< as the layout says it
};

/// How many elements, or bytes, a field has: `fixed`, or (number * times + plus) / divide.
struct LayoutCount {
  std::uint64_t fixed = 1;
  std::optional<LayoutNumber> number;
  std::uint32_t times = 1;
  std::uint32_t plus = 0;
  std::uint32_t divide = 1;
};

/// What must hold for a field to be there: `number & mask` compared with `value`.
struct LayoutCondition {
  enum class Test : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
  LayoutNumber number;
  std::uint64_t mask = ~std::uint64_t{0};
  Test test = Test::not_equal;
  std::int64_t value = 0;
};

struct Layout;

/// One field of a body, in wire order.
struct LayoutField {
  enum class Form : std::uint8_t {
    value,      ///< elements of a wire type
    structure,  ///< elements with a layout of their own; version 4 writes a sentinel behind each
    embedded,   ///< the same written by hand: no sentinel
    list        ///< elements with a byte 1 in front of each and a byte 0 behind the last; no sentinels
  };
  std::string name;
  std::string type;  ///< wire type; "struct" for all forms but value
  Form form = Form::value;
  std::uint64_t element_size = 0;  ///< bytes of one element of a value
  bool array = false;              ///< elements are numbered, even a single one
  bool sized = false;              ///< `count` is the size in bytes of one value
  LayoutCount count;
  std::optional<std::uint32_t> since, until;  ///< versions of the body that have it, both included
  std::vector<LayoutCondition> conditions;    ///< all must hold
  bool named_later = false;                   ///< a count or a condition refers to it
  const Layout* body = nullptr;               ///< of all forms but value
};

/// What the body of a section, a structure or a subsection consists of.
struct Layout {
  std::string id;    ///< what references say
  std::string name;  ///< the writer's word for it: in front of its subsections' names
  std::vector<std::string> sections;  ///< names of sections that have such a body, without device path
  std::vector<std::string> releases;  ///< of QEMU whose writer it is, in order of text; none: said by hand
  std::string source;                 ///< file it comes from
  std::uint32_t version = 0;          ///< newest version of the body
  std::uint32_t minimum = 0;          ///< oldest version that has these fields
  std::vector<LayoutField> fields;
  std::vector<const Layout*> subsections;

  bool reads(std::uint32_t body_version) const { return body_version >= minimum && body_version <= version; }
};

/// The one tree that wrote version-4 streams.
inline constexpr std::string_view sentinel_release = "0.15.50";

/// MSI-X vectors that a PCI configuration space announces; 0 if there is no such capability. PCI 3.0 §6.8.2.
std::uint64_t msix_vectors(Bytes pci_config);

}  // namespace vmstate
