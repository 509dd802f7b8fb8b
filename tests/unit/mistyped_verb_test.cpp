// SPDX-License-Identifier: Apache-2.0
#include "tools/app/mistyped_verb.hpp"

#include <gtest/gtest.h>

namespace vmstate::test {
namespace {

std::optional<std::string> meant(const std::string& word) {
  return app::mistyped_verb(word, {"sections", "state", "ram", "bytes", "check"});
}

TEST(MistypedVerb, IsTheNearestOne) {
  EXPECT_EQ(meant("sectoins"), "sections");
  EXPECT_EQ(meant("section"), "sections");
  EXPECT_EQ(meant("stat"), "state");
  EXPECT_EQ(meant("byte"), "bytes");
  EXPECT_EQ(meant("rm"), "ram");
}

TEST(MistypedVerb, IsNoVerbAndNothingFarFromAll) {
  EXPECT_EQ(meant("sections"), std::nullopt);
  EXPECT_EQ(meant("saved.vm"), std::nullopt);
  EXPECT_EQ(meant("a"), std::nullopt);
  EXPECT_EQ(meant(""), std::nullopt);
  EXPECT_EQ(meant("-"), std::nullopt);
  EXPECT_EQ(meant("--json"), std::nullopt);
}

TEST(MistypedVerb, IsNoFileThatExists) { EXPECT_EQ(app::mistyped_verb("/dev", {"/dex", "/dav"}), std::nullopt); }

}  // namespace
}  // namespace vmstate::test
