// Rows in another process: the same bits as in this one, and what happens when it fails.
#include "tests/support/remote_rows.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/checkpoint.h"
#include "tandem/day_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/kernels.h"
#include "tandem/predictor.h"
#include "tandem/run.h"
#include "tests/support/experiments.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/small_log.h"

namespace tandem {
namespace {

namespace stdfs = std::filesystem;

constexpr char kModel[] =
    "teacher { linear: true interaction { fm {} } mlp { hidden: 8 } }"
    " student { mlp { hidden: 8 dropout: 0.1 } } distill { hint {} }";

struct Case {
  const char* name;
  const char* model;
  const char* more;
};

// Two days of a small log, and runs over them.
class RemoteRowsTest : public testing::Test {
 protected:
  RemoteRowsTest() {
    for (int day = 1; day <= 2; ++day) {
      std::ofstream file(scratch_ / absl::StrCat("2026-01-0", day, ".tsv"));
      file << SmallLog(300, day);
    }
  }

  proto::Experiment Experiment(const Case& of) const {
    proto::Experiment experiment = SmallExperiment(of.model, of.more);
    experiment.mutable_runtime()->set_checkpoint_every_steps(3);
    experiment.mutable_data()->set_path(scratch_ / "{date}.tsv");
    return experiment;
  }

  // `process` null: rows here.
  absl::StatusOr<RunSummary> Run(const proto::Experiment& experiment, const std::string& name,
                                 RowProcess* process, bool resume = false) const {
    RunOptions options;
    options.run_dir = scratch_ / name;
    std::vector<std::string> missing;
    options.days =
        FindDays(FileSystem::Default(), scratch_ / "{date}.tsv", "2026-01-01", "2026-01-02", &missing)
            .value();
    options.quiet = true;
    options.resume = resume;
    if (process != nullptr) options.row_stores = process->stores();
    return TrainRun(experiment, options);
  }

  static std::string Bytes(const stdfs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static void ExpectSameCheckpoints(const std::string& a, const std::string& b) {
    ASSERT_EQ(stdfs::path(a).filename(), stdfs::path(b).filename());
    for (const auto& entry : stdfs::directory_iterator(a)) {
      EXPECT_EQ(Bytes(entry.path()), Bytes(stdfs::path(b) / entry.path().filename()))
          << entry.path().filename();
    }
  }

  static Scores ScoresOf(const std::string& model, RowProcess* process) {
    PredictorOptions options;
    if (process != nullptr) options.row_stores = process->stores();
    const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load(model, options);
    EXPECT_TRUE(predictor.ok()) << predictor.status();
    Scores scores;
    if (!predictor.ok()) return scores;
    EXPECT_EQ((*predictor)->tables() == nullptr, process != nullptr || (*predictor)->has_teacher());
    const absl::Status status = (*predictor)->Score(RandomBatch((*predictor)->schema(), 200, 5), &scores);
    EXPECT_TRUE(status.ok()) << status;
    return scores;
  }

  const ScratchDirectory scratch_;
};

const RowFaults kBadLine{/*seed=*/3,
                         /*shuffles=*/true,
                         /*delay_microseconds=*/50,
                         /*refused=*/0.2,
                         0,
                         0};

class SameBitsTest : public RemoteRowsTest, public testing::WithParamInterface<Case> {};

// Trained and scored, and put in a bundle, over a line that shuffles, delays and refuses.
TEST_P(SameBitsTest, RowsElsewhereChangeNoBit) {
  RowProcess process(kBadLine);
  const proto::Experiment experiment = Experiment(GetParam());
  const absl::StatusOr<RunSummary> local = Run(experiment, "local", nullptr);
  const absl::StatusOr<RunSummary> remote = Run(experiment, "remote", &process);
  ASSERT_TRUE(local.ok()) << local.status();
  ASSERT_TRUE(remote.ok()) << remote.status();
  EXPECT_GT(process.asked_again(), 10) << "the line was hardly ever bad";
  ExpectSameCheckpoints(local->checkpoint, remote->checkpoint);
  const Scores here = ScoresOf(local->checkpoint, nullptr), there = ScoresOf(remote->checkpoint, &process);
  EXPECT_EQ(here.teacher, there.teacher);
  EXPECT_EQ(here.student, there.student);
  EXPECT_GT(here.teacher.size() + here.student.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, SameBitsTest,
    testing::Values(
        Case{"CoTrained", kModel, ""},
        Case{"Replay", kModel, "train { epochs: 2 } model { distill { replay { steps: 3 batches: 5 } } }"},
        Case{"RecombinedRows", kModel,
             "model { distill { replay { steps: 2 batches: 5 } phase { fraction: 0.6 steps_per_row: 2 "
             "recombined_batches: 2 recombined_share: 0.3 recombined_unknown: 0.2 } } }"},
        Case{"SlowCopy", kModel,
             "train { average_decay: 0.9 epochs: 2 } model { distill { replay { steps: 3 batches: 5 } "
             "phase { fraction: 0.6 } } } embedding { slow_copy { decay: 0.9 towers: STUDENT } "
             "optimizer { adam { lr: 0.01 } } }"},
        Case{"Decay", kModel, "embedding { weight_decay: 0.01 l2: 0.001 }"},
        Case{"L2OfTheTable", kModel, "embedding { l2: 0.01 l2_scope: TABLE }"},
        Case{"Admission", kModel,
             "train { epochs: 2 } embedding { min_count: 3 id_dropout: 0.2 weight_decay: 0.001 "
             "optimizer { adam { lr: 0.01 } } }"},
        Case{"StudentAlone", "method: STUDENT_ALONE student { linear: true mlp { hidden: 8 } }", ""},
        Case{"LinearTeacher", "method: TEACHER_ALONE teacher { linear: true }",
             "embedding { optimizer { ftrl { lr: 0.1 l1: 0.001 } } }"},
        Case{"OwnTables", kModel, "model { method: TWO_STAGE_KD student { linear: true } }"}),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

constexpr Case kAll{"All", kModel,
                    "train { epochs: 2 } embedding { min_count: 2 id_dropout: 0.1 weight_decay: 0.001 } "
                    "model { distill { replay { steps: 2 batches: 5 } } }"};

// The process dies, or won't answer any more, in the middle of a step.
TEST_F(RemoteRowsTest, AStoreThatFailsEndsTheStepAndTheRunGoesOnFromItsCheckpoint) {
  RowFaults dies = kBadLine, refuses = kBadLine;
  dies.dies_at_learn = 8;
  refuses.refuses_from_learn = 8;
  RowProcess dying(dies), refusing(refuses), other(kBadLine), another(kBadLine);
  const proto::Experiment experiment = Experiment(kAll);
  const absl::StatusOr<RunSummary> local = Run(experiment, "local", nullptr);
  ASSERT_TRUE(local.ok()) << local.status();
  const auto fails = [&](const std::string& name, RowProcess* bad, const char* why, RowProcess* good) {
    const absl::StatusOr<RunSummary> failed = Run(experiment, name, bad);
    EXPECT_TRUE(absl::IsUnavailable(failed.status())) << failed.status();
    EXPECT_TRUE(absl::StrContains(failed.status().message(), why)) << failed.status();
    EXPECT_FALSE(absl::StrContains(failed.status().message(), "the numbers of feature")) << failed.status();
    const std::string checkpoint = NewestCheckpoint(FileSystem::Default(), scratch_ / name).value();
    EXPECT_EQ(stdfs::path(checkpoint).filename(), "step-000006");
    EXPECT_TRUE(VerifyCheckpoint(FileSystem::Default(), checkpoint).ok());
    const absl::StatusOr<RunSummary> resumed = Run(experiment, name, good, /*resume=*/true);
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    ExpectSameCheckpoints(local->checkpoint, resumed->checkpoint);
  };
  fails("dying", &dying, "is gone; a resumed run", &other);
  fails("refusing", &refusing, "refused 20 times", &another);
}

TEST_F(RemoteRowsTest, ARequestWhoseRowsCantBeReadFails) {
  const absl::StatusOr<RunSummary> local = Run(Experiment(kAll), "local", nullptr);
  ASSERT_TRUE(local.ok()) << local.status();
  auto process = std::make_unique<RowProcess>(kBadLine);
  PredictorOptions options;
  options.row_stores = process->stores();
  const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load(local->checkpoint, options);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const Batch batch = RandomBatch((*predictor)->schema(), 20, 5);
  Scores scores;
  EXPECT_TRUE((*predictor)->Score(batch, &scores).ok());
  process.reset();
  const absl::Status status = (*predictor)->Score(batch, &scores);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(RemoteRowsTest, ABundlesStudentIsServedFromAStoreInFloat32) {
  RowProcess process(kBadLine);
  const absl::StatusOr<RunSummary> local = Run(Experiment(kAll), "local", nullptr);
  ASSERT_TRUE(local.ok()) << local.status();
  FileSystem& fs = FileSystem::Default();
  ExportOptions exported;
  ASSERT_TRUE(ExportBundle(fs, local->checkpoint, scratch_ / "bundle", exported).ok());
  EXPECT_EQ(ScoresOf(scratch_ / "bundle", nullptr).student, ScoresOf(scratch_ / "bundle", &process).student);
  exported.precision = Precision::kInt8;
  exported.max_auc_loss = 1;
  exported.files = {scratch_ / "2026-01-01.tsv"};
  ASSERT_TRUE(ExportBundle(fs, local->checkpoint, scratch_ / "small", exported).ok());
  PredictorOptions options;
  options.row_stores = process.stores();
  const absl::Status refused = Predictor::Load(scratch_ / "small", options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "stores hold rows of float32")) << refused;
}

// A gradient that isn't finite is the store's to refuse, wherever it is.
TEST_F(RemoteRowsTest, WhatTheStoreSaysIsWhatTheRunSays) {
  RowProcess process(kBadLine);
  const Case wild{"Wild", "method: STUDENT_ALONE student { mlp { hidden: 8 } }",
                  "embedding { optimizer { sgd { lr: 1e30 } } } train { optimizer { sgd { lr: 1e30 } } } "
                  "runtime { threads: 1 }"};
  const absl::Status here = Run(Experiment(wild), "here", nullptr).status();
  const absl::Status there = Run(Experiment(wild), "there", &process).status();
  EXPECT_EQ(here, there);
  EXPECT_TRUE(absl::IsInternal(here)) << here;
}

}  // namespace
}  // namespace tandem
