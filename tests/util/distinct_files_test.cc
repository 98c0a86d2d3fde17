// One file under several names.
#include "src/util/distinct_files.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/support/sample_files.h"

namespace tandem {
namespace {

class DistinctFilesTest : public SampleFilesTest {};

TEST_F(DistinctFilesTest, AFileIsKnownUnderEveryNameThatLeadsToIt) {
  Write("spring", "x");
  Write("summer", "x");
  std::filesystem::create_symlink("spring", Path("link"));
  std::filesystem::create_hard_link(Path("spring"), Path("second"));
  DistinctFiles seen(FileSystem::Default());
  EXPECT_EQ(seen.Before(Path("spring")), "");
  EXPECT_EQ(seen.Before(Path("summer")), "");
  for (const char* name : {"spring", "./spring", "link", "second"})
    EXPECT_EQ(seen.Before(Path(name)), Path("spring"));
}

TEST_F(DistinctFilesTest, WhatIsNotThereOrIsADeviceIsNobodysDouble) {
  DistinctFiles seen(FileSystem::Default());
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(seen.Before(Path("absent")), "");
    EXPECT_EQ(seen.Before("/dev/null"), "");
  }
}

TEST_F(DistinctFilesTest, WhatIsReadIsNotWrittenUnderWhateverName) {
  FileSystem& fs = FileSystem::Default();
  const std::string spring = Write("spring", "x");
  std::filesystem::create_symlink("spring", Path("link"));
  for (const std::string& output : {spring, Path("link")}) {
    const absl::Status status = CheckIsNoInput(fs, output, {Path("summer"), spring});
    EXPECT_EQ(status.message(),
              absl::StrCat("output: ", output, " is also an input (", spring, "); it would be replaced"));
  }
  EXPECT_TRUE(CheckIsNoInput(fs, Path("summer"), {spring}).ok());
  EXPECT_TRUE(CheckIsNoInput(fs, "/dev/null", {"/dev/null"}).ok());
}

}  // namespace
}  // namespace tandem
