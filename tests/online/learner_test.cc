// A micro-batch: scored as a server would, then learned from.
#include "src/online/learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tandem/kernels.h"
#include "tandem/online.h"
#include "tandem/state.pb.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

class LearnerTest : public testing::Test {
 protected:
  explicit LearnerTest(const std::string& online = "window_rows: 100")
      : experiment_(OnlineExperiment(
            SmallExperiment("method: STUDENT_ALONE student { linear: true mlp { hidden: 8 } }",
                            "online { " + online + " }"))),
        learner_(experiment_, &workers_, &run_, &stream_) {
    learner_.Take(Model());
  }
  std::unique_ptr<DualModel> Model() const {
    auto model = std::make_unique<DualModel>(experiment_, *FindKernels("auto").value(), /*trained=*/true);
    model->Initialize();
    return model;
  }
  Batch Rows(int seed) const { return RandomBatch(learner_.model().schema(), 60, seed); }

  const proto::Experiment experiment_;
  Workers workers_{1};
  proto::RunState run_;
  proto::OnlineState stream_;
  Learner learner_;
};

TEST_F(LearnerTest, ARowIsScoredBeforeItIsTrainedOn) {
  const Batch batch = Rows(1);
  LiveScorer scorer(learner_.model(), LiveScorer::Which::kStudent, &workers_);
  std::vector<float> before;
  EXPECT_TRUE(scorer.Score(batch, &before).ok());
  ASSERT_TRUE(learner_.Learn(batch).ok());
  const ScoreLog log = learner_.window().Log();
  ASSERT_EQ(log.rows(), batch.rows());
  for (int row = 0; row < batch.rows(); ++row) {
    EXPECT_EQ(log.probabilities()[row], static_cast<float>(Sigmoid(before[row])));
    EXPECT_EQ(log.labels()[row], batch.labels[row]);
  }
  std::vector<float> after;
  EXPECT_TRUE(scorer.Score(batch, &after).ok());
  EXPECT_NE(before, after);
}

TEST_F(LearnerTest, CountsItsStepsAndRows) {
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(learner_.Learn(Rows(step)).ok());
  EXPECT_EQ(run_.step(), 3);
  EXPECT_EQ(run_.joint_steps(), 3);
  EXPECT_EQ(run_.rows_trained(), 180);
  EXPECT_EQ(run_.student_optimizer_steps(), 3);
  EXPECT_EQ(stream_.model_step(), 3);
  EXPECT_EQ(learner_.window().rows(), 100) << "the window slides";
}

TEST_F(LearnerTest, ADivergedStepCountsAndIsToldAndAnotherModelGoesOn) {
  ASSERT_TRUE(learner_.Learn(Rows(1)).ok());
  Batch batch = Rows(2);
  batch.weights[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(learner_.Learn(batch).status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(run_.step(), 2);
  EXPECT_EQ(run_.rows_trained(), 120);
  EXPECT_EQ(stream_.model_step(), 1);
  learner_.Take(Model());
  learner_.ForgetWindow();
  ASSERT_TRUE(learner_.Learn(Rows(3)).ok());
  EXPECT_EQ(learner_.window().rows(), 60);
}

TEST_F(LearnerTest, TheWindowGoesThroughTheState) {
  ASSERT_TRUE(learner_.Learn(Rows(1)).ok());
  learner_.Save();
  Learner resumed(experiment_, &workers_, &run_, &stream_);
  ASSERT_TRUE(resumed.RestoreWindow().ok());
  EXPECT_EQ(resumed.window().Log().Serialize(), learner_.window().Log().Serialize());
}

class BoundedLearnerTest : public LearnerTest {
 protected:
  BoundedLearnerTest() : LearnerTest("max_rows: 20") {}
};

TEST_F(BoundedLearnerTest, IdsThatModelsBeforeThisOneRefusedAreCountedOn) {
  ASSERT_TRUE(learner_.Learn(Rows(1)).ok());
  ASSERT_TRUE(learner_.Learn(Rows(2)).ok());
  const int64_t refused = stream_.ids_refused();
  EXPECT_GT(refused, 0);
  learner_.Take(Model());
  ASSERT_TRUE(learner_.Learn(Rows(1)).ok());
  ASSERT_TRUE(learner_.Learn(Rows(2)).ok());
  EXPECT_EQ(stream_.ids_refused(), 2 * refused);
}

}  // namespace
}  // namespace tandem
