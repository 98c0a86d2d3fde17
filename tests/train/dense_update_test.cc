// How dense parameters move: gradients of shards added, rates, averages.
#include "src/train/dense_update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

// A tower of a matrix [2, 2] and a bias [2], all ones at first.
struct Tower {
  explicit Tower(const proto::Train& train) {
    layout.Add("weight", {2, 2}, ParameterKind::kMatrix);
    layout.Add("bias", {2}, ParameterKind::kBias);
    parameters.values.assign(layout.size(), 1.0f);
    parameters.slots.assign(layout.size() * MakeOptimizer(train.optimizer())->slots(), 0.0f);
    if (train.average_decay() > 0) parameters.averages = parameters.values;
  }
  ParameterLayout layout;
  DenseParameters parameters;
};

class DenseUpdaterTest : public testing::Test {
 protected:
  void Make(const std::string& train, int threads = 1) {
    train_ = ParseText<proto::Train>(train);
    workers_ = std::make_unique<Workers>(threads);
    teacher_ = std::make_unique<Tower>(train_);
    student_ = std::make_unique<Tower>(train_);
    updater_ = std::make_unique<DenseUpdater>(train_, *FindKernels("auto").value(), workers_.get());
    teacher_part_ = updater_->Add(
        {"teacher", &teacher_->parameters, &teacher_->layout, DenseUpdater::kTeacher, 1}, train_.optimizer());
    student_part_ =
        updater_->Add({"student", &student_->parameters, &student_->layout, DenseUpdater::kStudent, 0.5},
                      train_.optimizer());
  }
  // Shard s has the gradient begin + s everywhere.
  void FillGradients(int part, int shards, float begin) {
    updater_->Reserve(shards);
    for (int s = 0; s < shards; ++s) Fill(part, s, begin + static_cast<float>(s));
  }
  // Where not_a_number is a place, the gradient there isn't one.
  void Fill(int part, int shard, float value, int not_a_number = -1) {
    const GradientSum gradient = updater_->Begin(part, shard, /*worker=*/0);
    std::fill_n(gradient + 0, teacher_->layout.size(), value);
    if (not_a_number >= 0) *(gradient + not_a_number) = std::numeric_limits<float>::quiet_NaN();
    updater_->End(part, shard, /*worker=*/0);
  }
  float Teacher(int i) const { return teacher_->parameters.values[i]; }
  float Student(int i) const { return student_->parameters.values[i]; }
  static constexpr int kWeight = 0, kBias = 16;  // blocks begin at multiples of 16

  proto::Train train_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Tower> teacher_, student_;
  std::unique_ptr<DenseUpdater> updater_;
  int teacher_part_ = 0, student_part_ = 0;
};

TEST_F(DenseUpdaterTest, TheShardsSumMovesThePartsAtTheirRates) {
  Make("optimizer { sgd { lr: 0.1 } }");
  FillGradients(teacher_part_, 3, 1);
  FillGradients(student_part_, 3, 1);
  ASSERT_TRUE(updater_->Update({teacher_part_, student_part_}, {1, 0.5}, 1).ok());
  EXPECT_FLOAT_EQ(Teacher(kWeight), 1 - 0.1f * 6);
  EXPECT_FLOAT_EQ(Student(kBias), 1 - 0.1f * 6 * 0.5f * 0.5f) << "the schedule's factor and the part's own";
}

TEST_F(DenseUpdaterTest, OnlyThePartsAskedForMoveAndCount) {
  Make("optimizer { sgd { lr: 0.1 } }");
  FillGradients(student_part_, 1, 1);
  ASSERT_TRUE(updater_->Update({student_part_}, {1, 1}, 1).ok());
  EXPECT_EQ(Teacher(kWeight), 1);
  EXPECT_EQ(updater_->updates(DenseUpdater::kTeacher), 0);
  EXPECT_EQ(updater_->updates(DenseUpdater::kStudent), 1);
}

TEST_F(DenseUpdaterTest, AGroupIsClippedByItsCommonNorm) {
  Make("clip_norm: 1 optimizer { sgd { lr: 0.1 } }");
  FillGradients(teacher_part_, 1, 2);
  FillGradients(student_part_, 1, 0.1f);
  ASSERT_TRUE(updater_->Update({teacher_part_, student_part_}, {1, 1}, 1).ok());
  const float norm = 2 * std::sqrt(6.0f);
  EXPECT_NEAR(Teacher(kWeight), 1 - 0.1f * 2 / norm, 1e-6);
  EXPECT_NEAR(Student(kWeight), 1 - 0.1f * 0.1f * 0.5f, 1e-6) << "a norm below the limit stays as it is";
}

TEST_F(DenseUpdaterTest, DecayIsForMatricesNotForBiases) {
  Make("weight_decay: 0.5 l2: 0.25 optimizer { sgd { lr: 0.1 } }");
  FillGradients(teacher_part_, 1, 0);
  ASSERT_TRUE(updater_->Update({teacher_part_}, {1, 1}, 1).ok());
  EXPECT_NEAR(Teacher(kWeight), (1 - 0.1 * 0.5) - 0.1 * 0.25, 1e-6);
  EXPECT_EQ(Teacher(kBias), 1);
}

TEST_F(DenseUpdaterTest, TheFirstAveragesWeighAlike) {
  Make("average_decay: 0.9 optimizer { sgd { lr: 0.1 } }");
  double sum = 0;
  for (int step = 1; step <= 4; ++step) {
    FillGradients(teacher_part_, 1, 1);
    ASSERT_TRUE(updater_->Update({teacher_part_}, {1, 1}, step).ok());
    sum += Teacher(kWeight);
    EXPECT_NEAR(teacher_->parameters.averages[kWeight], sum / step, 1e-6);
  }
  EXPECT_EQ(student_->parameters.averages[kWeight], 1);
}

TEST_F(DenseUpdaterTest, AGradientThatIsntFiniteIsNamedWithItsPartAndStep) {
  Make("optimizer { sgd { lr: 0.1 } }");
  FillGradients(teacher_part_, 2, 1);
  FillGradients(student_part_, 2, 1);
  Fill(student_part_, 1, 2, /*not_a_number=*/kBias);
  const absl::Status status = updater_->Update({teacher_part_, student_part_}, {1, 1}, 77);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("step 77: the gradient of student"), absl::string_view::npos) << status;
}

TEST_F(DenseUpdaterTest, ResumedItGoesOnWithItsCount) {
  Make("optimizer { adam { lr: 0.1 } }");
  FillGradients(teacher_part_, 1, 1);
  ASSERT_TRUE(updater_->Update({teacher_part_}, {1, 1}, 1).ok());
  FillGradients(teacher_part_, 1, 3);
  const DenseParameters before = teacher_->parameters;
  ASSERT_TRUE(updater_->Update({teacher_part_}, {1, 1}, 2).ok());
  const float uninterrupted = Teacher(kWeight);
  Make("optimizer { adam { lr: 0.1 } }");
  teacher_->parameters = before;
  updater_->set_updates(DenseUpdater::kTeacher, 1);
  FillGradients(teacher_part_, 1, 3);
  ASSERT_TRUE(updater_->Update({teacher_part_}, {1, 1}, 2).ok());
  EXPECT_EQ(Teacher(kWeight), uninterrupted);
}

}  // namespace
}  // namespace tandem
