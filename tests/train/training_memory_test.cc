// What asks for more memory than there is, is refused before it is asked for, by its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "src/config/model_floats.h"
#include "src/train/memory_estimate.h"
#include "src/util/available_memory.h"
#include "tandem/dual_model.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPlain[] = "teacher { mlp { hidden: [64, 64] } } student { mlp { hidden: 8 } }";

TEST(TrainingMemory, WhatFitsIsNotRefused) {
  EXPECT_TRUE(CheckTrainingMemory(SmallExperiment(kPlain), 8).ok());
  EXPECT_TRUE(CheckTrainingMemory(SmallExperiment(kPlain, "runtime { memory_limit: 100000000 }"), 8).ok());
  EXPECT_GT(AvailableMemory(), 1e8);
  EXPECT_LT(AvailableMemory(), 1e15);
}

TEST(TrainingMemory, TheSettingsThatAskForTheMostAreNamed) {
  const auto fault = [](const std::string& model, const std::string& more) {
    const absl::Status status =
        CheckTrainingMemory(SmallExperiment(model, "runtime { memory_limit: 4000000000 } " + more), 2);
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
