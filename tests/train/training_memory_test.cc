// What asks for more memory than there is, is refused before it is asked for, by its name.
#include "src/train/training_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "src/nn/model_floats.h"
#include "src/train/memory_estimate.h"
#include "src/util/available_memory.h"
#include "tandem/checkpoint.h"
#include "tandem/day_files.h"
#include "tandem/dual_model.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/online.h"
#include "tandem/run.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPlain[] = "teacher { mlp { hidden: [64, 64] } } student { mlp { hidden: 8 } }";

TEST(TrainingMemory, WhatFitsIsNotRefused) {
  EXPECT_TRUE(TrainingMemory(SmallExperiment(kPlain), 8, 1e6).CheckStart().ok());
  const proto::Experiment limited = SmallExperiment(kPlain, "runtime { memory_limit: 100000000 }");
  EXPECT_TRUE(TrainingMemory(limited, 8, 1e5).CheckStart().ok());
  EXPECT_TRUE(TrainingMemory(limited, 8, 1e5).CheckTables(3e7).ok());
  EXPECT_GT(AvailableMemory(), 1e8);
  EXPECT_LT(AvailableMemory(), 1e15);
}

TEST(TrainingMemory, OptimizersAreSaidToKeepWhatTheyKeep) {
  const google::protobuf::OneofDescriptor& kinds = *proto::Optimizer::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds.field_count(); ++i) {
    const proto::Experiment experiment =
        SmallExperiment(kPlain, absl::StrCat("train { optimizer { ", kinds.field(i)->name(), " {} } }"));
    const DualModel model(experiment, *FindKernels("auto").value(), /*trained=*/true);
    const DenseParameters& teacher = model.teacher_parameters();
    EXPECT_EQ(OptimizerSlots(experiment.train().optimizer()) * teacher.values.size(), teacher.slots.size())
        << kinds.field(i)->name();
  }
}

TEST(TrainingMemory, MembersHandBackGradientsOfTheirOwnWithSeveralThreads) {
  const auto bytes = [](int copies, int threads) {
    const proto::Experiment experiment = SmallExperiment(
        absl::StrCat("method: TEACHER_ALONE committee { member { tower { mlp { hidden: 4 } } copies: ",
                     copies, " } }"),
        "train { shard_rows: 1000 batch_size: 1000 }");
    return TrainingMemory(experiment, threads, 1e3).bytes(0);
  };
  // A second thread adds a shard. Of three members its gradients are three times those of one in turn.
  const double one = bytes(1, 2) - bytes(1, 1), three = bytes(3, 2) - bytes(3, 1);
  const proto::Experiment experiment = SmallExperiment(kPlain);
  const double vectors =
      1000.0 * PlainFieldsOf(experiment, /*of_teacher=*/true) * experiment.embedding().dim() * 4;
  // Vectors, gradients handed back and what side by side is taken out: of the first thread's shard the
  // gradients of two members more.
  EXPECT_GE(three - one, (2 + 3 + 3 + 2) * vectors);
}

TEST(TrainingMemory, TheSettingsThatAskForTheMostAreNamed) {
  const auto fault = [](const std::string& model, const std::string& more) {
    const absl::Status status =
        TrainingMemory(SmallExperiment(model, "runtime { memory_limit: 4000000000 } " + more), 2)
            .CheckStart();
    EXPECT_EQ(ExitCode(status), kExitUsage) << status;
    return std::string(status.message());
  };
  const std::string wide =
      fault("teacher { mlp { hidden: [65536, 65536] } } student { mlp { hidden: 8 } }", "");
  EXPECT_THAT(wide, StartsWith("runtime.memory_limit: training needs about "));
  // One matrix in the file, a product of it for each head in memory.
  EXPECT_THAT(
      fault("teacher { heads: 64 head_weights: RANK_ONE mlp { hidden: [2048, 4096] } } student { mlp { "
            "hidden: 8 } }",
            ""),
      HasSubstr("model.teacher.mlp.hidden asks for 4."));
  EXPECT_THAT(wide, HasSubstr("where it may take 4.0 GB: model.teacher.mlp.hidden asks for "));
  EXPECT_THAT(
      fault("teacher { interaction { cin { layers: [65536, 65536] } } } student { mlp { hidden: 8 } }", ""),
      HasSubstr("model.teacher.interaction.cin.layers asks for "));
  EXPECT_THAT(fault(kPlain, "train { shard_rows: 16777216 batch_size: 16777216 }"),
              HasSubstr("train.shard_rows (16777216 rows on each of 2 threads, most of it by "
                        "model.teacher.mlp.hidden) asks for "));
  EXPECT_THAT(fault(kPlain, "train { shuffle_rows: 1000000000 }"),
              HasSubstr("train.shuffle_rows (1000000000) asks for "));
  EXPECT_THAT(fault(kPlain, "model { distill { replay { batches: 1000000 } } }"),
              HasSubstr("model.distill.replay.batches (1000000 of 64 rows) asks for "));
  EXPECT_THAT(fault(kPlain, "embedding { max_rows: 1000000000 }"), HasSubstr("embedding.max_rows asks for "));
}

TEST(TrainingMemory, ABlockIsNoLargerThanTheLog) {
  const proto::Experiment experiment =
      SmallExperiment(kPlain, "train { shuffle_rows: 1000000000 } runtime { memory_limit: 200000000 }");
  EXPECT_FALSE(TrainingMemory(experiment, 2, 1e7).CheckStart().ok());
  EXPECT_TRUE(TrainingMemory(experiment, 2, 1e4).CheckStart().ok());
  MemoryFileSystem fs;
  fs.Put("small", std::string(10000, 'x'));
  fs.Put("large.gz", std::string(50000, 'x'));
  const double small = ExpectedRows(fs, experiment, {{"", {"small"}}});
  EXPECT_GT(small, 50);
  EXPECT_LT(small, 1000);
  EXPECT_GT(ExpectedRows(fs, experiment, {{"2026-01-01", {"small"}}, {"2026-01-02", {"small", "large.gz"}}}),
            10 * small);
  EXPECT_TRUE(std::isinf(ExpectedRows(fs, experiment, {{"", {"small", "-"}}})));
}

TEST(TrainingMemory, AStreamsQueueAndTablesAreNamed) {
  const auto fault = [](const std::string& more) {
    const proto::Experiment experiment = OnlineExperiment(SmallExperiment(
        "method: STUDENT_ALONE student { mlp { hidden: 8 } }",
        "runtime { memory_limit: 400000000 } online { time_column: 'time' label_delay: 60 " + more + " }"));
    const absl::Status status = TrainingMemory::OfStream(experiment, 2).CheckStart();
    return std::string(status.message());
  };
  EXPECT_EQ(fault(""), "");
  EXPECT_THAT(fault("label_queue_rows: 100000000"),
              HasSubstr("online.label_queue_rows (100000000) asks for "));
  EXPECT_THAT(fault("max_rows: 100000000"), HasSubstr("online.max_rows asks for "));
}

std::string WideLog(int rows) {
  std::string text = "label\tuser\titem\ttags\tquery\tage\n";
  for (int row = 0; row < rows; ++row)
    absl::StrAppend(&text, row % 3 == 0 ? 1 : 0, "\tu", row, "\ti", row % 1000, "\ta|b", row % 10, "\tq", row,
                    "\t", row % 60, "\n");
  return text;
}

class TrainedMemory : public testing::Test {
 protected:
  void WriteLog(int rows) const {
    CHECK(WriteFileAtomically(FileSystem::Default(), scratch_ / "log.tsv", WideLog(rows)).ok());
  }
  absl::Status Train(const proto::Experiment& experiment, const std::string& name) const {
    proto::Experiment of_log = experiment;
    of_log.mutable_data()->set_path(scratch_ / "log.tsv");
    RunOptions options;
    options.run_dir = scratch_ / name;
    options.resume = true;
    options.quiet = true;
    std::vector<std::string> missing;
    options.days = FindDays(FileSystem::Default(), of_log.data().path(), "", "", &missing).value();
    return TrainRun(of_log, options).status();
  }

  const ScratchDirectory scratch_;
};

TEST_F(TrainedMemory, TablesThatGrowBeyondTheLimitEndTheRunAndLoseNothing) {
  WriteLog(6000);
  const std::string settings = "train { batch_size: 64 shuffle_rows: 256 } embedding { dim: 128 } ";
  const auto with_limit = [&](int64_t limit) {
    return SmallExperiment(kPlain,
                           absl::StrCat(settings, "runtime { threads: 1 memory_limit: ", limit, " }"));
  };
  const auto start = static_cast<int64_t>(TrainingMemory(with_limit(0), 1, 6000).bytes(6e6));
  const absl::Status grown = Train(with_limit(start), "grown");
  EXPECT_EQ(ExitCode(grown), kExitUsage) << grown;
  EXPECT_THAT(std::string(grown.message()), StartsWith("runtime.memory_limit: the tables have grown to "));
  EXPECT_THAT(std::string(grown.message()), HasSubstr("embedding.max_rows bounds them"));
  FileSystem& fs = FileSystem::Default();
  EXPECT_NE(NewestCheckpoint(fs, scratch_ / "grown").value(), "");
  const absl::Status resumed = Train(with_limit(0), "grown");
  ASSERT_TRUE(resumed.ok()) << resumed;
  ASSERT_TRUE(Train(with_limit(0), "whole").ok());
  EXPECT_EQ(fs.ReadFile(NewestCheckpoint(fs, scratch_ / "grown").value() + "/MANIFEST").value(),
            fs.ReadFile(NewestCheckpoint(fs, scratch_ / "whole").value() + "/MANIFEST").value());
}

int64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (absl::StartsWith(line, "VmHWM:")) return 1000 * std::atoll(line.c_str() + 6);
  }
  return 0;
}

// Within a factor of two of what a run of its own process takes.
TEST_F(TrainedMemory, IsAboutWhatWasEstimated) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer takes memory of its own";
  constexpr int kRows = 60000;
  WriteLog(kRows);
  const proto::Experiment experiment = SmallExperiment(
      "teacher { mlp { hidden: [512, 256] } } student { mlp { hidden: 8 } } distill { replay { steps: 2 "
      "batches: 64 } }",
      "train { batch_size: 512 } embedding { dim: 24 } runtime { threads: 1 }");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    // What comes with the first run, whatever it trains: code, libraries.
    WriteLog(400);
    if (!Train(experiment, "first").ok()) _exit(1);
    WriteLog(kRows);
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins here
    const int64_t before = PeakBytes();
    int64_t taken = Train(experiment, "run").ok() ? PeakBytes() - before : -1;
    _exit(write(pipe_ends[1], &taken, sizeof(taken)) == sizeof(taken) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  int64_t taken = 0;
  ASSERT_EQ(read(pipe_ends[0], &taken, sizeof(taken)), static_cast<ssize_t>(sizeof(taken)));
  const double tables = (2.0 * kRows + 1010) * BytesAnId(experiment);
  const double estimated = TrainingMemory(experiment, 1, kRows).bytes(tables) - kProgramBytes;
  std::printf("estimated %.1f MB, of it tables %.1f; taken %.1f\n", estimated / 1e6, tables / 1e6,
              taken / 1e6);
  EXPECT_LT(estimated, 2 * static_cast<double>(taken));
  EXPECT_GT(estimated, 0.5 * static_cast<double>(taken));
}

TEST(TrainingMemory, AModelIsNeverLargerThanItsWeightsAreCounted) {
  const char* const towers[] = {
      "linear: true",
      "mlp { hidden: [8, 3] normalize_input: true }",
      "interaction { fm {} } interaction { cin { layers: [6, 4] split_half: true bias: true } } mlp { "
      "hidden: 8 }",
      "combine: PARALLEL interaction { cin { layers: [5] activation: RELU } } interaction { fm {} }",
      "interaction { cross { layers: 2 } } interaction { cross { layers: 3 rank: 2 } }",
      "interaction { cross { layers: 3 version: V1 } } mlp { hidden: 8 }",
      "heads: 3 interaction { fm {} } mlp { hidden: [8, 3] normalize_input: true }",
      "heads: 3 head_weights: RANK_ONE mlp { hidden: [8, 3] normalize_input: true }",
      "interaction { transformer { sequence: 'history' target: 'item' blocks: 2 hidden: 5 } } mlp { hidden: "
      "8 }"};
  for (const std::string tower : towers) {
    const proto::Experiment experiment = ExperimentOf(
        absl::StrCat("data { path: 'unused' } embedding { dim: 4 }",
                     "feature { name: 'user' sparse {} } feature { name: 'item' sparse {} }",
                     "feature { name: 'history' sparse { sequence { max_length: 3 } table: 'item' } }",
                     "feature { name: 'age' dense {} towers: TEACHER }",
                     "model { teacher { interaction { transformer { sequence: 'history' target: 'item' } } ",
                     tower, " } student { ", tower, " } }"));
    const DualModel model(experiment, *FindKernels("auto").value(), /*trained=*/false);
    for (const bool of_teacher : {true, false}) {
      const auto actual =
          static_cast<double>((of_teacher ? model.teacher().layout() : model.student().layout()).trained());
      const double counted = (of_teacher ? TeacherFloats(experiment) : StudentFloats(experiment)).weights;
      EXPECT_LE(counted, actual) << tower;
      EXPECT_GT(counted, 0.6 * actual) << tower << ": too few to be of use";
    }
  }
}

}  // namespace
}  // namespace tandem
