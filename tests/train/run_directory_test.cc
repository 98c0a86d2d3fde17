// A run's directory: fresh, resumed, in use.
#include "src/train/run_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "src/util/aside.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

class RunDirectoryTest : public testing::Test {
 protected:
  absl::StatusOr<RunDirectory> Open(const std::string& name, bool resume = false) {
    return RunDirectory::Open(fs_, scratch_ / name, resume);
  }
  void Write(const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(scratch_ / name).parent_path());
    ASSERT_TRUE(WriteFileAtomically(fs_, scratch_ / name, "").ok());
  }

  FileSystem& fs_ = FileSystem::Default();
  const ScratchDirectory scratch_;
};

TEST_F(RunDirectoryTest, ClaimedItIsOnesOwnUntilItGoes) {
  absl::StatusOr<RunDirectory> run = Open("run");
  ASSERT_TRUE(run.ok());
  EXPECT_TRUE(run->fresh());
  EXPECT_FALSE(fs_.Exists(scratch_ / "run")) << "not before it is claimed";
  ASSERT_TRUE(run->Claim(fs_).ok());
  EXPECT_EQ(ExitCode(Open("run").status()), kExitUsage);
  RunDirectory moved = *std::move(run);
  EXPECT_EQ(ExitCode(Open("run").status()), kExitUsage);
  moved = *Open("elsewhere");
  EXPECT_TRUE(Open("run").ok());
}

TEST_F(RunDirectoryTest, LeftItTakesWhatItWroteAndStaysForWhatOthersHave) {
  const absl::StatusOr<RunDirectory> run = Open("run");
  ASSERT_TRUE(run.ok());
  Write("run/config.pbtxt");
  Write("run/days/one");
  Write("run/notes");
  run->Leave(fs_, {"days", kRunConfigFile, "never"});
  EXPECT_EQ(fs_.List(scratch_ / "run").value(), std::vector<std::string>{"notes"});
  ASSERT_TRUE(fs_.RemoveAll(scratch_ / "run/notes").ok());
  run->Leave(fs_, {"days"});
  EXPECT_FALSE(fs_.Exists(scratch_ / "run"));
}

TEST_F(RunDirectoryTest, ALinkToADirectoryIsThatDirectory) {
  Write("run/config.pbtxt");
  std::filesystem::create_directory_symlink("run", scratch_ / "link");
  const absl::StatusOr<RunDirectory> run = Open("link", /*resume=*/true);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(ExitCode(Open("run", /*resume=*/true).status()), kExitUsage) << "it is in use";
}

TEST_F(RunDirectoryTest, WhatIsNoRunIsLeftAlone) {
  Write("run/config.pbtxt");
  EXPECT_EQ(ExitCode(Open("run").status()), kExitUsage) << "a run wants to be resumed";
  EXPECT_FALSE(Open("run", /*resume=*/true)->fresh());
  Write("notes/mine.txt");
  for (const bool resume : {false, true}) EXPECT_EQ(ExitCode(Open("notes", resume).status()), kExitUsage);
  Write("file");
  EXPECT_EQ(ExitCode(Open("file").status()), kExitUsage);
}

TEST_F(RunDirectoryTest, WhatComesToNothingLeavesItFresh) {
  Write("run/quarantine/2000-11-20.tsv");
  EXPECT_TRUE(Open("run")->fresh());
  Write("run/" + AsidePath("config.pbtxt"));
  EXPECT_TRUE(Open("run", /*resume=*/true)->fresh());
  EXPECT_EQ(ExitCode(Open("run").status()), kExitUsage);
}

TEST_F(RunDirectoryTest, AFailureToMakeItIsTold) {
  FaultyFileSystem faulty(fs_);
  absl::StatusOr<RunDirectory> run = RunDirectory::Open(faulty, scratch_ / "run", false);
  ASSERT_TRUE(run.ok());
  faulty.FailAt(0, FaultyFileSystem::Fault::kFail);
  EXPECT_EQ(run->Claim(faulty).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace tandem
