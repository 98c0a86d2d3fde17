// The file that says that a run is complete.
#include "src/train/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tandem/status.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class CompletionTest : public testing::Test {
 protected:
  absl::StatusOr<std::optional<int64_t>> Read(const std::string& bytes) {
    std::ofstream(scratch_ / "complete", std::ios::binary) << bytes;
    return ReadCompletion(fs_, scratch_.path());
  }

  ScratchDirectory scratch_;
  FileSystem& fs_ = FileSystem::Default();
};

TEST_F(CompletionTest, IsOfTheStepThatWasWritten) {
  EXPECT_EQ(ReadCompletion(fs_, scratch_.path()).value(), std::nullopt);
  ASSERT_TRUE(WriteCompletion(fs_, scratch_.path(), 412).ok());
  EXPECT_EQ(fs_.ReadFile(scratch_ / "complete").value(), "step 412\nformat 2\n");
  EXPECT_EQ(ReadCompletion(fs_, scratch_.path()).value(), 412);
  ASSERT_TRUE(RemoveCompletion(fs_, scratch_.path()).ok());
  EXPECT_EQ(ReadCompletion(fs_, scratch_.path()).value(), std::nullopt);
}

TEST_F(CompletionTest, AnotherFormatIsRefusedByItsNumber) {
  const absl::Status newer = Read("step 412\nformat 3\nand more\n").status();
  EXPECT_EQ(ExitCode(newer), kExitModel);
  EXPECT_THAT(std::string(newer.message()), HasSubstr("complete: was written by a newer Tandem (format 3"));
  EXPECT_THAT(std::string(Read("step 412\n").status().message()), HasSubstr("an older Tandem (format 1"));
}

TEST_F(CompletionTest, AnotherFileOfThatNameIsRefused) {
  for (const char* bytes : {"", "step 412", "step x\nformat 2\n", "done\n", "step 412\nformat\n"})
    EXPECT_EQ(ExitCode(Read(bytes).status()), kExitModel) << bytes;
}

}  // namespace
}  // namespace tandem
