// When a tower has gone wrong, and which number of the log is the likely cause.
#include "src/train/divergence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tests/support/local_rows.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

using testing::HasSubstr;

proto::Experiment Config() {
  proto::Experiment experiment = ParseText<proto::Experiment>(R"(
    data { path: "log.tsv" }
    feature { name: "user" sparse {} }
    feature { name: "price" column: "price_usd" dense {} }
    feature { name: "age" dense { transform: LOG1P } }
    embedding { dim: 4 }
    model { method: STUDENT_ALONE student { mlp { hidden: 4 } } })");
  ResolveDefaults(&experiment);
  return experiment;
}

// Rows of which one in `one_in` has label 1.
Batch Rows(int rows, int one_in, float price) {
  Batch batch(3);
  for (int row = 0; row < rows; ++row) {
    batch.labels.push_back(row % one_in == 0 ? 1 : 0);
    batch.weights.push_back(1);
    batch.groups.push_back(0);
    for (int f = 0; f < 3; ++f) {
      batch.fields[f].keys.push_back(1);
      batch.fields[f].coefficients.push_back(f == 1 ? (row == 0 ? price : -1) : 1);
      batch.fields[f].offsets.push_back(row + 1);
    }
  }
  return batch;
}

StepResult Result(int rows, double loss, float logit) {
  StepResult result;
  result.terms.student_label = loss;
  result.student_logits.assign(rows, logit);
  return result;
}

class DivergenceTest : public testing::Test {
 protected:
  // The first alarm of `steps` steps, and at which of them.
  std::optional<std::string> Watch(int steps, const Batch& batch, const StepResult& result) {
    for (int step = 1; step <= steps; ++step) {
      std::optional<std::string> alarm = watch_.Note("2000-11-20", step, batch, result);
      if (alarm.has_value()) return alarm;
    }
    return std::nullopt;
  }
  const proto::Experiment experiment_ = Config();
  const Schema schema_{experiment_};
  DivergenceWatch watch_{schema_};
};

TEST_F(DivergenceTest, AFreshTowerIsNoDivergenceHoweverRareTheClicks) {
  EXPECT_EQ(Watch(50, Rows(512, 512, 1), Result(512, 0.6931, 0)), std::nullopt);
}

TEST_F(DivergenceTest, ALossFarAboveTheClickRatesIsToldWithStepDayFeatureAndNumbers) {
  const std::optional<std::string> alarm = Watch(50, Rows(64, 4, 4e30f), Result(64, 9, 12));
  ASSERT_TRUE(alarm.has_value());
  EXPECT_THAT(*alarm,
              HasSubstr("2000-11-20, step 3: the student has diverged: its loss is 9, that of the click rate "
                        "alone 0.5623, and 0 % of its scores are 0 or 1"));
  EXPECT_THAT(*alarm, HasSubstr("the numbers of feature 'price', column 'price_usd', go from -1 to 4e+30"));
}

TEST_F(DivergenceTest, ItIsToldOnceADay) {
  const Batch batch = Rows(64, 4, 1);
  const StepResult bad = Result(64, 9, 12);
  int alarms = 0;
  for (const char* day : {"2000-11-20", "2000-11-21"}) {
    for (int step = 1; step <= 30; ++step) alarms += watch_.Note(day, step, batch, bad).has_value() ? 1 : 0;
  }
  EXPECT_EQ(alarms, 2);
}

TEST_F(DivergenceTest, ScoresThatAreAllZeroOrOneAreTold) {
  const std::optional<std::string> alarm = Watch(50, Rows(64, 4, 1), Result(64, 1.5, -40));
  ASSERT_TRUE(alarm.has_value());
  EXPECT_THAT(*alarm, HasSubstr("100 % of its scores are 0 or 1"));
}

TEST_F(DivergenceTest, ALossThatIsNoNumberIsTold) {
  EXPECT_TRUE(Watch(50, Rows(64, 4, 1), Result(64, std::numeric_limits<double>::quiet_NaN(), 1)).has_value());
}

TEST_F(DivergenceTest, AModelWhoseScoresOverflowIsNotProved) {
  DualModel model(experiment_, *FindKernels("auto").value(), /*trained=*/true);
  model.Initialize();
  const Batch rows = Rows(8, 4, 1);
  EXPECT_TRUE(ProveByScoring(model, rows).ok()) << ProveByScoring(model, rows);
  // Finite weights, whose products are not.
  for (float& value : model.student_parameters().values) value = 1e30f;
  float* weights = LocalRow(&model.embedding(), 0, 1);
  for (int d = 0; d < 4; ++d) weights[d] = 1e30f;
  model.Prepare();
  EXPECT_THAT(std::string(ProveByScoring(model, rows).message()),
              HasSubstr("the student's scores are not finite"));
}

}  // namespace
}  // namespace tandem
