// Which directory a model's name leads to, while the run behind it goes on.
#include "tandem/model_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "src/train/run_config.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/predictor.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr char kModel[] = "method: STUDENT_ALONE student { mlp { hidden: 8 } }";

// Whose next listing comes out empty: one that saw neither what was added meanwhile nor what was removed.
class MissingListing : public FaultyFileSystem {
 public:
  using FaultyFileSystem::FaultyFileSystem;
  void Miss() { missed_ = true; }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    if (!missed_) return FaultyFileSystem::List(path);
    missed_ = false;
    return std::vector<std::string>();
  }

 private:
  bool missed_ = false;
};

class ModelDirectoryTest : public testing::Test {
 protected:
  ModelDirectoryTest() {
    EXPECT_TRUE(fs_.CreateDirectories(run_ + "/checkpoints").ok());
    EXPECT_TRUE(WriteRunConfig(fs_, run_, SmallExperiment(kModel)).ok());
    WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/2, StepDirectory(run_, 1));
  }

  // What a run does that goes on: a newer checkpoint, and the old one goes.
  void GoOn(int from) {
    std::filesystem::copy(StepDirectory(run_, from), StepDirectory(run_, from + 1));
    EXPECT_TRUE(RemoveDirectory(fs_, StepDirectory(run_, from)).ok());
  }

  FileSystem& fs_ = FileSystem::Default();
  ScratchDirectory scratch_;
  const std::string run_ = scratch_ / "run";
};

TEST_F(ModelDirectoryTest, ACheckpointThatGoesWhileItIsReadIsFollowedByTheNext) {
  std::vector<std::string> read;
  const absl::Status loaded = WithNewest(fs_, run_, [&](const std::string& directory) -> absl::Status {
    read.push_back(directory);
    if (read.size() < 4) {
      GoOn(static_cast<int>(read.size()));
      return ModelError(directory, ": cannot read");
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(read.size(), 4);
  EXPECT_EQ(read.back(), StepDirectory(run_, 4));
}

TEST_F(ModelDirectoryTest, AListingThatMissesBothIsTakenAgain) {
  MissingListing fs(fs_);
  int times = 0;
  fs.Miss();
  const absl::Status loaded = WithNewest(fs, run_, [&](const std::string& directory) -> absl::Status {
    if (++times > 1) return absl::OkStatus();
    GoOn(1);
    fs.Miss();
    return ModelError(directory, ": cannot read");
  });
  EXPECT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(times, 2);
}

TEST_F(ModelDirectoryTest, ACheckpointStaysInPlaceWhileItIsRead) {
  std::filesystem::copy(StepDirectory(run_, 1), StepDirectory(run_, 2));
  const absl::Status loaded = WithNewest(fs_, run_, [&](const std::string& directory) -> absl::Status {
    EXPECT_EQ(directory, StepDirectory(run_, 2));
    std::filesystem::copy(StepDirectory(run_, 1), StepDirectory(run_, 3));
    EXPECT_TRUE(RemoveOldCheckpoints(fs_, run_, /*keep=*/1).ok());
    EXPECT_FALSE(fs_.Exists(StepDirectory(run_, 1)));
    EXPECT_TRUE(fs_.Exists(StepDirectory(run_, 2)));
    // Whoever else reads it may.
    return WithNewest(fs_, StepDirectory(run_, 2), [](const std::string&) { return absl::OkStatus(); });
  });
  EXPECT_TRUE(loaded.ok()) << loaded;
  EXPECT_TRUE(RemoveOldCheckpoints(fs_, run_, /*keep=*/1).ok());
  EXPECT_FALSE(fs_.Exists(StepDirectory(run_, 2)));
  EXPECT_TRUE(fs_.Exists(StepDirectory(run_, 3)));
}

TEST_F(ModelDirectoryTest, WhatGoesAndIsFollowedByNothingFailsAsItDid) {
  const absl::Status loaded = WithNewest(fs_, run_, [&](const std::string& directory) -> absl::Status {
    EXPECT_TRUE(RemoveDirectory(fs_, directory).ok());
    return ModelError("cannot read");
  });
  EXPECT_EQ(loaded.message(), "cannot read");
}

TEST_F(ModelDirectoryTest, WhatFailsAndStaysFailsOnce) {
  int times = 0;
  const absl::Status loaded = WithNewest(fs_, run_, [&](const std::string& /*directory*/) -> absl::Status {
    ++times;
    return ModelError("damaged");
  });
  EXPECT_EQ(loaded.message(), "damaged");
  EXPECT_EQ(times, 1);
}

TEST_F(ModelDirectoryTest, ARunWhoseConfigWasEditedOrDamagedIsRefusedByName) {
  EXPECT_TRUE(Predictor::Load(run_, {}).ok());
  const std::string config = run_ + "/config.pbtxt";
  std::string text = fs_.ReadFile(config).value();
  text.replace(text.find("weight_decay: 0"), 15, "weight_decay: 1");
  ASSERT_TRUE(WriteFileAtomically(fs_, config, text).ok());
  const absl::Status edited = Predictor::Load(run_, {}).status();
  EXPECT_EQ(ExitCode(edited), kExitModel);
  EXPECT_THAT(std::string(edited.message()), HasSubstr(config + ": was edited"));
  // A checksum can be made; the checkpoint knows better.
  ASSERT_TRUE(WriteRunConfig(fs_, run_, SmallExperiment(kModel, "embedding { weight_decay: 1 }")).ok());
  const absl::Status other = Predictor::Load(run_, {}).status();
  EXPECT_EQ(ExitCode(other), kExitModel);
  EXPECT_THAT(std::string(other.message()), HasSubstr(config + " has embedding.weight_decay 1"));
}

}  // namespace
}  // namespace tandem
