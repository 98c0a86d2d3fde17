// Losses row by row of what a run holds out.
#include "src/tune/row_losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tandem/file_system.h"
#include "tandem/predictor.h"
#include "tandem/score_files.h"
#include "tandem/status.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

constexpr char kModel[] =
    "teacher { interaction { fm {} } mlp { hidden: 12 } } student { mlp { hidden: 8 hidden: 4 } }";

class MeasureRowLossesTest : public SampleFilesTest {
 protected:
  MeasureRowLossesTest() { WriteTrainedCheckpoint(experiment_, /*steps=*/9, Path("model")); }

  absl::StatusOr<RowLosses> Measure(const std::string& log, int part) const {
    return MeasureRowLosses(FileSystem::Default(), experiment_, {{"", {Write("log.tsv", log)}}}, part,
                            Path("model"), /*kernels=*/nullptr);
  }

  const proto::Experiment experiment_ =
      SmallExperiment(kModel, "train { validation { share: 0.25 } } data { negative_keep_rate: 0.5 }");
};

TEST_F(MeasureRowLossesTest, TheSharesAreTheRowsOfTheLogEachOnceByTheLossOfTheStudent) {
  const std::string log = SmallLog(400, 1);
  const auto predictor = Predictor::Load(Path("model"), {});
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto logs = ScoreFiles({predictor->get()}, {Write("all.tsv", log)});
  ASSERT_TRUE(logs.ok()) << logs.status();
  const ScoreLog& all = (*logs)[0].student;
  double expected = 0, sum = 0;
  for (int64_t row = 0; row < all.rows(); ++row) {
    const double p = all.probabilities()[row];
    expected -= all.labels()[row] > 0 ? std::log(p) : std::log(1 - p);
  }
  size_t rows = 0;
  for (int part = 0; part < 4; ++part) {
    const auto losses = Measure(log, part);
    ASSERT_TRUE(losses.ok()) << losses.status();
    EXPECT_GT(losses->losses.size(), 50u);
    EXPECT_TRUE(losses->auc.has_value());
    rows += losses->losses.size();
    for (const float loss : losses->losses) sum += loss;
    // As the log has them: a negative stands for itself.
    for (const float weight : losses->weights) EXPECT_EQ(weight, 1);
  }
  EXPECT_EQ(rows, 400u);
  EXPECT_NEAR(sum, expected, 1e-3);
}

TEST_F(MeasureRowLossesTest, MalformedRowsWereToldOfByTheRunThatReadThem) {
  const std::string log = SmallLog(400, 1);
  std::string bad;
  for (int row = 0; row < 100; ++row) bad += "0\t3\t4\t\t5\told\n";
  const auto good = Measure(log, 0), with_bad = Measure(log + bad, 0);
  ASSERT_TRUE(good.ok() && with_bad.ok()) << with_bad.status();
  EXPECT_EQ(with_bad->losses, good->losses);
}

TEST_F(MeasureRowLossesTest, ALogWithoutARowIsAnError) {
  EXPECT_EQ(ExitCode(Measure(SmallLog(0, 1), 0).status()), kExitData);
}

}  // namespace
}  // namespace tandem
