// SPDX-License-Identifier: Apache-2.0
// Streams without a description, read by layout, against what their own writers recorded of them field by field.
#include <algorithm>
#include <fstream>
#include <map>
#include <tuple>

#include "formats/layouts/layout.hpp"
#include "tests/streams/real_streams.hpp"
#include "tests/support/stream_run.hpp"

namespace vmstate::test {
namespace {

/// One thing in a section body: kind, offset, end, field or subsection name, element.
struct Item {
  std::string kind;
  Offset begin = 0;
  Offset end = 0;
  std::string name;
  std::uint32_t element = 0;
  friend bool operator==(const Item&, const Item&) = default;
};
std::ostream& operator<<(std::ostream& out, const Item& item) {
  return out << item.kind << " " << item.begin << "-" << item.end << " " << item.name << "[" << item.element << "]";
}
using Items = std::vector<Item>;

struct MappedSection {
  std::string name;
  std::uint32_t version = 0;
  Items items;
};

// The elements of an array are one item, however the writer recorded them.
void add_field(Items& items, Item field) {
  if (field.element > 0 && !items.empty() && items.back().kind == "field" && items.back().name == field.name &&
      items.back().end == field.begin) {
    items.back().end = field.end;
    return;
  }
  field.element = 0;
  items.push_back(std::move(field));
}

// FULL sections of a map by the offset of their first byte.
std::map<Offset, MappedSection> read_map(const std::string& path) {
  std::map<Offset, MappedSection> sections;
  MappedSection* current = nullptr;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto entry = boost::json::parse(line).as_object();
    const auto number = [&](std::string_view key) { return static_cast<std::uint64_t>(entry.at(key).as_int64()); };
    const std::string kind(entry.at("t").as_string());
    const std::string field(entry.at("f").as_string());
    const std::string owner(entry.at("vmsd").as_string());
    if (kind.starts_with("section") || kind == "eof") {
      current = nullptr;
      if (kind == "section_full") {
        current = &sections[number("o")];
        *current = {owner, static_cast<std::uint32_t>(number("n")), {}};
      }
    } else if (current != nullptr) {
      const auto element = static_cast<std::uint32_t>(number("i"));
      if (kind == "field") add_field(current->items, {kind, number("o"), number("e"), field, element});
      if (kind == "struct") current->items.push_back({kind, number("o"), 0, field, element});
      if (kind == "endstruct") current->items.push_back({kind, number("e"), 0, field, element});
      if (kind == "sentinel") current->items.push_back({kind, number("o"), number("e"), field, element});
      if (kind == "subsection") current->items.push_back({kind, number("o"), 0, owner, 0});
    }
  }
  return sections;
}

void add_items(const std::vector<Field>& fields, const std::vector<Field>& subsections, Items& items) {
  for (const Field& field : fields) {
    const std::uint32_t element = field.index.value_or(0);
    if (field.kind != Field::Kind::structure) {
      add_field(items, {"field", field.range.offset, field.range.end(), field.name, element});
      continue;
    }
    items.push_back({"struct", field.range.offset, 0, field.name, element});
    add_items(field.fields, field.subsections, items);
    const Offset end = field.range.end() - (field.sentinel ? 1 : 0);
    items.push_back({"endstruct", end, 0, field.name, element});
    if (field.sentinel) items.push_back({"sentinel", end, end + 1, field.name, element});
  }
  for (const Field& subsection : subsections) {
    items.push_back({"subsection", subsection.range.offset, 0, subsection.name, 0});
    add_items(subsection.fields, subsection.subsections, items);
  }
}

// Leaves, subsection headers and sentinels tile the body.
void expect_tiles(const SeenSection& section) {
  std::map<Offset, std::uint64_t> pieces;
  walk_fields(section.tree, [&](const std::string& path, const Field& field) {
    if (field.sentinel) {
      EXPECT_TRUE(pieces.try_emplace(field.range.end() - 1, 1u).second) << path;
    }
    if (field.kind == Field::Kind::structure || field.range.empty()) return;
    const bool subsection = field.kind == Field::Kind::subsection;
    EXPECT_TRUE(pieces.try_emplace(field.range.offset, subsection ? field.header_size : field.range.size).second) << path;
  });
  Offset next = section.body.offset;
  for (const auto& [at, size] : pieces) {
    EXPECT_EQ(at, next);
    next = at + size;
  }
  EXPECT_EQ(next, section.body.end());
}

StreamResult run_file(const RealFile& file) {
  RunOptions options;
  options.parse.layouts = nullptr;
  return run_chain(std::make_unique<MemorySource>(file.bytes()), options);
}

std::vector<RealFile> mapped_files(std::string_view group) {
  std::vector<RealFile> some;
  for (const RealFile& file : real_files())
    if (file.group() == group && file.find("map") != nullptr && std::filesystem::exists(file.path() + ".map")) some.push_back(file);
  return some;
}

// What hand-written code puts behind the part that the map knows of.
bool is_hand_written(const SeenSection& section) { return section.label.find("virtio") != std::string::npos; }

struct Totals {
  std::size_t sections = 0, items = 0, sentinels = 0, subsections = 0;
};

// Compares all FULL sections with the map.
void compare(const RealFile& file, const StreamResult& result, Totals& totals) {
  const auto map = read_map(file.path() + ".map");
  std::size_t seen = 0;
  for (const SeenSection& section : result.sections) {
    if (section.type != SectionType::full) continue;
    SCOPED_TRACE(section.label);
    ++seen;
    const auto mapped = map.find(section.header.offset);
    ASSERT_NE(mapped, map.end());
    EXPECT_EQ(section.boundary, Boundary::layout);
    ASSERT_TRUE(section.decoded_by.starts_with("layout:")) << section.decoded_by;
    expect_tiles(section);
    if (is_hand_written(section)) continue;
    const Items& expected = mapped->second.items;
    Items found;
    add_items(section.tree.fields, section.tree.subsections, found);
    const auto [left, right] = std::ranges::mismatch(expected, found);
    if (expected.empty()) continue;  // written by hand
    if (left != expected.end() && right != found.end()) {
      EXPECT_EQ(*left, *right);
    }
    EXPECT_EQ(expected.size(), found.size());
    ++totals.sections;
    totals.items += expected.size();
    totals.sentinels += static_cast<std::size_t>(std::ranges::count(expected, "sentinel", &Item::kind));
    totals.subsections += static_cast<std::size_t>(std::ranges::count(expected, "subsection", &Item::kind));
  }
  EXPECT_EQ(seen, map.size());
}

using Layouts = RealStreams;

TEST_F(Layouts, EveryFieldOfThePairsIsWhereItsWriterPutIt) {
  Totals totals;
  std::size_t files = 0;
  for (const RealFile& file : mapped_files("sentinel")) {
    SCOPED_TRACE(file.name);
    const StreamResult result = run_file(file);
    compare(file, result, totals);
    EXPECT_EQ(result.end.kind, StreamEndKind::eof);
    for (const Finding& finding : result.findings) EXPECT_NE(finding.severity, Severity::error) << finding.message;
    EXPECT_EQ(result.find(Code::layout_does_not_fit), nullptr);
    ++files;
  }
  EXPECT_GE(files, 44u);
  EXPECT_GT(totals.sections, 1100u);
  EXPECT_GT(totals.items, 30000u);
  EXPECT_GE(totals.sentinels, 1900u);
  EXPECT_GE(totals.subsections, 26u);
}

TEST_F(Layouts, FieldsOfOtherReleasesLieWhereTheirWritersPutThem) {
  Totals totals;
  for (const RealFile& file : mapped_files("legacy")) {
    if (file.stream_version() != 3 || file.described() || !file.name.ends_with(".v3")) continue;
    SCOPED_TRACE(file.name);
    const StreamResult result = run_file(file);
    const auto map = read_map(file.path() + ".map");
    for (const SeenSection& section : result.sections) {
      if (section.boundary != Boundary::layout || is_hand_written(section)) continue;
      SCOPED_TRACE(section.label);
      const auto mapped = map.find(section.header.offset);
      ASSERT_NE(mapped, map.end());
      if (mapped->second.items.empty()) continue;
      Items found;
      add_items(section.tree.fields, section.tree.subsections, found);
      // Releases that write the same bytes differ in how they name and group them: the body's end is common.
      EXPECT_EQ(found.empty() ? 0 : section.body.end(), mapped->second.items.back().kind == "field" ? mapped->second.items.back().end
                                                                                                   : section.body.end());
      ++totals.sections;
    }
  }
  EXPECT_GT(totals.sections, 2000u);
}

TEST_F(Layouts, DamagedSentinelsAreLocated) {
  const struct {
    const char* file;
    Code code;
    ByteRange range;
    const char* section;
    const char* field;
  } damaged[] = {
      {"sentinel/damaged-sentinel-zeroed.v4", Code::sentinel_replaced, {258806, 1}, "cpu", "segs[0]"},
      {"sentinel/damaged-sentinel-removed.v4", Code::sentinel_missing, {260331, 0}, "cpu", "ymmh_regs[10]"},
      {"sentinel/damaged-sentinel-doubled.v4", Code::sentinel_doubled, {338152, 1}, "0000:00:01.3/piix4_pm", ""},
  };
  for (const auto& one : damaged) {
    SCOPED_TRACE(one.file);
    const StreamResult result = run_file(real_file(one.file));
    expect_finding(result, one.code, one.range);
    ASSERT_NE(result.find(one.code), nullptr);
    EXPECT_EQ(result.find(one.code)->section, one.section);
    EXPECT_EQ(result.find(one.code)->field, one.field);
    for (const SeenSection& section : result.sections) {
      if (section.type != SectionType::full) continue;
      EXPECT_EQ(section.boundary, Boundary::layout) << section.label;
      expect_tiles(section);
    }
  }
}

// Every sentinel of a small stream, replaced, removed and doubled.
TEST_F(Layouts, EachSentinelOfAStreamMayBeDamaged) {
  const RealFile& file = real_file("sentinel/t-default-S.v4");
  const ByteVector sound = file.bytes();
  std::vector<Offset> places;
  for (const auto& [at, section] : read_map(file.path() + ".map"))
    for (const Item& item : section.items)
      if (item.kind == "sentinel") places.push_back(item.begin);
  ASSERT_EQ(places.size(), 86u);
  RunOptions options;
  options.parse.layouts = nullptr;
  const auto codes = [&](const ByteVector& bytes) {
    const auto result = run_chain(std::make_unique<MemorySource>(bytes), options);
    std::vector<Code> errors;
    for (const Finding& finding : result.findings)
      if (finding.severity == Severity::error) errors.push_back(finding.code);
    return errors;
  };
  for (const Offset place : places) {
    SCOPED_TRACE(place);
    const auto at = static_cast<std::ptrdiff_t>(place);
    EXPECT_EQ(codes(with_byte(sound, place, 0x00)), std::vector{Code::sentinel_replaced});
    ByteVector changed = sound;
    changed.erase(changed.begin() + at);
    EXPECT_EQ(codes(changed), std::vector{Code::sentinel_missing});
    changed = sound;
    changed.insert(changed.begin() + at, 0x06);
    EXPECT_EQ(codes(changed), std::vector{Code::sentinel_doubled});
  }
}

TEST_F(Layouts, TheForgedSubsectionIsASecondReading) {
  const StreamResult result = run_file(real_file("sentinel/t-rtl-guestcraft.v3"));
  std::size_t lookalikes = 0;
  for (const SeenSection& section : result.sections)
    for (const SubsectionLookalike& lookalike : section.tree.lookalikes) {
      ++lookalikes;
      EXPECT_EQ(section.label, "0000:00:02.0/rtl8139");
      EXPECT_EQ(lookalike.name, "PCIDevice/");
      EXPECT_EQ(lookalike.field, "dev");
    }
  EXPECT_EQ(lookalikes, 1u);
  for (const SeenSection& section : run_file(real_file("sentinel/t-rtl-guestcraft.v4")).sections)
    EXPECT_TRUE(section.tree.lookalikes.empty()) << section.label;
}

}  // namespace
}  // namespace vmstate::test
