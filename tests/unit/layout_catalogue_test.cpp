// SPDX-License-Identifier: Apache-2.0
// Layouts as data: what a file may say, what is refused and in which words, how references are resolved.
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/layouts/catalogue.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

LayoutCatalogue catalogue(const std::string& text) {
  auto made = LayoutCatalogue::of({{"x.json", text}});
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return std::move(*made);
}

std::string complaint(const std::string& text) {
  const auto made = LayoutCatalogue::of({{"x.json", text}});
  if (made) return "accepted";
  EXPECT_EQ(made.error().kind, Fault::Kind::refused);
  return made.error().message;
}

// One layout "dev" of version 1 with these fields.
std::string fields(const std::string& list) {
  return R"({"layouts": [{"name": "dev", "version": 1, "fields": [)" + list + "]}]}";
}

TEST(LayoutCatalogue, SaysWhatAFileSays) {
  const auto made = catalogue(R"({"layouts": [
    {"name": "dev", "version": 3, "minimum": 2, "subsections": ["dev/more"], "fields": [
      {"name": "n", "type": "uint8"},
      {"name": "v", "type": "uint16", "count": {"field": "n", "times": 2, "plus": 1, "divide": 4}},
      {"name": "b", "type": "buffer", "size": "n", "since": 3, "if": "n & 0x0f >= 2 && n != 15"},
      {"name": "s", "struct": "part", "count": 2}]},
    {"name": "part", "version": 1, "fields": [{"name": "x", "type": "int64", "until": 4}]},
    {"name": "dev/more", "version": 1, "fields": []}]})");
  const auto found = made.for_section("0000:00:01.0/dev");
  ASSERT_EQ(found.size(), 1u);
  const Layout& dev = *found[0];
  EXPECT_TRUE(dev.reads(2) && dev.reads(3));
  EXPECT_FALSE(dev.reads(1) || dev.reads(4));
  EXPECT_TRUE(dev.fields[0].named_later);
  const LayoutCount& count = dev.fields[1].count;
  EXPECT_EQ(count.number->field, 0u);
  EXPECT_EQ((std::array{count.times, count.plus, count.divide}), (std::array{2u, 1u, 4u}));
  EXPECT_TRUE(dev.fields[2].sized);
  EXPECT_EQ(dev.fields[2].since, 3u);
  ASSERT_EQ(dev.fields[2].conditions.size(), 2u);
  EXPECT_EQ(dev.fields[2].conditions[0].mask, 15u);
  EXPECT_EQ(dev.fields[2].conditions[0].test, LayoutCondition::Test::greater_equal);
  EXPECT_EQ(dev.fields[2].conditions[1].value, 15);
  EXPECT_EQ(dev.fields[3].body->fields[0].until, 4u);
  ASSERT_EQ(dev.subsections.size(), 1u);
  EXPECT_EQ(dev.subsections[0]->name, "dev/more");
}

TEST(LayoutCatalogue, NamesWhatIsWrongAndWhere) {
  EXPECT_EQ(complaint("{\n\"layouts\": [\n  {,}\n]}").substr(0, 24), "x.json: line 3: no JSON:");
  EXPECT_EQ(complaint("{\"layouts\": []} x").substr(0, 24), "x.json: line 1: no JSON:");
  EXPECT_EQ(complaint("{\"layouts\": [").substr(0, 24), "x.json: line 1: no JSON:");
  EXPECT_EQ(complaint("[]"), "x.json: top level: must be an object");
  EXPECT_EQ(complaint("{}"), "x.json: top level: lacks 'layouts'");
  EXPECT_EQ(complaint(R"({"layouts": [{"version": 1, "fields": []}]})"), "x.json: layout 0: lacks 'name'");
  EXPECT_EQ(complaint(R"({"layouts": [{"name": "a", "fields": []}]})"), "x.json: layout 'a': lacks 'version'");
  EXPECT_EQ(complaint(R"({"layouts": [{"name": "a", "version": -1, "fields": []}]})"),
            "x.json: layout 'a': 'version' must be a number that is not negative");
  EXPECT_EQ(complaint(R"({"layouts": [{"name": "a", "version": 1, "minimum": 2, "fields": []}]})"),
            "x.json: layout 'a': 'minimum' is above 'version'");
  EXPECT_EQ(complaint(R"({"layouts": [{"name": "a", "version": 1, "field": []}]})"), "x.json: layout 0: unknown key 'field'");
  EXPECT_EQ(complaint(fields(R"({"name": "f"})")),
            "x.json: layout 'dev', field 'f': lacks 'type', 'struct', 'embedded' or 'list'");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "uint8", "struct": "x"})")),
            "x.json: layout 'dev', field 'f': has more than one of 'type', 'struct', 'embedded' and 'list'");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "blob"})")),
            "x.json: layout 'dev', field 'f': lacks 'size', and type 'blob' has none of its own");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "uint8", "size": 2})")),
            "x.json: layout 'dev', field 'f': type 'uint8' has a size of its own");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "uint8", "count": "n"})")),
            "x.json: layout 'dev', field 'f': refers to 'n', which is no earlier field");
  EXPECT_EQ(complaint(fields(R"({"name": "n", "type": "uint8", "count": 2}, {"name": "f", "type": "uint8", "if": "n == 1"})")),
            "x.json: layout 'dev', field 'f': refers to 'n', which is no single number");
  EXPECT_EQ(complaint(fields(R"({"name": "n", "type": "uint8"}, {"name": "f", "type": "uint8", "if": "n is 1"})")),
            "x.json: layout 'dev', field 'f': 'if' wants NAME, a comparison and a number, not 'n is 1'");
  EXPECT_EQ(complaint(fields(R"({"name": "n", "type": "uint8"}, {"name": "f", "type": "uint8", "if": "n == one"})")),
            "x.json: layout 'dev', field 'f': 'one' is no number");
  EXPECT_EQ(complaint(fields(R"({"name": "n", "type": "uint8"}, {"name": "f", "type": "b", "size": {"field": "n", "divide": 0}})")),
            "x.json: layout 'dev', field 'f', 'size': 'divide' is zero");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "uint8", "count": 4294967297})")),
            "x.json: layout 'dev', field 'f': 'count' is larger than 4294967296");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "type": "uint8", "since": 3, "until": 2})")),
            "x.json: layout 'dev', field 'f': 'since' is behind 'until'");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "struct": "part"})")),
            "x.json: layout 'dev' refers to 'part', which no layout defines");
  EXPECT_EQ(complaint(fields(R"({"name": "f", "struct": "dev"})")),
            "x.json: layout 'dev' contains itself, or more than 32 levels");
}

TEST(LayoutCatalogue, DeeplyNestedFilesAreRefusedQuickly) {
  // Forty levels, each with the next one twice: no part may be built twice.
  std::string text = R"({"layouts": [)";
  for (int i = 0; i < 40; ++i)
    text += R"({"name": "p)" + std::to_string(i) + R"(", "version": 1, "fields": [{"name": "a", "struct": "p)" +
            std::to_string(i + 1) + R"("}, {"name": "b", "struct": "p)" + std::to_string(i + 1) + R"("}]},)";
  text += R"({"name": "p40", "version": 1, "fields": []}]})";
  EXPECT_NE(complaint(text).find("more than 32 levels"), std::string::npos);
  EXPECT_NE(complaint(std::string(100000, '[')).find("no JSON"), std::string::npos);
}

TEST(LayoutCatalogue, PartsAreThoseOfTheSameRelease) {
  const auto made = catalogue(R"({"layouts": [
    {"name": "dev", "releases": ["0.14", "0.15", "1.0"], "version": 1, "fields": [{"name": "p", "struct": "part"}]},
    {"name": "part", "releases": ["0.14", "1.0"], "version": 1, "fields": [{"name": "old", "type": "uint8"}]},
    {"name": "part", "releases": ["0.15"], "version": 1, "fields": [{"name": "new", "type": "uint16"}]}]})");
  const auto found = made.for_section("dev");
  ASSERT_EQ(found.size(), 2u);  // 0.14 and 1.0 are built the same
  EXPECT_EQ(found[0]->fields[0].body->fields[0].name, "old");
  EXPECT_EQ(found[0]->releases, (std::vector<std::string>{"0.14", "1.0"}));
  EXPECT_EQ(found[1]->releases, (std::vector<std::string>{"0.15"}));
  EXPECT_EQ(found[1]->fields[0].body->fields[0].name, "new");
  EXPECT_EQ(complaint(R"({"layouts": [
    {"name": "dev", "releases": ["1.2"], "version": 1, "fields": [{"name": "p", "struct": "part"}]},
    {"name": "part", "releases": ["1.0"], "version": 1, "fields": []}]})"),
            "x.json: layout 'dev' refers to 'part', which no layout defines for 1.2");
}

TEST(LayoutCatalogue, WrappersComeBeforeTheirParts) {
  const auto made = catalogue(R"({"layouts": [
    {"name": "serial", "id": "uart", "version": 1, "fields": [{"name": "x", "type": "uint8"}]},
    {"name": "serial", "version": 1, "fields": [{"name": "state", "struct": "uart"}]}]})");
  const auto found = made.for_section("serial");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]->id, "serial");
  EXPECT_EQ(found[1]->id, "uart");
}

TEST(LayoutCatalogue, SectionNamesMayHaveAPathInFrontAndSlashesInside) {
  const auto made = catalogue(R"({"layouts": [
    {"name": "a/b", "version": 1, "fields": []},
    {"name": "b", "version": 2, "fields": []},
    {"name": "inner", "version": 1, "sections": [], "fields": []},
    {"name": "nic", "version": 1, "sections": ["i1", "i2"], "fields": []}]})");
  const auto name = [&](std::string_view section) {
    const auto found = made.for_section(section);
    return found.empty() ? std::string() : found[0]->name;
  };
  EXPECT_EQ(name("0000:00/a/b"), "a/b");
  EXPECT_EQ(name("0000:00/b"), "b");
  EXPECT_EQ(name("x/i2"), "nic");
  EXPECT_EQ(name("nic"), "");
  EXPECT_EQ(name("inner"), "");
  EXPECT_EQ(name("ba/bb"), "");
}

TEST(LayoutCatalogue, AFolderAddsToAndReplacesWhatIsBuiltIn) {
  const LayoutCatalogue& built_in = LayoutCatalogue::built_in();
  EXPECT_GT(built_in.all().size(), 300u);
  const auto made = LayoutCatalogue::with({{"mine.json", R"({"layouts": [
    {"name": "PCIDevice", "version": 2, "fields": [{"name": "all", "type": "buffer", "size": 9}]},
    {"name": "gadget", "version": 1, "fields": [{"name": "dev", "struct": "PCIDevice"}, {"name": "s", "struct": "segment"}]}]})"}});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_FALSE(made->for_section("gadget").empty());
  EXPECT_EQ(made->for_section("gadget")[0]->fields[0].body->fields[0].name, "all");
  EXPECT_EQ(made->for_section("gadget")[0]->fields[1].body->name, "segment");
  for (const Layout* layout : made->for_section("ide")) EXPECT_EQ(layout->fields[0].body->source, "mine.json");
  EXPECT_TRUE(built_in.for_section("gadget").empty());
}

TEST(LayoutCatalogue, BuiltInLayoutsNameTheDevicesOfThe2011Tree) {
  for (const char* name : {"cpu", "timer", "cpu_common", "apic", "ide", "fdc", "hpet", "serial", "vga", "cirrus_vga", "rtl8139", "ne2000",
                           "lsiscsi", "virtio-blk", "virtio-console", "virtio-balloon", "audio", "hda-audio", "uhci", "i82557b"}) {
    const auto found = LayoutCatalogue::built_in().for_section(name);
    const bool of_the_tree = std::ranges::any_of(found, [](const Layout* layout) {
      return layout->releases.empty() || std::ranges::find(layout->releases, sentinel_release) != layout->releases.end();
    });
    EXPECT_TRUE(of_the_tree) << name;
  }
}

TEST(Msix, VectorsAreCountedFromTheCapability) {
  ByteVector config(256, 0);
  EXPECT_EQ(msix_vectors(config), 0u);
  config[0x06] = 0x10;
  config[0x34] = 0x50;
  config[0x50] = 0x05, config[0x51] = 0x60;                       // MSI, next 0x60
  config[0x60] = 0x11, config[0x62] = 0x1f, config[0x63] = 0x80;  // MSI-X, enabled, table size 0x1f
  EXPECT_EQ(msix_vectors(config), 32u);
  config[0x06] = 0;
  EXPECT_EQ(msix_vectors(config), 0u);
  config[0x06] = 0x10;
  config[0x50] = 0x05, config[0x51] = 0x50;  // a circle
  EXPECT_EQ(msix_vectors(config), 0u);
  EXPECT_EQ(msix_vectors(Bytes(config).first(255)), 0u);
}

}  // namespace
}  // namespace vmstate::test
