// What each kind of member counts, and the offset: the best ones on the rows, held to the first where rows
// are few.
#include "src/train/committee_mean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/committee.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tests/support/experiments.h"

namespace tandem {
namespace {

// Labels drawn from the first kind's logit, `noise` on those of the others.
KindScores SomeRows(int kinds, int rows, double noise) {
  const Random random(5, RandomPurpose::kSynthetic, {});
  KindScores scores(kinds);
  int64_t draws = 0;
  for (int row = 0; row < rows; ++row) {
    const double truth = 4 * random.UniformDouble(draws++) - 2;
    for (int kind = 0; kind < kinds; ++kind) {
      const double error = kind == 0 ? 0 : noise * (random.UniformDouble(draws++) - 0.5);
      scores.Add(kind, static_cast<float>(truth + error));
    }
    scores.AddLabel(random.UniformDouble(draws++) < 1 / (1 + std::exp(-truth)) ? 1.0f : 0.0f, 1);
  }
  return scores;
}

double MeanLogit(const KindScores& scores, const CommitteeMean& mean) {
  double sum = 0;
  for (int64_t row = 0; row < scores.rows(); ++row) sum += scores.Mean(mean, row);
  return sum / static_cast<double>(scores.rows());
}

// As the header defines it.
double Loss(const KindScores& scores, const CommitteeMean& first, const std::vector<double>& weights) {
  CommitteeMean mean = {weights, 0};
  mean.offset = MeanLogit(scores, first) - MeanLogit(scores, mean);
  double loss = 0;
  for (size_t k = 0; k < weights.size(); ++k) {
    const double from = first.weights[k];
    loss += kPrior * (weights[k] - from - from * std::log(weights[k] / from));
  }
  for (int64_t row = 0; row < scores.rows(); ++row) {
    const double p = 1 / (1 + std::exp(-scores.Mean(mean, row)));
    loss -= scores.weight(row) * std::log(scores.label(row) > 0 ? p : 1 - p);
  }
  return loss;
}

// Around what was learned there is nothing better, in any direction; and the problem is convex.
TEST(CommitteeMeanTest, IsTheOneWithTheLeastLoss) {
  const CommitteeMean first = {{0.5, 0.5}, 0};
  for (const double noise : {0.5, 3.0, 8.0}) {
    const KindScores scores = SomeRows(2, 3000, noise);
    const CommitteeMean mean = LearnMean(scores, first);
    EXPECT_NEAR(MeanLogit(scores, mean), MeanLogit(scores, first), 1e-9) << "the level stays";
    const double least = Loss(scores, first, mean.weights);
    EXPECT_LT(least, Loss(scores, first, first.weights)) << noise;
    for (const double step : {-0.02, 0.02}) {
      for (int direction = 0; direction < 2; ++direction) {
        std::vector<double> other = mean.weights;
        other[direction] = std::max(1e-6, other[direction] + step);
        EXPECT_GT(Loss(scores, first, other), least - 1e-3) << noise << " " << direction << " " << step;
      }
    }
  }
}

TEST(CommitteeMeanTest, GoesToTheKindThatIsRight) {
  const CommitteeMean mean = LearnMean(SomeRows(3, 20000, 10), {{0.25, 0.25, 0.5}, 0});
  EXPECT_NEAR(mean.weights[0], 1, 0.1);
  EXPECT_LT(mean.weights[1] + mean.weights[2], 0.1);
  for (const double weight : mean.weights) EXPECT_GT(weight, 0);
}

// Logits twice as large as they should be.
TEST(CommitteeMeanTest, GivesMembersThatAreTooSureTheRightSpread) {
  const KindScores right = SomeRows(1, 30000, 0);
  KindScores sure(1);
  for (int64_t row = 0; row < right.rows(); ++row) {
    sure.Add(0, 2 * right.logit(0, row));
    sure.AddLabel(right.label(row), 1);
  }
  const CommitteeMean mean = LearnMean(sure, {{1}, 0});
  EXPECT_NEAR(mean.weights[0], 0.5, 0.05);
  EXPECT_NEAR(mean.offset, 0, 0.05);
}

TEST(CommitteeMeanTest, OfFewRowsStaysNearTheFirst) {
  const CommitteeMean first = {{0.5, 0.5}, 0};
  const CommitteeMean few = LearnMean(SomeRows(2, 5, 10), first);
  EXPECT_NEAR(few.weights[0], 0.5, 0.2);
  EXPECT_NEAR(few.offset, 0, 0.2);
  EXPECT_EQ(LearnMean(KindScores(2), first).weights, first.weights);
}

TEST(CommitteeMeanTest, ALogitThatIsNotFiniteOrARowOfNoWeightTeachesNothing) {
  const CommitteeMean first = {{0.5, 0.5}, 0};
  KindScores scores(2);
  scores.Add(0, std::numeric_limits<float>::infinity());
  scores.Add(1, 0);
  scores.AddLabel(0, 1);
  EXPECT_EQ(LearnMean(scores, first).weights, first.weights);
  EXPECT_EQ(LearnMean(scores, first).offset, 0);
  KindScores weightless(2);
  weightless.Add(0, 3);
  weightless.Add(1, -3);
  weightless.AddLabel(1, 0);
  EXPECT_EQ(LearnMean(weightless, first).weights, first.weights);
}

TEST(CommitteeMeanTest, WeighTheMembersInTheMean) {
  proto::Experiment experiment = SmallExperiment(
      "committee { member { copies: 2 tower { mlp { hidden: 8 } } } "
      "member { tower { interaction { fm {} } mlp { hidden: 6 } } } } "
      "student { mlp { hidden: 4 } } distill { switches { own_embedding: true } }");
  experiment.mutable_model()->mutable_committee()->set_weights(proto::Committee::LEARNED);
  const Kernels& kernels = KernelsOrBest(nullptr);
  Committee committee(experiment, {3, 4, {}}, kernels);
  ASSERT_EQ(committee.weighed_kinds(), 2);
  EXPECT_EQ(committee.first_mean().weights, (std::vector<double>{2.0 / 3, 1.0 / 3}));
  AlignedFloats parameters(committee.layout().size());
  committee.Initialize(parameters.data());
  committee.SetMean({{0.1, 0.9}, -0.5}, parameters.data());
  committee.Prepare(parameters.data());
  CommitteeWorkspace workspace = committee.MakeWorkspace(5);
  AlignedFloats x(static_cast<size_t>(5) * 3 * 3 * 4);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(std::sin(i));
  std::vector<float> logits(5), of_mlps(5), of_fm(5);
  committee.Forward({x.data(), 5, 36, 36}, nullptr, nullptr, &workspace, logits.data());
  float* const kinds[] = {of_mlps.data(), of_fm.data()};
  committee.KindLogits(&workspace, 5, kinds);
  for (int row = 0; row < 5; ++row) {
    EXPECT_NEAR(logits[row], 0.1 * of_mlps[row] + 0.9 * of_fm[row] - 0.5, 1e-6);
    EXPECT_NEAR(of_mlps[row], (workspace.logits(0)[row] + workspace.logits(1)[row]) / 2, 1e-6);
    EXPECT_EQ(of_fm[row], workspace.logits(2)[row]);
  }
}

TEST(CommitteeMeanTest, NeedsMembersAndRowsToBeLearnedOn) {
  const auto check = [&](int copies, const char* rest) {
    const std::string text = absl::StrCat(
        "data { path: 'log.tsv' } feature { name: 'a' sparse {} } model { committee { weights: LEARNED "
        "member { copies: ",
        copies,
        " tower { mlp { hidden: 8 } } } } student { mlp { hidden: 4 } } "
        "distill { switches { own_embedding: true } } } ",
        rest);
    return std::string(ValidateExperiment(ParseExperiment(text, "test").value()).message());
  };
  const char* const validated = "train { validation { share: 0.1 } }";
  EXPECT_EQ(check(2, validated), "");
  EXPECT_THAT(check(2, ""), testing::HasSubstr("train.validation { share: 0.1 }"));
  EXPECT_THAT(check(1, validated), testing::HasSubstr("one member alone"));
}

}  // namespace
}  // namespace tandem
