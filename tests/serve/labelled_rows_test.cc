// Labelled rows of files, in blocks: which they are, what they weigh, and what isn't among them.
#include "src/serve/labelled_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"
#include "tandem/threads.h"
#include "tests/support/experiments.h"
#include "tests/support/sample_files.h"
#include "tests/support/small_log.h"
#include "tests/support/trained_checkpoint.h"

namespace tandem {
namespace {

using testing::HasSubstr;

class LabelledRowsTest : public SampleFilesTest {
 protected:
  std::unique_ptr<Predictor> PredictorWith(const std::string& data) const {
    const proto::Experiment experiment = SmallExperiment(
        "teacher { mlp { hidden: 4 } } student { mlp { hidden: 4 } }", absl::StrCat("data { ", data, " }"));
    WriteTrainedCheckpoint(experiment, 1, Path("checkpoint"));
    absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Load(Path("checkpoint"), {});
    EXPECT_TRUE(predictor.ok()) << predictor.status();
    return *std::move(predictor);
  }
};

constexpr char kHeader[] = "label\tuser\titem\ttags\tquery\tage\n";

TEST_F(LabelledRowsTest, RowsComeInTheOrderOfTheFilesWithoutMalformedAndUnlabelledOnes) {
  const auto predictor = PredictorWith("unlabelled: DROP max_bad_fraction: 0.9");
  const std::vector<std::string> files = {
      Write("a",
            absl::StrCat(kHeader, "1\tu1\ti1\t\tq1\t3\n", "\tu2\ti1\t\tq1\t3\n", "x\tu3\ti1\t\tq1\t3\n")),
      Write("b", kHeader), Write("c", absl::StrCat(kHeader, "0\tu4\ti1\t\tq1\t3\n"))};
  Workers workers(2);
  LabelledRows rows(*predictor, files, &workers);
  std::vector<float> labels;
  Batch block(predictor->fields());
  for (;;) {
    const absl::StatusOr<bool> more = rows.Next(&block);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    labels.insert(labels.end(), block.labels.begin(), block.labels.end());
  }
  EXPECT_THAT(labels, testing::ElementsAre(1, 0));
  EXPECT_EQ(rows.rows(), 2);
  EXPECT_EQ(rows.unlabelled(), 1);
  EXPECT_EQ(rows.malformed(), 1);
}

TEST_F(LabelledRowsTest, ANegativeStandsForThoseThatWereSampledAway) {
  const auto predictor = PredictorWith("negative_keep_rate: 0.25");
  const std::vector<std::string> files = {
      Write("log", absl::StrCat(kHeader, "1\tu1\ti1\t\tq1\t3\n", "0\tu2\ti1\t\tq1\t3\n"))};
  Workers workers(1);
  LabelledRows rows(*predictor, files, &workers);
  Batch block(predictor->fields());
  ASSERT_TRUE(rows.Next(&block).value());
  ASSERT_EQ(block.rows(), 2);
  EXPECT_EQ(rows.Weight(block, 0), 1);
  EXPECT_EQ(rows.Weight(block, 1), 4);
}

TEST_F(LabelledRowsTest, BlocksAreCutFromALargeFile) {
  const auto predictor = PredictorWith("");
  const std::vector<std::string> files = {Write("log", SmallLog(70000, 3))};
  Workers workers(2);
  LabelledRows rows(*predictor, files, &workers);
  Batch block(predictor->fields());
  ASSERT_TRUE(rows.Next(&block).value());
  EXPECT_EQ(block.rows(), 65536);
  ASSERT_TRUE(rows.Next(&block).value());
  EXPECT_EQ(block.rows(), 70000 - 65536);
  EXPECT_FALSE(rows.Next(&block).value());
}

TEST_F(LabelledRowsTest, NoRowOrNoneWithALabelIsAnErrorThatNamesTheFiles) {
  const auto predictor = PredictorWith("unlabelled: DROP");
  Workers workers(1);
  Batch block(predictor->fields());
  const std::vector<std::string> empty = {Write("a", kHeader), Write("b", kHeader)};
  LabelledRows none(*predictor, empty, &workers);
  const absl::Status no_row = none.Next(&block).status();
  EXPECT_EQ(ExitCode(no_row), kExitData);
  EXPECT_EQ(no_row.message(), absl::StrCat(Path("a"), " and 1 more: not one row to evaluate"));

  LabelledRows unlabelled(*predictor, {Write("c", absl::StrCat(kHeader, "\tu2\ti1\t\tq1\t3\n"))}, &workers);
  ASSERT_TRUE(unlabelled.Next(&block).value());
  EXPECT_EQ(block.rows(), 0);
  EXPECT_THAT(std::string(unlabelled.Next(&block).status().message()),
              HasSubstr("not one row with a label (1 without)"));
}

}  // namespace
}  // namespace tandem
