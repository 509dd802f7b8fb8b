// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "formats/base/finding.hpp"

namespace vmstate::test {
namespace {

std::vector<std::string> messages(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& finding : findings.all()) all.push_back(finding.message);
  return all;
}

TEST(FindingCodes, NumbersAndNamesAreUniqueAndInTheirRanges) {
  std::set<unsigned> numbers;
  std::set<std::string_view> names, titles;
  for (const CodeInfo& code : all_codes()) {
    const auto number = static_cast<unsigned>(code.code);
    EXPECT_TRUE(numbers.insert(number).second) << number;
    EXPECT_TRUE(names.insert(code.identifier).second) << code.identifier;
    EXPECT_TRUE(titles.insert(code.title).second) << code.title;
    EXPECT_GE(number, 101u);
    EXPECT_LE(number, 999u) << "numbers are 01xx to 09xx";
    EXPECT_NE(number % 100, 0u);
  }
  EXPECT_GT(numbers.size(), 100u);
}

TEST(FindingCodes, EachHasATitleAndAnExplanationInSentences) {
  for (const CodeInfo& code : all_codes()) {
    EXPECT_FALSE(code.title.empty()) << code.identifier;
    EXPECT_NE(code.title.back(), '.') << code.title;
    EXPECT_GT(code.explanation.size(), 10u) << code.identifier;
    EXPECT_TRUE(code.explanation.ends_with('.') || code.explanation.ends_with('`') || code.identifier == "base64_text")
        << code.identifier << ": " << code.explanation;
    EXPECT_EQ(&info(code.code), &info(code.code));
    EXPECT_EQ(info(code.code).identifier, code.identifier);
  }
}

TEST(FindingCodes, TextHasFourDigits) {
  EXPECT_EQ(code_text(Code::empty_file), "VMS0101");
  EXPECT_EQ(code_text(Code::findings_suppressed), "VMS0904");
  EXPECT_EQ(code_text(static_cast<Code>(7)), "VMS0007");
}

TEST(Severity, RoundTripsThroughText) {
  for (const auto severity : {Severity::note, Severity::warning, Severity::error})
    EXPECT_EQ(severity_from(to_string(severity)), severity);
  EXPECT_EQ(severity_from("fatal"), std::nullopt);
  EXPECT_EQ(severity_from(""), std::nullopt);
}

TEST(Findings, TakeSeverityFromTheCodeAndPlaceFromTheSetters) {
  Findings findings{Limits{}};
  const auto origin = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  findings.set_origin(origin);
  findings.set_section("timer");
  findings.add(Code::footer_missing, {7, 1}, "one");
  findings.set_section({});
  findings.add(Code::trailing_zeros, {9, 2}, "two");
  ASSERT_EQ(findings.all().size(), 2u);
  const Finding& first = findings.all()[0];
  EXPECT_EQ(first.severity, Severity::error);
  EXPECT_EQ(first.section, "timer");
  EXPECT_EQ(first.origin, origin);
  EXPECT_EQ(first.file_offset(), 7u);
  EXPECT_EQ(findings.all()[1].severity, Severity::note);
  EXPECT_EQ(findings.all()[1].section, "");
}

TEST(Findings, KnowTheWorstSeverity) {
  Findings findings{Limits{}};
  EXPECT_FALSE(findings.any_at_least(Severity::note));
  findings.add(Code::trailing_bytes, {}, "warning");
  EXPECT_TRUE(findings.any_at_least(Severity::note));
  EXPECT_TRUE(findings.any_at_least(Severity::warning));
  EXPECT_FALSE(findings.any_at_least(Severity::error));
  findings.add(Code::premature_eof, {}, "error");
  EXPECT_TRUE(findings.any_at_least(Severity::error));
}

TEST(Findings, WhatFollowsFromOthersStandsBehindThem) {
  Findings findings{Limits{}};
  findings.add(Code::ram_pages_never_sent, {0x11, 1}, "pages are missing");
  findings.add(Code::trailing_bytes, {0x900, 1}, "behind RAM");
  findings.set_section("ram");
  findings.add(Code::ram_bad_flags, {0x50, 8}, "why they are");
  findings.add(Code::ram_resynchronised, {0x50, 100}, "what it came to");
  findings.finish();
  std::vector<Code> order;
  for (const Finding& finding : findings.all()) order.push_back(finding.code);
  EXPECT_EQ(order, (std::vector{Code::ram_bad_flags, Code::ram_resynchronised, Code::ram_pages_never_sent, Code::trailing_bytes}));
}

TEST(Findings, FurtherOnesOfACodeAreCounted) {
  Limits limits;
  limits.findings_per_code = 2;
  Findings findings(limits);
  for (int i = 0; i < 5; ++i) findings.add(Code::bool_odd, {}, "bool " + std::to_string(i)).hint = "written to";
  findings.add(Code::bytes_skipped, {}, "other");
  EXPECT_EQ(messages(findings), (std::vector<std::string>{"bool 0", "bool 1", "other"}));
  EXPECT_EQ(findings.suppressed().at(Code::bool_odd), 3u);
  EXPECT_TRUE(findings.has(Code::bool_odd));
  EXPECT_FALSE(findings.has(Code::empty_file));
  findings.finish();
  ASSERT_EQ(findings.all().size(), 4u);
  EXPECT_EQ(findings.all().back().code, Code::findings_suppressed);
  EXPECT_EQ(findings.all().back().severity, Severity::note);
  EXPECT_EQ(findings.all().back().message, "3 more findings of VMS0607 are not listed");
  findings.finish();
  EXPECT_EQ(findings.all().size(), 4u) << "finishing twice adds nothing";
}

TEST(Findings, AreOrderedByOffsetAndOtherwiseAsTheyCame) {
  Findings findings{Limits{}};
  findings.add(Code::bool_odd, {30, 1}, "c");
  findings.add(Code::bytes_skipped, {10, 1}, "a1");
  findings.add(Code::footer_missing, {10, 1}, "a2");
  findings.add(Code::premature_eof, {20, 1}, "b");
  findings.finish();
  EXPECT_EQ(messages(findings), (std::vector<std::string>{"a1", "a2", "b", "c"}));
}

TEST(Findings, AreOrderedByTheirPlaceInTheFileAcrossLayers) {
  const auto file = std::make_shared<const Origin>(Origin{"file", nullptr, std::nullopt});
  Findings findings{Limits{}};
  findings.set_origin(std::make_shared<const Origin>(Origin{"libvirt-save", file, 1000}));
  findings.add(Code::bool_odd, {5, 1}, "inside");
  findings.set_origin(file);
  findings.add(Code::libvirt_bad_header, {10, 4}, "outside");
  findings.finish();
  EXPECT_EQ(messages(findings), (std::vector<std::string>{"outside", "inside"}));
}

}  // namespace
}  // namespace vmstate::test
