// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "parsers/inspect/machine_summary.hpp"
#include "tests/support/hex.hpp"

namespace vmstate::test {
namespace {

class MachineSummaryTest : public testing::Test {
 protected:
  Findings findings{Limits{}};
  MachineSummary machine{findings};
  EventSink& sink = machine;

  void section(const std::string& name, SectionType type = SectionType::full) {
    SectionHeader header;
    header.name = name;
    header.type = type;
    sink.on(SectionBegin{header, {}});
  }
  // A globalstate of one word and a text buffer, at 1000 in the stream.
  void global_state(std::uint32_t size, const ByteVector& text) {
    ByteVector body = hex("000000");
    body.push_back(static_cast<std::uint8_t>(size));
    body = std::move(body) + text;
    FieldTree tree;
    Field field;
    field.kind = Field::Kind::scalar;
    field.name = "size";
    field.type = "uint32";
    field.range = {1000, 4};
    tree.fields.push_back(field);
    field.kind = Field::Kind::opaque;
    field.name = "runstate";
    field.type = "buffer";
    field.range = {1004, text.size()};
    tree.fields.push_back(field);
    SectionHeader header;
    header.name = "globalstate";
    sink.on(DeviceState{header, tree, {1000, body.size()}, body});
  }
};

TEST_F(MachineSummaryTest, CountsDevicesAndProcessors) {
  section("ram", SectionType::start);
  section("cpu");
  section("cpu_common");
  section("cpu");
  EXPECT_EQ(machine.cpus(), 2u);
  EXPECT_EQ(machine.devices(), 3u);
}

TEST_F(MachineSummaryTest, ReadsTheRunState) {
  global_state(8, hex("'running' 00") + ByteVector(92, 0));
  EXPECT_EQ(machine.run_state(), "running");
  EXPECT_EQ(machine.device_bytes(), 104u);
  EXPECT_TRUE(findings.all().empty());
}

TEST_F(MachineSummaryTest, KnowsEveryRunState) {
  for (const char* state : {"debug", "inmigrate", "internal-error", "io-error", "paused", "postmigrate", "prelaunch", "finish-migrate",
                            "restore-vm", "running", "save-vm", "shutdown", "suspended", "watchdog", "guest-panicked", "colo",
                            "preconfig"}) {
    const std::string text(state);
    global_state(static_cast<std::uint32_t>(text.size() + 1), ByteVector(text.begin(), text.end()) + ByteVector(10, 0));
    EXPECT_EQ(machine.run_state(), text);
  }
  EXPECT_TRUE(findings.all().empty());
}

TEST_F(MachineSummaryTest, ReportsARunStateThatNoQemuKnows) {
  global_state(8, hex("'sunning' 00"));
  ASSERT_EQ(findings.all().size(), 1u);
  EXPECT_EQ(findings.all()[0].code, Code::run_state_unknown);
  EXPECT_EQ(findings.all()[0].range, (ByteRange{1004, 8}));
  EXPECT_EQ(findings.all()[0].section, "globalstate");
  EXPECT_EQ(findings.all()[0].field, "runstate");
}

TEST_F(MachineSummaryTest, ReportsATextWithoutEndAndAWrongLength) {
  global_state(7, hex("'running'"));
  EXPECT_EQ(machine.run_state(), std::nullopt);
  global_state(9, hex("'running' 00 00"));
  EXPECT_EQ(machine.run_state(), "running");
  ASSERT_EQ(findings.all().size(), 2u);
  EXPECT_EQ(findings.all()[0].code, Code::run_state_unterminated);
  EXPECT_EQ(findings.all()[1].code, Code::run_state_unterminated);
}

TEST_F(MachineSummaryTest, AnOpaqueGlobalStateSaysNothing) {
  SectionHeader header;
  header.name = "globalstate";
  FieldTree tree;
  sink.on(DeviceState{header, tree, {0, 10}, {}});
  EXPECT_EQ(machine.run_state(), std::nullopt);
  EXPECT_TRUE(findings.all().empty());
}

}  // namespace
}  // namespace vmstate::test
