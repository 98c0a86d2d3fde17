// What online learning begins from.
#include <gtest/gtest.h>

#include <filesystem>

#include "tandem/checkpoint.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/online.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { linear: true interaction { cin { layers: 4 } } mlp { hidden: 8 } }"
    " student { linear: true mlp { hidden: 8 } } distill {}";

TEST(OnlineExperiment, IsTheStudentAloneAtTheRatesAskedFor) {
  const proto::Experiment experiment = OnlineExperiment(SmallExperiment(
      kModel,
      "train { schedule { decay: COSINE decay_steps: 9 } }"
      " online { lr_multiplier: 0.5 embedding_lr_multiplier: 2 embedding_optimizer { sgd { lr: 0.3 } } }"));
  EXPECT_EQ(experiment.model().method(), proto::STUDENT_ALONE);
  EXPECT_FALSE(experiment.model().has_teacher());
  EXPECT_EQ(experiment.train().schedule().decay(), proto::Schedule::CONSTANT);
  EXPECT_DOUBLE_EQ(experiment.train().optimizer().adam().lr(), 0.0025);
  EXPECT_DOUBLE_EQ(experiment.embedding().optimizer().sgd().lr(), 0.6);
  EXPECT_TRUE(ValidateExperiment(experiment).ok());
  EXPECT_EQ(ExperimentText(OnlineExperiment(experiment)), ExperimentText(experiment))
      << "carried out once and for all";
}

TEST(OnlineExperiment, LearnsFromATeachersScoresWhereTheStreamHoldsThem) {
  proto::Experiment experiment =
      SmallExperiment(kModel,
                      "model { distill { logit_weight: 0.3 logit_loss: SOFT_LABEL temperature: 2 hint {} "
                      "lr_multiplier: 3 replay { steps: 2 } phase {} stored_logits { column: 'score' } } } "
                      "data { unlabelled: USE_TEACHER }");
  const proto::Experiment stored = OnlineExperiment(experiment);
  EXPECT_EQ(stored.model().distill().stored_logits().column(), "score");
  EXPECT_EQ(stored.data().unlabelled(), proto::Data::DROP);
  EXPECT_DOUBLE_EQ(stored.model().distill().logit_weight(), 0.3);
  EXPECT_DOUBLE_EQ(stored.model().distill().lr_multiplier(), 3);
  EXPECT_EQ(stored.model().distill().hint_size(), 0);
  EXPECT_FALSE(stored.model().distill().has_replay() || stored.model().distill().has_phase());
  EXPECT_TRUE(ValidateExperiment(stored).ok()) << ValidateExperiment(stored);
  EXPECT_EQ(ExperimentText(OnlineExperiment(stored)), ExperimentText(stored));
  // A method without a logit loss doesn't find one on its way here.
  experiment.mutable_model()->set_method(proto::FEATURE_TRANSFER);
  EXPECT_FALSE(OnlineExperiment(experiment).model().distill().has_stored_logits());
  EXPECT_DOUBLE_EQ(OnlineExperiment(experiment).model().distill().lr_multiplier(), 3);
}

TEST(OnlineExperiment, TheStudentsOwnOptimizerMovesItAndOfMuonTheAdam) {
  const char* own =
      "model { student { optimizer { muon { lr: 0.5 adam { lr: 0.02 } } } } } embedding { slow_copy {} }";
  const proto::Experiment online = OnlineExperiment(SmallExperiment(kModel, own));
  EXPECT_DOUBLE_EQ(online.train().optimizer().adam().lr(), 0.02);
  EXPECT_FALSE(online.model().student().has_optimizer());
  EXPECT_FALSE(online.embedding().has_slow_copy());
  const proto::Experiment replaced = OnlineExperiment(SmallExperiment(
      kModel, std::string(own) + " online { lr_multiplier: 0.5 optimizer { sgd { lr: 3 } } }"));
  EXPECT_DOUBLE_EQ(replaced.train().optimizer().sgd().lr(), 1.5);
}

// What the student is served on: rows, its linear weights, its MLP; and the optimizer's slots with them.
TEST(OnlineExperiment, TheStudentOfACoTrainedCheckpointScoresAsItDid) {
  const ScratchDirectory scratch;
  const proto::Experiment experiment = SmallExperiment(kModel);
  WriteTrainedCheckpoint(experiment, 20, scratch / "base");
  FileSystem& fs = FileSystem::Default();
  const Kernels& kernels = *FindKernels("auto").value();
  DualModel both(experiment, kernels, /*trained=*/true);
  DualModel alone(OnlineExperiment(experiment), kernels, /*trained=*/true);
  for (DualModel* model : {&both, &alone})
    ASSERT_TRUE(LoadCheckpoint(fs, scratch / "base", EmbeddingLoad::kContinue, model).ok());
  const Batch batch = RandomBatch(both.schema(), 50, 7);
  const auto score = [&](const DualModel& model) {
    BatchRows rows;
    EXPECT_TRUE(model.embedding().Lookup(batch, &rows).ok());
    const int width = model.embedding().fields() * model.embedding().dim();
    AlignedFloats x(static_cast<size_t>(batch.rows()) * width);
    std::vector<float> linear(batch.rows()), logits(batch.rows());
    LinearSums sums;
    sums.student = linear.data();
    const Matrix fields{x.data(), batch.rows(), width, width};
    model.embedding().Gather(batch, rows, 0, fields, sums);
    TowerWorkspace workspace = model.student().MakeWorkspace(batch.rows());
    model.student().Forward(fields, linear.data(), nullptr, &workspace, logits.data());
    return logits;
  };
  EXPECT_EQ(score(both), score(alone));
  EXPECT_EQ(both.student_parameters().slots, alone.student_parameters().slots);
}

TEST(FindBase, ABundleNeedsTheCheckpointItWasExportedFrom) {
  const ScratchDirectory scratch;
  FileSystem& fs = FileSystem::Default();
  for (const int steps : {3, 4}) {
    const std::string day = scratch / ("day" + std::to_string(steps));
    std::filesystem::create_directories(day);
    WriteTrainedCheckpoint(SmallExperiment(kModel), steps, day + "/run");
    ASSERT_TRUE(ExportBundle(fs, day + "/run", day + "/bundle", ExportOptions()).ok());
  }
  EXPECT_EQ(ExitCode(FindBase(fs, scratch / "day3/bundle").status()), kExitUsage);
  std::filesystem::create_directory_symlink("run", scratch / "day3/checkpoint");
  const absl::StatusOr<Base> of_bundle = FindBase(fs, scratch / "day3/bundle");
  const absl::StatusOr<Base> of_checkpoint = FindBase(fs, scratch / "day3/run");
  ASSERT_TRUE(of_bundle.ok() && of_checkpoint.ok()) << of_bundle.status();
  EXPECT_EQ(of_bundle->id, of_checkpoint->id);
  // Another model's.
  std::filesystem::create_directory_symlink("../day3/run", scratch / "day4/checkpoint");
  EXPECT_EQ(ExitCode(FindBase(fs, scratch / "day4/bundle").status()), kExitModel);
}

}  // namespace
}  // namespace tandem
