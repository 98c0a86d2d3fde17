#include "src/util/links.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tandem/status.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

TEST(Links, ALinkIsSwitchedAndFollowed) {
  const ScratchDirectory scratch;
  const std::string link = scratch / "published";
  EXPECT_EQ(LinkTarget(link), "");
  EXPECT_EQ(FollowLink(link), link);
  for (const std::string target : {"bundles/step-000001", "bundles/step-000002"}) {
    ASSERT_TRUE(PointLink(link, target).ok());
    EXPECT_EQ(LinkTarget(link), target);
    EXPECT_EQ(LinkTarget(link + "/"), target);
    EXPECT_EQ(FollowLink(link), scratch / target);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path()), {}), 1);
}

TEST(Links, WhatIsNoLinkIsNeverReplaced) {
  const ScratchDirectory scratch;
  std::filesystem::create_directories(scratch / "published");
  EXPECT_EQ(ExitCode(PointLink(scratch / "published", "elsewhere")), kExitUsage);
  EXPECT_TRUE(std::filesystem::is_directory(scratch / "published"));
}

}  // namespace
}  // namespace tandem
