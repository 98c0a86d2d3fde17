// What a run's configuration may change when it is resumed.
#include "src/train/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

constexpr char kModel[] = "method: STUDENT_ALONE student { mlp { hidden: 8 } }";

TEST(RunConfig, IsReadAsItWasWritten) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  const proto::Experiment experiment = SmallExperiment(kModel, "train { seed: 7 }");
  ASSERT_TRUE(WriteRunConfig(fs, scratch.path(), experiment).ok());
  const absl::StatusOr<proto::Experiment> read = ReadRunConfig(fs, scratch.path());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(CheckSameConfig(scratch.path(), *read, experiment).ok());
  EXPECT_FALSE(ReadRunConfig(fs, scratch / "nowhere").ok());
}

TEST(RunConfig, TheFirstSettingThatDiffersIsNamedAndTheMachinesDontCount) {
  const proto::Experiment before = SmallExperiment(kModel);
  EXPECT_TRUE(CheckSameConfig("run", before, SmallExperiment(kModel, "runtime { threads: 3 }")).ok());
  const absl::Status other =
      CheckSameConfig("run", before, SmallExperiment(kModel, "train { seed: 7 }"), ", but for runtime");
  EXPECT_EQ(ExitCode(other), kExitUsage);
  EXPECT_THAT(std::string(other.message()),
              testing::AllOf(testing::HasSubstr("run/config.pbtxt has train.seed 1"),
                             testing::EndsWith("a resumed run keeps its config, but for runtime")));
}

TEST(RunConfig, IsTheOneThatItsCheckpointWasWrittenWith) {
  const proto::Experiment of_run = SmallExperiment(kModel);
  const auto check = [&](const std::string& more) {
    return CheckCheckpointConfig(of_run, "run/config.pbtxt", SmallExperiment(kModel, more), "step-1");
  };
  // Where the log lay and what the machine did are no part of a checkpoint.
  EXPECT_TRUE(check("data { path: 'elsewhere' } runtime { threads: 3 }").ok());
  const absl::Status other = check("embedding { weight_decay: 0.1 }");
  EXPECT_EQ(ExitCode(other), kExitModel);
  EXPECT_THAT(std::string(other.message()),
              testing::HasSubstr("run/config.pbtxt has embedding.weight_decay 0, step-1 0.1"));
}

}  // namespace
}  // namespace tandem
