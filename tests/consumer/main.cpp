// SPDX-License-Identifier: Apache-2.0
// What a user of the installed library writes: opens a state file and prints the names of its sections.
#include <iostream>

#include <formats/base/events.hpp>
#include <parsers/source/open_chain.hpp>

namespace {

class SectionNames final : public vmstate::EventSink {
 public:
  void on(const vmstate::SectionBegin& event) override { std::cout << vmstate::section_label(event.header) << '\n'; }
};

int explain(const vmstate::Fault& fault) {
  std::cerr << fault.message << '\n';
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 64;
  const vmstate::Limits limits;
  const vmstate::Registry& registry = vmstate::built_in_plugins();
  vmstate::Findings findings(limits);
  auto file = vmstate::open_path(arguments[1], vmstate::IoMode::automatic);
  if (!file) return explain(file.error());
  auto chain = vmstate::OpenChain::open(std::move(*file), registry, findings, limits);
  if (!chain) return explain(chain.error());
  if ((*chain)->stream() == nullptr) return 2;
  SectionNames names;
  vmstate::ForwardReader reader((*chain)->innermost(), (*chain)->origin(), (*chain)->stream_offset());
  vmstate::ParseContext context{reader, names, findings, limits, registry, {}, nullptr};
  (*chain)->stream()->parse(context);
  return 0;
}
