// The MLP: first values, dropout, normalisation.
#include "tandem/mlp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "tandem/experiment.pb.h"
#include "tests/support/random_floats.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr int kRows = 50;
constexpr int kWidth = 12;

// An Mlp with its parameters, initialized and prepared, and a batch.
class TestMlp {
 public:
  explicit TestMlp(const std::string& config)
      : mlp(ParseText<proto::Mlp>(config), kWidth, "mlp", *FindKernels("auto").value(), &layout),
        parameters(layout.size()),
        inputs(RandomFloats(kRows * kWidth, 1)) {
    mlp.Initialize(/*seed=*/5, parameters.data());
    mlp.Prepare(parameters.data());
  }

  ConstMatrix x(int first_row = 0, int rows = kRows) const {
    return {inputs.data() + first_row * kWidth, rows, kWidth, kWidth};
  }
  // The last hidden layer of the given rows, as one vector.
  std::vector<float> Hidden(int layer, const TrainingPass* pass, int first_row = 0, int rows = kRows) const {
    MlpWorkspace workspace = mlp.MakeWorkspace(kRows);
    mlp.Forward(x(first_row, rows), pass, &workspace);
    std::vector<float> values;
    for (int r = 0; r < rows; ++r) {
      const float* row = workspace.hidden(layer).row(r);
      values.insert(values.end(), row, row + mlp.width(layer));
    }
    return values;
  }
  float* block(const std::string& name) { return parameters.data() + layout.Find(name)->offset; }

  ParameterLayout layout;
  Mlp mlp;
  AlignedFloats parameters;
  AlignedFloats inputs;
};

TEST(MlpTest, WeightsHaveTheDeviationOfHeAndBiasesAreZero) {
  TestMlp test("hidden: 300 hidden: 200");
  const ParameterBlock& block = *test.layout.Find("mlp/1/weight");
  double squares = 0;
  for (int64_t i = 0; i < block.size; ++i) squares += std::pow(test.parameters[block.offset + i], 2);
  EXPECT_NEAR(std::sqrt(squares / block.size), std::sqrt(2.0 / 300), 1e-3);
  for (int j = 0; j < 200; ++j) EXPECT_EQ(test.block("mlp/1/bias")[j], 0);
}

TEST(MlpTest, ALayersFirstValuesDontDependOnTheOtherLayers) {
  TestMlp one("hidden: 8"), two("hidden: 8 hidden: 4");
  for (int i = 0; i < kWidth * 8; ++i) ASSERT_EQ(one.block("mlp/0/weight")[i], two.block("mlp/0/weight")[i]);
}

TEST(MlpTest, ARowsDropoutDoesNotDependOnTheShard) {
  const TestMlp test("hidden: 20 hidden: 10 dropout: 0.5");
  const TrainingPass whole{9, 3, 0}, part{9, 3, 17};
  const std::vector<float> all = test.Hidden(1, &whole), shard = test.Hidden(1, &part, 17, 13);
  for (int i = 0; i < 13 * 10; ++i) ASSERT_EQ(shard[i], all[17 * 10 + i]) << "unit " << i;
}

TEST(MlpTest, DropoutChangesWithSeedStepAndLayerOnly) {
  const TestMlp test("hidden: 20 dropout: 0.5");
  const TrainingPass pass{9, 3, 0}, other_step{9, 4, 0}, other_seed{8, 3, 0};
  EXPECT_EQ(test.Hidden(0, &pass), test.Hidden(0, &pass));
  EXPECT_NE(test.Hidden(0, &pass), test.Hidden(0, &other_step));
  EXPECT_NE(test.Hidden(0, &pass), test.Hidden(0, &other_seed));
}

TEST(MlpTest, DropoutSilencesItsShareAndScalesTheRest) {
  const TestMlp test("hidden: 400 dropout: 0.3");
  const TrainingPass pass{9, 3, 0};
  const std::vector<float> scored = test.Hidden(0, nullptr), trained = test.Hidden(0, &pass);
  int active = 0, dropped = 0;
  for (size_t i = 0; i < scored.size(); ++i) {
    if (scored[i] == 0) continue;
    ++active;
    if (trained[i] == 0) {
      ++dropped;
    } else {
      ASSERT_NEAR(trained[i], scored[i] / 0.7, 1e-5 * std::abs(scored[i]) + 1e-7);
    }
  }
  EXPECT_NEAR(static_cast<double>(dropped) / active, 0.3, 0.02);
}

TEST(MlpTest, HiddenGradientStartsAtZeroOnceAForward) {
  const TestMlp test("hidden: 4 hidden: 3");
  MlpWorkspace workspace = test.mlp.MakeWorkspace(kRows);
  test.mlp.Forward(test.x(), nullptr, &workspace);
  workspace.HiddenGradient(0).row(1)[2] += 5;
  EXPECT_EQ(workspace.HiddenGradient(0).row(1)[2], 5) << "two hints may share a layer";
  test.mlp.Forward(test.x(), nullptr, &workspace);
  EXPECT_EQ(workspace.HiddenGradient(0).row(1)[2], 0);
}

TEST(MlpTest, NormalizationIsTheIdentityBeforeTheFirstStep) {
  const TestMlp plain("hidden: 8"), normalized("hidden: 8 normalize_input: true");
  EXPECT_EQ(plain.Hidden(0, nullptr), normalized.Hidden(0, nullptr));
}

// The statistics of one column of the test's inputs.
void MeanAndVariance(const AlignedFloats& inputs, int column, double* mean, double* variance) {
  *mean = *variance = 0;
  for (int r = 0; r < kRows; ++r) *mean += inputs[r * kWidth + column] / static_cast<double>(kRows);
  for (int r = 0; r < kRows; ++r) *variance += std::pow(inputs[r * kWidth + column] - *mean, 2) / kRows;
}

TEST(MlpTest, TheFirstStepSetsTheStatisticsLaterOnesFollowTheDecay) {
  TestMlp test("hidden: 8 normalize_input: true normalize_decay: 0.6");
  std::vector<double> sums(test.mlp.statistics_size());
  test.mlp.SumStatistics(test.x(), sums.data());
  test.mlp.UpdateStatistics(sums.data(), kRows, test.parameters.data());
  double mean, variance;
  MeanAndVariance(test.inputs, 3, &mean, &variance);
  EXPECT_NEAR(test.block("mlp/input_mean")[3], mean, 1e-6);
  EXPECT_NEAR(test.block("mlp/input_variance")[3], variance, 1e-5);

  // A batch of twos: step 1 keeps 1/2, step 2 keeps 0.6 instead of 2/3.
  std::vector<double> twos(2 * kWidth, 2.0 * kRows);
  std::fill(twos.begin() + kWidth, twos.end(), 4.0 * kRows);
  double square = variance + mean * mean;
  for (const double keep : {0.5, 0.6}) {
    test.mlp.UpdateStatistics(twos.data(), kRows, test.parameters.data());
    mean = keep * mean + (1 - keep) * 2;
    square = keep * square + (1 - keep) * 4;
    EXPECT_NEAR(test.block("mlp/input_mean")[3], mean, 1e-6);
    EXPECT_NEAR(test.block("mlp/input_variance")[3], square - mean * mean, 1e-5);
  }
}

TEST(MlpTest, ALargeMeanDoesNotDrownTheVariance) {
  TestMlp test("hidden: 8 normalize_input: true");
  AlignedFloats far = test.inputs;
  for (float& value : far) value = 1000 + value;
  std::vector<double> sums(test.mlp.statistics_size());
  test.mlp.SumStatistics({far.data(), kRows, kWidth, kWidth}, sums.data());
  for (int step = 0; step < 50; ++step) test.mlp.UpdateStatistics(sums.data(), kRows, test.parameters.data());
  double mean, variance;
  MeanAndVariance(far, 0, &mean, &variance);
  EXPECT_NEAR(test.block("mlp/input_variance")[0], variance, 1e-3 * variance);
}

TEST(MlpTest, BackwardLeavesTheStatisticsAlone) {
  TestMlp test("hidden: 8 normalize_input: true");
  AlignedFloats gradients(test.layout.size(), -7.0f);
  MlpWorkspace workspace = test.mlp.MakeWorkspace(kRows);
  test.mlp.Forward(test.x(), nullptr, &workspace);
  test.mlp.Backward(test.x(), &workspace, nullptr, gradients.data());
  for (int i = 0; i < kWidth; ++i)
    EXPECT_EQ(gradients[test.layout.Find("mlp/input_mean")->offset + i], -7.0f);
  EXPECT_EQ(gradients[test.layout.Find("mlp/0/weight")->offset], 0) << "no loss reads it: a gradient of zero";
}

}  // namespace
}  // namespace tandem
