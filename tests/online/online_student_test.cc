// What a student that learns online begins as.
#include "src/online/online_student.h"

#include <gtest/gtest.h>

#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kBoth[] = "teacher { mlp { hidden: 8 } } student { mlp { hidden: 8 } } distill {}";

class OnlineStudentTest : public testing::Test {
 protected:
  // The student of a checkpoint of `model`, for learning as `online` says.
  absl::StatusOr<BaseStudent> Load(const std::string& model, const std::string& online = "") {
    if (!fs_.Exists(scratch_ / "base")) WriteTrainedCheckpoint(SmallExperiment(model), 5, scratch_ / "base");
    base_ = *FindBase(fs_, scratch_ / "base");
    return LoadBaseStudent(fs_, base_, OnlineExperiment(SmallExperiment(kBoth, online)), kernels_);
  }

  FileSystem& fs_ = FileSystem::Default();
  const Kernels& kernels_ = *AvailableKernels().front();
  const ScratchDirectory scratch_;
  Base base_;
};

TEST_F(OnlineStudentTest, IsAStudentAloneThatKeepsItsOptimizersUnlessToldOtherwise) {
  const absl::StatusOr<BaseStudent> student = Load(kBoth);
  ASSERT_TRUE(student.ok()) << student.status();
  EXPECT_FALSE(student->model->has_teacher());
  EXPECT_TRUE(student->keeps_optimizer);
  EXPECT_FALSE(Load(kBoth, "online { reset_optimizer: true }")->keeps_optimizer);
  const absl::StatusOr<BaseStudent> other = Load(kBoth, "online { optimizer { sgd { lr: 0.1 } } }");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(other->keeps_optimizer) << "of another kind, it starts anew";
  EXPECT_EQ(other->optimizer_steps, 0);
}

TEST_F(OnlineStudentTest, ATeacherAloneHasNone) {
  EXPECT_EQ(ExitCode(Load("method: TEACHER_ALONE teacher { mlp { hidden: 8 } }").status()), kExitUsage);
}

TEST_F(OnlineStudentTest, OtherFeaturesOrAnotherTowerAreRefused) {
  EXPECT_EQ(ExitCode(Load(kBoth, "drop_feature: 'item'").status()), kExitUsage);
  EXPECT_EQ(ExitCode(Load(kBoth, "model { student { mlp { hidden: 16 } } }").status()), kExitUsage);
}

TEST_F(OnlineStudentTest, StartingOverForgetsTheStreamButForItsDays) {
  const absl::StatusOr<BaseStudent> student = Load(kBoth);
  ASSERT_TRUE(student.ok()) << student.status();
  proto::RunState run;
  run.set_step(9);
  run.set_rows_trained(700);
  run.set_base_id("before");
  proto::OnlineState stream;
  stream.set_offset(1234);
  stream.set_rows_good(700);
  stream.set_rollbacks(2);
  stream.add_day_start()->set_offset(77);
  base_.cut = 86400;
  base_.days = {"1970-01-01"};
  StartOver(base_, *student, /*has_cut=*/true, &run, &stream);
  EXPECT_EQ(run.step(), 9) << "steps count on";
  EXPECT_EQ(run.rows_trained(), 0);
  EXPECT_EQ(run.base_id(), base_.id);
  EXPECT_EQ(run.day(0), "1970-01-01");
  EXPECT_EQ(stream.offset(), 0);
  EXPECT_EQ(stream.rollbacks(), 0);
  EXPECT_EQ(stream.cut(), 86400);
  ASSERT_EQ(stream.day_start_size(), 1);
  EXPECT_EQ(stream.day_start(0).offset(), 77);
  StartOver(base_, *student, /*has_cut=*/false, &run, &stream);
  EXPECT_FALSE(stream.has_cut());
}

}  // namespace
}  // namespace tandem
