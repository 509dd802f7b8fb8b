// SPDX-License-Identifier: Apache-2.0
// Real files: one stopped guest saved in many ways is one state; what was changed by hand is found where it was changed.
#include <zstd.h>

#include <array>

#include "tests/streams/real_streams.hpp"
#include "tests/support/compared.hpp"
#include "tests/support/stream_builder.hpp"

namespace vmstate::test {
namespace {

using VerifyFiles = RealStreams;

std::string stream_path(const std::string& name) { return std::string(VMSTATE_TEST_STREAMS) + "/" + name; }

// Files of one guest, stopped once and saved in all these ways.
constexpr std::array same_state{"file-off.vmstate",       "file.vmstate",         "mapped-mfd2-zplegacy.vmstate",
                                "mapped-mfd2.vmstate",    "mapped-mfd8-zpnone.vmstate", "mapped-off.vmstate",
                                "mapped-zpnone.vmstate",  "mapped.vmstate",       "plain2.vmstate",
                                "retpath.ch00.fwd",       "swack.ch00.fwd",       "uuid.vmstate",
                                "xbzrle.vmstate",         "zeroblocks-relram.vmstate", "zplegacy.vmstate",
                                "zpnone.vmstate"};

TEST_F(VerifyFiles, OneGuestSavedInManyWaysIsOneState) {
  for (const std::string guest : {"flavours/q100-pc.", "flavours/q111-pc."})
    for (const std::string way : same_state) {
      SCOPED_TRACE(guest + way);
      const Comparison comparison = compared(stream_path(guest + "plain.vmstate"), stream_path(guest + way));
      EXPECT_EQ(report(comparison), "same");
      EXPECT_EQ(comparison.devices, 36u);
      EXPECT_EQ(comparison.blocks, 9u);
      EXPECT_EQ(comparison.pages, 8402u) << "every page of 16 MiB of RAM, 16 MiB of video memory and ROMs";
    }
}

TEST_F(VerifyFiles, MemoryThatIsElsewhereLeavesADoubt) {
  for (const std::string guest : {"flavours/q100-pc.", "flavours/q111-pc."}) {
    const std::string plain = stream_path(guest + "plain.vmstate");
    EXPECT_EQ(report(compared(plain, stream_path(guest + "ignshared.vmstate"))),
              "not comparable\n? block 'pc.ram' is shared memory that is not in the right file");
    EXPECT_EQ(report(compared(stream_path(guest + "mfd-zlib.ch00.fwd"), plain)),
              "not comparable\n? most of guest RAM is not in the left file, but in the other channels of its migration");
    EXPECT_EQ(report(compared(stream_path(guest + "mfd-none.ch00.fwd"), stream_path(guest + "mfd-zstd.ch00.fwd"))),
              "not comparable\n? most of guest RAM is in neither file, but in the other channels of the migrations");
  }
}

TEST_F(VerifyFiles, OtherGuestsDiffer) {
  EXPECT_EQ(compared(stream_path("flavours/q100-pc.plain.vmstate"), stream_path("flavours/q111-pc.plain.vmstate")).verdict(), Verdict::different);
  EXPECT_EQ(compared(stream_path("containers/libvirt-tiny-raw.save"), stream_path("containers/libvirt-tiny-xz.save")).verdict(),
            Verdict::different)
      << "the guest ran between the two";
}

// The domain stood still, but its clock follows that of the host.
TEST_F(VerifyFiles, OnlyTheClockMovedBetweenTwoSavesOfOneLibvirtDomain) {
  const Comparison comparison = compared(stream_path("containers/lv113-pctcgt.gzip.save"), stream_path("containers/lv113-pctcgt.zstd.save"));
  ASSERT_EQ(comparison.differences_in_all(), 1u) << report(comparison);
  EXPECT_EQ(comparison.differences()[0].section, "mc146818rtc");
  EXPECT_EQ(comparison.differences()[0].field, "cmos_data");
}

// Sentinels are no state, and state bytes that look like one are.
TEST_F(VerifyFiles, SentinelPairsDifferInSentinelsOnly) {
  std::size_t pairs = 0;
  for (const RealFile& file : real_files()) {
    if (!file.name.starts_with("sentinel/") || !file.name.ends_with(".v3")) continue;
    SCOPED_TRACE(file.name);
    const std::string other = file.path().substr(0, file.path().size() - 1) + "4";
    const Comparison comparison = compared(file.path(), other);
    EXPECT_EQ(report(comparison), "same");
    EXPECT_GT(comparison.devices, 20u);
    ++pairs;
  }
  EXPECT_GT(pairs, 20u);
}

// --- one change in a copy


// Finds where a page's record or a field stands in the stream.
class Places final : public EventSink {
 public:
  void on(const DeviceState& e) override {
    walk_fields(e.tree, [&](const std::string& path, const Field& field) {
      const bool leaf = field.kind == Field::Kind::scalar && field.count == 1 && field.range.size > 0;
      if (leaf) fields.push_back({section_label(e.header), path, field.range});
    });
  }
  void on(const RamBlocks& e) override { blocks.assign(e.blocks.begin(), e.blocks.end()); }
  void on(const RamPages& e) override {
    for (const RamPage& page : e.pages)
      if (page.kind == RamKind::data) pages.push_back({page.block, page.offset, page.at + page.header_size});
  }
  struct FieldPlace {
    std::string device, path;
    ByteRange range;
  };
  struct PagePlace {
    std::uint32_t block;
    std::uint64_t offset;
    Offset content;
  };
  std::vector<FieldPlace> fields;
  std::vector<RamBlock> blocks;
  std::vector<PagePlace> pages;
};

void look_for_places(const ByteVector& bytes, Places& places) {
  InspectOptions options;
  options.more = &places;
  (void)inspect(bytes, options);
}

TEST_F(VerifyFiles, AChangedFieldIsNamed) {
  for (const std::string name : {"described/x86-smp4-tcg-m16.migr", "described/aarch64-virt-smp2-m16.migr", "described/ppc-bamboo-S-m64.migr"}) {
    const ByteVector bytes = read_file(stream_path(name));
    Places places;
    look_for_places(bytes, places);
    ASSERT_GT(places.fields.size(), 100u);
    std::size_t found = 0;
    for (std::size_t i = 7; i < places.fields.size(); i += places.fields.size() / 12) {
      const auto& place = places.fields[i];
      if (place.device == "globalstate") continue;
      ByteVector changed = bytes;
      changed[static_cast<std::size_t>(place.range.end() - 1)] ^= 0x01;
      const Comparison comparison = compared(bytes, changed);
      ASSERT_GE(comparison.differences_in_all(), 1u) << place.device << " " << place.path;
      const StateDifference& first = comparison.differences().front();
      // The value of one field may say that others are there, which differ then as well.
      EXPECT_EQ(first.section + (first.instance != 0 ? "#" + std::to_string(first.instance) : ""), place.device);
      EXPECT_TRUE(std::ranges::any_of(comparison.differences(), [&](const auto& one) { return one.field == place.path; }))
          << place.device << " " << place.path << "\n" << report(comparison);
      ++found;
    }
    EXPECT_GT(found, 8u);
  }
}

TEST_F(VerifyFiles, AChangedPageIsNamed) {
  for (const std::string name : {"described/x86-smp4-tcg-m16.migr", "described/ppc64-pseries-S-m256.migr", "flavours/cap-plain-iterations-m16.migr"}) {
    const ByteVector bytes = read_file(stream_path(name));
    Places places;
    look_for_places(bytes, places);
    ASSERT_FALSE(places.pages.empty());
    const auto& place = places.pages.back();  // the last record of its page counts
    ByteVector changed = bytes;
    changed[static_cast<std::size_t>(place.content) + 77] ^= 0x80;
    const Comparison comparison = compared(bytes, changed);
    ASSERT_EQ(comparison.differences_in_all(), 1u) << report(comparison);
    EXPECT_EQ(comparison.differences()[0].block, places.blocks.at(place.block).name);
    EXPECT_EQ(comparison.differences()[0].offset, place.offset);
    EXPECT_EQ(comparison.differences()[0].pages, 1u);
  }
}

Comparison compared_with_copy(const std::string& path, const ByteVector& copy) {
  const MemoryFile file(copy);
  return compared(path, file.path());
}

TEST_F(VerifyFiles, AChangedPageOfAMappedFileIsNamed) {
  class Areas final : public EventSink {
   public:
    void on(const RamBlocks& e) override {
      for (const RamBlock& block : e.blocks)
        if (block.name == "pc.bios" && block.mapped) pages = block.mapped->pages;
    }
    ByteRange pages;
  } areas;
  const std::string path = stream_path("flavours/q111-pc.mapped.vmstate");
  ByteVector changed = read_file(path);
  InspectOptions options;
  options.more = &areas;
  (void)inspect(changed, options);
  ASSERT_FALSE(areas.pages.empty());
  const std::string plain = stream_path("flavours/q111-pc.plain.vmstate");
  changed[static_cast<std::size_t>(areas.pages.offset) + 5 * 4096 + 9] ^= 0x01;
  EXPECT_EQ(report(compared_with_copy(plain, changed)), "same") << "this page's bit is clear: it is zero whatever stands there";
  changed[static_cast<std::size_t>(areas.pages.offset) + 30 * 4096 + 9] ^= 0x01;
  EXPECT_EQ(report(compared_with_copy(plain, changed)), "different\n- ram pc.bios 30+1: data | data");
}

// Finds the end mark of the last RAM section and how many pages were sent as deltas.
class LastMark final : public EventSink {
 public:
  void on(const RamPages& e) override {
    for (const RamPage& page : e.pages) {
      if (page.kind == RamKind::eos) at = page.at;
      if (page.kind == RamKind::xbzrle) ++deltas;
    }
  }
  Offset at = 0;
  std::uint64_t deltas = 0;
};

// The stream with all pages of pc.ram once more, from the monitor's dump of it, in front of that mark.
ByteVector with_pages_of_dump(const ByteVector& stream, const ByteVector& dump, Offset mark) {
  constexpr std::size_t page_size = 4096;
  StreamBuilder pages;
  for (std::size_t at = 0; at < dump.size(); at += page_size) {
    const auto begin = dump.begin() + static_cast<std::ptrdiff_t>(at);
    pages.page_word(at, 0x08, at == 0 ? "pc.ram" : "").raw(ByteVector(begin, begin + page_size));
  }
  ByteVector result = stream;
  result.insert(result.begin() + static_cast<std::ptrdiff_t>(mark), pages.bytes().begin(), pages.bytes().end());
  return result;
}

TEST_F(VerifyFiles, DeltasMakeThePagesOfTheMonitorsDump) {
  const std::string path = stream_path("flavours/cap-xbzrle-m16.migr");
  const ByteVector stream = read_file(path);
  LastMark mark;
  InspectOptions options;
  options.more = &mark;
  (void)inspect(stream, options);
  ASSERT_GT(mark.deltas, 50u);
  ByteVector dump(16u << 20);
  const ByteVector packed = read_file(path + ".pc.ram.zst");
  ASSERT_EQ(::ZSTD_decompress(dump.data(), dump.size(), packed.data(), packed.size()), dump.size());
  EXPECT_EQ(report(compared_with_copy(path, with_pages_of_dump(stream, dump, mark.at))), "same");
  dump[0x7000 + 5] ^= 0x01;
  EXPECT_EQ(report(compared_with_copy(path, with_pages_of_dump(stream, dump, mark.at))), "different\n- ram pc.ram 7+1: zero | data");
}

TEST_F(VerifyFiles, DamageIsFoundWhereItWasDone) {
  const auto against_base = [](const char* damaged) {
    return report(compared(stream_path("damaged/base.migr"), stream_path(std::string("damaged/") + damaged)));
  };
  EXPECT_EQ(against_base("new-00-untouched.migr"), "same");
  EXPECT_EQ(against_base("new-40-trailing-zeros-64k.migr"), "same");
  EXPECT_EQ(against_base("new-76-devices-before-ram.migr"), "same\n* the devices stand in another order");
  EXPECT_EQ(against_base("new-64-config-removed.migr"), "same\n* only the left stream says which machine it is of: 'pc-i440fx-7.2'");
  EXPECT_EQ(against_base("new-62-config-name-other.migr"), "different\n- configuration machine: pc-i440fx-7.2 | pc-q35-7.2xxx");
  EXPECT_EQ(against_base("new-30-section-removed.migr"), "different\n- i8259: present | absent");
  EXPECT_EQ(against_base("new-28-duplicated-section.migr"), "different\n- i8259: absent | present");
  EXPECT_EQ(against_base("new-32-unknown-device-name.migr"), "different\n- I8259: absent | present\n- i8259: present | absent");
  EXPECT_EQ(against_base("new-34-version-plus-1.migr"), "different\n- i8259: version 1 | version 2");
  EXPECT_EQ(against_base("new-86-bitrot-cpu.migr"), "different\n- cpu env.segs[2].selector: 16 | 4112");
  EXPECT_EQ(against_base("new-48-hole-inside-page-only.migr"), "different\n- ram pc.ram 948+1: data | data");
  EXPECT_EQ(against_base("new-58-ramblock-name-changed.migr"),
            "different\n- ram 0000:00:02.0/vga.vram: 16777216 bytes | 0 bytes\n- ram 1000:00:02.0/vga.vram: absent | 16777216 bytes");
}

}  // namespace
}  // namespace vmstate::test
