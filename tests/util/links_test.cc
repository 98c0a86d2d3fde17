// Links that are switched at once.
#include "src/util/links.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

TEST(Links, ALinkIsSwitchedAndFollowed) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  const std::string link = scratch / "published";
  EXPECT_EQ(LinkTarget(fs, link), "");
  EXPECT_EQ(FollowLink(fs, link), link);
  for (const std::string target : {"bundles/step-000001", "bundles/step-000002"}) {
    ASSERT_TRUE(PointLink(fs, link, target).ok());
    EXPECT_EQ(LinkTarget(fs, link), target);
    EXPECT_EQ(LinkTarget(fs, link + "/"), target);
    EXPECT_EQ(FollowLink(fs, link), scratch / target);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path()), {}), 1);
}

TEST(Links, WhatIsNoLinkIsNeverReplaced) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  std::filesystem::create_directories(scratch / "published");
  EXPECT_EQ(ExitCode(PointLink(fs, scratch / "published", "elsewhere")), kExitUsage);
  EXPECT_TRUE(std::filesystem::is_directory(scratch / "published"));
}

// Killed at any moment, the link leads to one bundle or the next.
TEST(Links, ASwitchThatFailsLeavesTheLinkWhereItLed) {
  const ScratchDirectory scratch;
  const std::string link = scratch / "published";
  FaultyFileSystem fs(FileSystem::Default());
  ASSERT_TRUE(PointLink(fs, link, "one").ok());
  for (const auto fault : {FaultyFileSystem::Fault::kFail, FaultyFileSystem::Fault::kCrash}) {
    for (int64_t operation = 0;; ++operation) {
      ASSERT_TRUE(PointLink(fs, link, "one").ok());
      fs.FailAt(operation, fault);
      const absl::Status status = PointLink(fs, link, "two");
      const bool reached = fs.failed();
      fs.Restart();
      const std::string target = LinkTarget(fs, link);
      EXPECT_TRUE(target == "two" || (!status.ok() && target == "one")) << operation << ": " << target;
      if (!reached) break;
    }
  }
}

}  // namespace
}  // namespace tandem
