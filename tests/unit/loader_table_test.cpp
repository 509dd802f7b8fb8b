// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/loaders/generations.hpp"

namespace vmstate::loaders {
namespace {

const LoaderGeneration& loader(std::string_view release) { return *find_generation(release); }

TEST(LoaderTable, GenerationsAreInOrderAndHaveDifferentNames) {
  const auto all = generations();
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_LT(compare_releases(all[i - 1].last, all[i].first), 0) << all[i].id;
    EXPECT_LE(all[i - 1].at_least, all[i].at_least) << all[i].id;
  }
  for (const LoaderGeneration& one : all) {
    EXPECT_LE(compare_releases(one.first, one.last), 0) << one.id;
    EXPECT_LE(one.at_least, one.at_most) << one.id;
    EXPECT_EQ(find_generation(one.id), &one);
  }
}

TEST(LoaderTable, EveryReleaseHasItsGeneration) {
  EXPECT_EQ(loader("0.10.6").id, "0.12");
  EXPECT_EQ(loader("0.15.1").id, "0.15");
  EXPECT_EQ(loader("1.0.1").id, "1.0");
  EXPECT_EQ(loader("2.6.2").id, "2.7");
  EXPECT_EQ(loader("7.2.22").id, "10.1");
  EXPECT_EQ(loader("11.1").id, "11.1");
  EXPECT_EQ(find_generation("0.9.1"), nullptr);
  EXPECT_EQ(find_generation("12.0"), nullptr);
  EXPECT_EQ(find_generation(""), nullptr);
}

TEST(LoaderTable, RulesChangedFourTimes) {
  EXPECT_EQ(loader("0.12").lookup, SubsectionLookup::never);
  EXPECT_EQ(loader("0.13").lookup, SubsectionLookup::always);
  EXPECT_EQ(loader("0.14").lookup, SubsectionLookup::if_listed);
  EXPECT_EQ(loader("2011-v4").lookup, SubsectionLookup::always);
  EXPECT_EQ(loader("1.0").lookup, SubsectionLookup::by_prefix);
  EXPECT_EQ(loader("2011-v4").newest_format, 4u);
}

TEST(LoaderTable, WhatEachReleaseKnew) {
  EXPECT_EQ(knows_subsection(loader("0.14"), "ide_bus", "ide_bus/error"), Knowledge::no);
  EXPECT_EQ(knows_subsection(loader("0.15"), "ide_bus", "ide_bus/error"), Knowledge::yes);
  EXPECT_EQ(knows_any_subsection(loader("0.14"), "ide_bus"), Knowledge::no);
  EXPECT_EQ(knows_any_subsection(loader("0.14"), "ide bmdma"), Knowledge::yes);
  EXPECT_EQ(knows_any_subsection(loader("0.12"), "ide bmdma"), Knowledge::no);
  EXPECT_EQ(knows_subsection(loader("0.15"), "fdrive", "fdrive/media_changed"), Knowledge::no);
  EXPECT_EQ(knows_subsection(loader("2011-v4"), "fdrive", "fdrive/media_changed"), Knowledge::yes);
  EXPECT_EQ(knows_subsection(loader("2.7"), "fw_cfg", "fw_cfg/dma"), Knowledge::unsure);
  EXPECT_EQ(knows_subsection(loader("11.1"), "fw_cfg", "fw_cfg/dma"), Knowledge::yes);
  EXPECT_EQ(knows_subsection(loader("11.1"), "fw_cfg", "fw_cfg/acpi_mr"), Knowledge::unsure);
  EXPECT_EQ(knows_any_subsection(loader("1.0"), "a device of nobody"), Knowledge::unsure);
}

TEST(LoaderTable, NewestVersions) {
  EXPECT_EQ(newest_version(loader("0.12"), "ide_drive"), 4u);
  EXPECT_EQ(newest_version(loader("0.13"), "ide_drive"), 3u);
  EXPECT_EQ(newest_version(loader("1.0"), "cpu"), 12u);
  EXPECT_EQ(newest_version(loader("1.0"), "globalstate"), std::nullopt);
  EXPECT_EQ(newest_version(loader("11.1"), "cpu"), std::nullopt);
}

TEST(LoaderTable, ReleaseNumbersAreNumbers) {
  EXPECT_LT(compare_releases("2.9", "10.1"), 0);
  EXPECT_GT(compare_releases("1.0", "0.15.50"), 0);
  EXPECT_EQ(compare_releases("1.0", "1.0.1"), 0);
}

TEST(LoaderTable, MachineTypesAreNamedAfterReleases) {
  EXPECT_EQ(machine_release("pc-i440fx-7.2"), "7.2");
  EXPECT_EQ(machine_release("pc-0.15"), "0.15");
  EXPECT_EQ(machine_release("s390-ccw-virtio-2.10"), "2.10");
  EXPECT_EQ(machine_release("isapc"), "");
  EXPECT_EQ(machine_release("pc-i440fx-bionic"), "");
  EXPECT_EQ(machine_release("pc-i440fx-rhel7.6.0"), "");
  EXPECT_EQ(machine_release("virt-11"), "");
  EXPECT_EQ(machine_release("7.2"), "");
  EXPECT_EQ(machine_release("x-."), "");
  EXPECT_EQ(machine_release(""), "");
}

TEST(LoaderTable, TextsAreFilled) {
  const TextValue values[] = {{"a", "1"}, {"b", "{a}"}};
  EXPECT_EQ(fill_text("x {a}{b} {c}.", values), "x 1{a} .");
  EXPECT_EQ(fill_text("open {a", values), "open {a");
  EXPECT_EQ(fill_text("", values), "");
}

}  // namespace
}  // namespace vmstate::loaders
