// Configurations put together: what comes from files, from the model, from the run, and what is refused.
#include "tandem/setup.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/run.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

class SetupTest : public SampleFilesTest {
 protected:
  SetupTest() {
    for (int day = 1; day <= 3; ++day) Write(absl::StrCat("logs/2026-01-0", day, ".tsv"), SmallLog(100, day));
    config_ = {Write("experiment.pbtxt",
                     absl::StrCat("data { path: '", Path("logs/{date}.tsv"), "' }",
                                  "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }"
                                  "embedding { dim: 4 } train { window_days: 3 batch_size: 32 } model { ",
                                  kModel, " }"))};
  }

  static void ExpectRefused(const absl::Status& status, const std::string& says) {
    EXPECT_EQ(ExitCode(status), kExitUsage) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "--"))
        << "a library's message names no flag: " << status;
  }

  FileSystem& fs_ = FileSystem::Default();
  std::vector<std::string> config_;
};

TEST_F(SetupTest, WhatComesBackIsResolvedValidAndReadyToTrain) {
  const auto experiment = ExperimentToTrain(fs_, config_, {"train.epochs=2"});
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->train().epochs(), 2);
  EXPECT_TRUE(experiment->embedding().has_optimizer());
  RunOptions options;
  options.run_dir = Path("run");
  options.quiet = true;
  options.days = DaysToTrain(FileSystem::Default(), *experiment, "2026-01-03").value();
  const auto summary = TrainRun(*experiment, options);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rows_trained, 600);
  ExpectRefused(ExperimentToTrain(fs_, config_, {"train.batch_size=0"}).status(), "train.batch_size");
}

TEST_F(SetupTest, TheDaysAreTheWindowOrTheWholeOfALogWithoutDays) {
  proto::Experiment experiment = ExperimentToTrain(fs_, config_, {"train.window_days=2"}).value();
  const auto days = DaysToTrain(FileSystem::Default(), experiment, "2026-01-02");
  ASSERT_TRUE(days.ok()) << days.status();
  ASSERT_EQ(days->size(), 2u);
  EXPECT_EQ((*days)[0].date, "2026-01-01");
  ExpectRefused(DaysToTrain(FileSystem::Default(), experiment, "").status(), "end_date is needed");
  EXPECT_EQ(ExitCode(DaysToTrain(FileSystem::Default(), experiment, "2027-01-02").status()), kExitData);

  experiment.mutable_data()->set_path(Path("logs/2026-01-01.tsv"));
  EXPECT_EQ(DaysToTrain(FileSystem::Default(), experiment, "").value().size(), 1u);
  ExpectRefused(DaysToTrain(FileSystem::Default(), experiment, "2026-01-02").status(), "read whole");
}

TEST_F(SetupTest, ATuningTakesTheConfigurationAsItsFilesHaveIt) {
  TuneOptions options;
  options.run_dir = Path("tuned");
  TuneSetup setup{config_, {"train.epochs=2"}, "2026-01-03"};
  const auto given = ExperimentToTune(setup, &options);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->train().epochs(), 2);
  EXPECT_FALSE(given->embedding().has_optimizer()) << "defaults are written out";
  EXPECT_EQ(options.days.size(), 3u);
  EXPECT_EQ(options.name, config_[0]);

  setup.overrides = {"train.batch_size=0"};
  ExpectRefused(ExperimentToTune(setup, &options).status(), "train.batch_size");
  setup.overrides.clear();
  for (const std::string& input : {config_[0], Path("logs/2026-01-02.tsv")}) {
    options.output = input;
    options.replace = false;
    ExpectRefused(ExperimentToTune(setup, &options).status(), "is also an input (" + input);
    options.replace = true;
    EXPECT_TRUE(ExperimentToTune(setup, &options).ok());
  }

  // One that is resumed has its own.
  setup.files.clear();
  options.output.clear();
  options.resume = true;
  EXPECT_FALSE(ExperimentToTune(setup, &options).ok());
  Write("tuned/given.pbtxt", FileBytes(config_[0]));
  const auto resumed = ExperimentToTune(setup, &options);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(options.name, Path("tuned/given.pbtxt"));
}

TEST_F(SetupTest, FineTuningGoesOnWithTheModelsConfigurationAndTheRunsLog) {
  const proto::Experiment trained =
      ExperimentToTrain(fs_, config_, {"embedding.dim=6", "runtime.threads=2"}).value();
  RunOptions options;
  options.run_dir = Path("run");
  options.quiet = true;
  options.days = DaysToTrain(FileSystem::Default(), trained, "2026-01-02").value();
  const auto run = TrainRun(trained, options);
  ASSERT_TRUE(run.ok()) << run.status();

  FineTuneSetup setup;
  setup.init_from = Path("run");
  setup.checkpoint = run->checkpoint;
  setup.files = {Write("over.pbtxt", "train { optimizer { sgd { lr: 0.5 } } }")};
  setup.overrides = {"train.epochs=3"};
  const auto experiment = ExperimentToFineTune(fs_, setup);
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->embedding().dim(), 6);
  EXPECT_EQ(experiment->data().path(), Path("logs/{date}.tsv"));
  EXPECT_EQ(experiment->runtime().threads(), 2);
  EXPECT_EQ(experiment->train().optimizer().sgd().lr(), 0.5);
  EXPECT_EQ(experiment->train().epochs(), 3);
  EXPECT_EQ(DaysToFineTune(FileSystem::Default(), *experiment, "2026-01-02", "2026-01-03").value().size(),
            2u);

  setup.input = Path("logs/2026-01-03.tsv");
  EXPECT_EQ(ExperimentToFineTune(fs_, setup).value().data().path(), setup.input);
  setup.overrides = {"train.validation.days=1"};
  ExpectRefused(ExperimentToFineTune(fs_, setup).status(), "clear=train.validation holds out none");
  setup.overrides = {"train.batch_size=0"};
  ExpectRefused(ExperimentToFineTune(fs_, setup).status(), "train.batch_size");
}

TEST_F(SetupTest, WhatHasNoStateOrNoStudentIsNotTunedFurther) {
  WriteTrainedCheckpoint(SmallExperiment(kModel), /*steps=*/2, Path("both"));
  WriteTrainedCheckpoint(SmallExperiment("method: TEACHER_ALONE teacher { mlp { hidden: 4 } }"), /*steps=*/2,
                         Path("teacher"));
  ASSERT_TRUE(ExportBundle(fs_, Path("both"), Path("bundle"), ExportOptions()).ok());
  const auto tune = [&](const std::string& name, TrainedParts parts) {
    FineTuneSetup setup;
    setup.init_from = setup.checkpoint = Path(name);
    setup.input = Path("logs/2026-01-03.tsv");
    setup.parts = parts;
    return ExperimentToFineTune(fs_, setup).status();
  };
  ExpectRefused(tune("bundle", TrainedParts::kAll), "is a bundle, which serves only");
  ExpectRefused(tune("teacher", TrainedParts::kStudent), "has a teacher only");
  EXPECT_TRUE(tune("teacher", TrainedParts::kAll).ok());
  EXPECT_TRUE(tune("both", TrainedParts::kStudent).ok());
}

TEST_F(SetupTest, AResumedDailyRunKeepsTheGateThatItHas) {
  ASSERT_TRUE(fs_.CreateDirectories(Path("daily")).ok());
  Write("daily/config.pbtxt", "daily { gate { min_auc: 0.7 min_copc: 0.9 } }");
  const std::vector<std::string> overrides = {"daily.gate.min_copc=0.8"};
  const auto first = ExperimentForDaily(fs_, config_, overrides, Path("daily"), /*resume=*/false);
  const auto again = ExperimentForDaily(fs_, config_, overrides, Path("daily"), /*resume=*/true);
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(first->daily().gate().min_auc(), proto::Gate().min_auc());
  EXPECT_EQ(again->daily().gate().min_auc(), 0.7);
  EXPECT_EQ(again->daily().gate().min_copc(), 0.8);
  ExpectRefused(ExperimentForDaily(fs_, config_, {"model.method=TEACHER_ALONE"}, Path("new"), false).status(),
                "TEACHER_ALONE");
}

TEST_F(SetupTest, OnlineLearningGoesOnWithTheBasesConfigurationAndAResumedRunWithItsOwn) {
  RunOptions options;
  options.run_dir = Path("run");
  options.quiet = true;
  const proto::Experiment trained = ExperimentToTrain(fs_, config_, {"embedding.dim=6"}).value();
  options.days = DaysToTrain(FileSystem::Default(), trained, "2026-01-02").value();
  ASSERT_TRUE(TrainRun(trained, options).ok());

  OnlineSetup setup;
  setup.init_from = Path("run");
  setup.run_dir = Path("online");
  setup.input = Path("stream.tsv");
  setup.overrides = {"online.batch_rows=8"};
  const auto experiment = ExperimentForOnline(fs_, setup);
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  EXPECT_EQ(experiment->model().method(), proto::STUDENT_ALONE);
  EXPECT_EQ(experiment->embedding().dim(), 6);
  EXPECT_EQ(experiment->data().path(), setup.input);
  EXPECT_EQ(experiment->online().batch_rows(), 8);

  ASSERT_TRUE(fs_.CreateDirectories(setup.run_dir).ok());
  proto::Experiment own = *experiment;
  own.mutable_online()->set_batch_rows(16);
  Write("online/config.pbtxt", ExperimentText(own));
  setup.resume = true;
  EXPECT_EQ(ExperimentForOnline(fs_, setup)->online().batch_rows(), 8) << "what is said anew counts";
  setup.overrides.clear();
  EXPECT_EQ(ExperimentForOnline(fs_, setup)->online().batch_rows(), 16);

  setup.overrides = {"train.batch_size=8"};
  ExpectRefused(ExperimentForOnline(fs_, setup).status(), "online.batch_rows is the micro-batch");
  setup.overrides = {"online.batch_rows=0"};
  ExpectRefused(ExperimentForOnline(fs_, setup).status(), "online.batch_rows");
}

TEST_F(SetupTest, ATeacherAloneIsNoBaseOfOnlineLearning) {
  RunOptions options;
  options.run_dir = Path("run");
  options.quiet = true;
  const proto::Experiment trained = ExperimentToTrain(fs_, config_, {"model.method=TEACHER_ALONE"}).value();
  options.days = DaysToTrain(FileSystem::Default(), trained, "2026-01-01").value();
  ASSERT_TRUE(TrainRun(trained, options).ok());
  OnlineSetup setup;
  setup.init_from = Path("run");
  setup.run_dir = Path("online");
  setup.input = Path("stream.tsv");
  ExpectRefused(ExperimentForOnline(fs_, setup).status(), "has a teacher only");
}

}  // namespace
}  // namespace tandem
