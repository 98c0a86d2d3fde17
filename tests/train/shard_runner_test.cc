// The towers' work on a batch: of whatever shards and threads, and of which towers learn.
#include "src/train/shard_runner.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/config/optimizers.h"
#include "src/train/dense_update.h"
#include "src/train/step_plan.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

constexpr char kTeacher[] = "teacher { linear: true interaction { fm {} } mlp { hidden: 8 } } ";
constexpr char kCommittee[] =
    "committee { rows: SHARED member { copies: 2 tower { mlp { hidden: 8 } } } member { tower { linear: true "
    "interaction { fm {} } } } } ";
constexpr char kStudent[] = "student { linear: true mlp { hidden: 6 } } ";
constexpr int kRows = 40, kShardRows = 16;

// A model and what runs it, without a trainer.
struct Session {
  Session(const std::string& teacher, int threads, int shard_rows = kShardRows,
          const std::string& distill = "distill { hint_weight: 0 }")
      : experiment(SmallExperiment(absl::StrCat(teacher, kStudent, distill),
                                   absl::StrCat("train { shard_rows: ", shard_rows, " }"))),
        model(experiment, *FindKernels("auto").value(), /*trained=*/true),
        workers(threads),
        planner(model, TrainedParts::kAll, TrainerClock()),
        dense(experiment.train(), model.kernels(), &workers) {
    model.Initialize();
    const Committee& of = model.teacher();
    std::vector<int64_t> members;
    for (int k = 0; of.size() > 1 && k < of.size(); ++k) members.push_back(of.offset(k));
    parts.teacher =
        dense.Add({"teacher", &model.teacher_parameters(), &of.layout(), DenseUpdater::kTeacher, 1, members},
                  TeacherOptimizerOf(experiment));
    parts.student = dense.Add(
        {"student", &model.student_parameters(), &model.student().layout(), DenseUpdater::kStudent, 1},
        OptimizerOf(experiment, experiment.model().student()));
    runner =
        std::make_unique<ShardRunner>(&model, parts, /*student_moves_embedding=*/false, &dense, &workers);
  }

  // The planner's next step, unless another is given.
  void Run(const Batch& batch, const StepPlan* plan = nullptr) {
    const StepPlan chosen = plan != nullptr ? *plan : planner.Next(batch);
    ASSERT_TRUE(model.embedding().Resolve(batch, chosen.joint_step, &workers, &rows).ok());
    runner->Run(chosen, {batch, rows, rows, chosen.step, &result});
  }
  // What the dense parameters become.
  std::vector<float> Updated() {
    EXPECT_TRUE(dense.Update({parts.teacher, parts.student}, {1, 1}, 1).ok());
    std::vector<float> values;
    for (const DenseParameters* part : {&model.teacher_parameters(), &model.student_parameters()})
      values.insert(values.end(), part->values.begin(), part->values.end());
    return values;
  }
  // Of the batch's rows: the matrix may keep more.
  std::vector<float> InputGradient() const {
    const size_t floats = size_t{kRows} * model.embedding().fields() * model.embedding().dim();
    return {runner->d_x().begin(), runner->d_x().begin() + static_cast<std::ptrdiff_t>(floats)};
  }

  proto::Experiment experiment;
  DualModel model;
  Workers workers;
  StepPlanner planner;
  DenseUpdater dense;
  DenseParts parts;
  std::unique_ptr<ShardRunner> runner;
  BatchRows rows;
  StepResult result;
};

class ShardRunnerTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Teachers, ShardRunnerTest, testing::Values(kTeacher, kCommittee));

TEST_P(ShardRunnerTest, NoBitDependsOnTheNumberOfThreads) {
  Session one(GetParam(), /*threads=*/1);
  const Batch batch = RandomBatch(one.model.schema(), kRows, 7);
  one.Run(batch);
  ASSERT_EQ(one.result.teacher_logits.size(), size_t{kRows});
  const std::vector<float> values = one.Updated();
  // Three shards: fewer than the last has threads, so that a committee's members are tasks of their own.
  for (const int threads : {2, 3, 7}) {
    Session several(GetParam(), threads);
    several.Run(batch);
    EXPECT_EQ(several.result.teacher_logits, one.result.teacher_logits) << threads;
    EXPECT_EQ(several.result.student_logits, one.result.student_logits) << threads;
    EXPECT_EQ(several.runner->d_teacher_linear(), one.runner->d_teacher_linear()) << threads;
    EXPECT_EQ(several.runner->d_student_logits(), one.runner->d_student_logits()) << threads;
    EXPECT_EQ(several.InputGradient(), one.InputGradient()) << threads;
    EXPECT_EQ(several.Updated(), values) << threads;
  }
}

TEST_P(ShardRunnerTest, ARowIsScoredAlikeInAnyShardAndItsGradientIsItsOwn) {
  Session whole(GetParam(), 1, /*shard_rows=*/64), cut(GetParam(), 1, /*shard_rows=*/7);
  const Batch batch = RandomBatch(whole.model.schema(), kRows, 7);
  whole.Run(batch);
  cut.Run(batch);
  EXPECT_EQ(whole.result.teacher_logits, cut.result.teacher_logits);
  EXPECT_EQ(whole.result.student_logits, cut.result.student_logits);
  EXPECT_EQ(whole.InputGradient(), cut.InputGradient());
  EXPECT_EQ(whole.runner->d_student_logits(), cut.runner->d_student_logits());
  EXPECT_GT(whole.result.terms.total, 0);
  EXPECT_NEAR(whole.result.terms.total, cut.result.terms.total, 1e-9);
  const std::vector<float> a = whole.Updated(), b = cut.Updated();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
}

TEST_P(ShardRunnerTest, ABatchAfterALargerOneIsThatBatchAlone) {
  Session alone(GetParam(), 2), after(GetParam(), 2);
  const Batch batch = RandomBatch(alone.model.schema(), kRows, 7);
  after.Run(RandomBatch(alone.model.schema(), 3 * kRows, 8));
  after.Run(batch);
  alone.Run(batch);
  EXPECT_EQ(after.result.student_logits, alone.result.student_logits);
  EXPECT_EQ(after.InputGradient(), alone.InputGradient());
  EXPECT_EQ(after.runner->runs(), alone.runner->runs());
}

TEST(ShardRunnerPlanTest, ATowerThatIsNotRunHasNoLogitsAndATeacherThatRestsNoGradient) {
  Session session(kTeacher, 1);
  const Batch batch = RandomBatch(session.model.schema(), kRows, 7);
  StepPlan plan = session.planner.Next(batch);
  plan.student = plan.shares_input = false;
  session.Run(batch, &plan);
  EXPECT_TRUE(session.result.student_logits.empty());
  EXPECT_EQ(session.result.teacher_logits.size(), size_t{kRows});

  Session resting(kTeacher, 1);
  plan = resting.planner.Next(batch);
  plan.trains_teacher = false;
  resting.Run(batch, &plan);
  EXPECT_EQ(resting.result.teacher_logits, session.result.teacher_logits);
  const AlignedFloats before = resting.model.teacher_parameters().values;
  const AlignedFloats student = resting.model.student_parameters().values;
  ASSERT_TRUE(resting.dense.Update({resting.parts.student}, {1, 1}, 1).ok());
  EXPECT_EQ(resting.model.teacher_parameters().values, before);
  EXPECT_NE(resting.model.student_parameters().values, student);
}

}  // namespace
}  // namespace tandem
