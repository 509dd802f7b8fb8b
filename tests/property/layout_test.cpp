// SPDX-License-Identifier: Apache-2.0
// What a writer writes by a layout is what the decoder reads by it, whatever the values look like, in both encodings.
#include <gtest/gtest.h>

#include "formats/layouts/catalogue.hpp"
#include "parsers/api/layout_decoder.hpp"
#include "tests/support/layout_writer.hpp"

namespace vmstate::test {
namespace {

constexpr Offset base = 0x100;

TEST(LayoutProperty, WhatIsWrittenIsWhatIsRead) {
  std::size_t bodies = 0, sentinels = 0, most = 0;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const auto catalogue = LayoutCatalogue::of({{"random.json", random_layouts(seed)}});
    ASSERT_TRUE(catalogue.has_value()) << catalogue.error().message;
    for (const char* name : {"p1", "p3", "p5"})
      for (const std::uint32_t version : {1u, 2u, 3u})
        for (const bool with_sentinels : {false, true}) {
          SCOPED_TRACE(std::to_string(seed) + " " + name + " v" + std::to_string(version) + (with_sentinels ? " sentinels" : ""));
          const Layout& layout = *catalogue->for_section(name)[0];
          LayoutWriter writer(seed, with_sentinels);
          writer.write(layout, version);
          if (writer.bytes().size() > 200000) continue;
          const ByteVector bytes = writer.bytes() + hex("05 06 06 05 04 00 00");
          const auto decoding = decode_by_layout({layout, bytes, base, version, {with_sentinels}}, Limits{});
          EXPECT_EQ(decoding.stop, LayoutStop::none) << decoding.stopped_in;
          ASSERT_EQ(decoding.size, writer.bytes().size());
          EXPECT_EQ(decoding.sentinels, writer.sentinels());
          std::vector<std::string> notes;
          tree_notes(decoding.tree.fields, decoding.tree.subsections, "", base, notes);
          ASSERT_EQ(notes, writer.notes());
          ++bodies;
          sentinels += writer.sentinels();
          most = std::max(most, notes.size());
        }
  }
  EXPECT_GT(bodies, 5000u);
  EXPECT_GT(sentinels, 10000u);
  EXPECT_GT(most, 100u);
}

}  // namespace
}  // namespace vmstate::test
