// What each kind of member counts is learned: the best shares on the rows, held to the first ones where rows are few.
#include "src/train/committee_shares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
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

using Shares = std::vector<double>;

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

// In nats, as the header defines it.
double Loss(const KindScores& scores, const Shares& first, const Shares& shares) {
  double loss = 0;
  for (size_t k = 0; k < shares.size(); ++k) loss -= kPriorNats * first[k] * std::log(shares[k]);
  for (int64_t row = 0; row < scores.rows(); ++row) {
    double logit = 0;
    for (int k = 0; k < scores.kinds(); ++k) logit += shares[k] * scores.logit(k, row);
    const double p = 1 / (1 + std::exp(-logit));
    loss -= scores.weight(row) * std::log(scores.label(row) > 0 ? p : 1 - p);
  }
  return loss;
}

TEST(CommitteeSharesTest, AreThoseWithTheLeastLossThatAGridFinds) {
  const Shares first = {0.5, 0.5};
  for (const double noise : {0.5, 3.0, 8.0}) {
    const KindScores scores = SomeRows(2, 3000, noise);
    double best = std::numeric_limits<double>::infinity(), at = 0;
    for (double share = 0.001; share < 1; share += 0.001) {
      const double loss = Loss(scores, first, {share, 1 - share});
      if (loss < best) {
        best = loss;
        at = share;
      }
    }
    const Shares shares = LearnShares(scores, first);
    EXPECT_NEAR(shares[0], at, 0.01) << noise;
    EXPECT_LT(Loss(scores, first, shares), best + 1e-3) << noise;
  }
}

TEST(CommitteeSharesTest, SumToOneAndGoToTheKindThatIsRight) {
  const Shares first = {0.25, 0.25, 0.5};
  const Shares shares = LearnShares(SomeRows(3, 20000, 10), first);
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
  EXPECT_GT(shares[0], 0.9);
  for (const double share : shares) EXPECT_GT(share, 0);
}

TEST(CommitteeSharesTest, OfFewRowsStayNearTheFirstOnes) {
  const Shares first = {0.5, 0.5};
  EXPECT_NEAR(LearnShares(SomeRows(2, 5, 10), first)[0], 0.5, 0.15);
  EXPECT_EQ(LearnShares(KindScores(2), first), first);
  // Kinds that say the same have nothing to choose between.
  const Shares uneven = {0.25, 0.75};
  const Shares same = LearnShares(SomeRows(2, 4000, 0), uneven);
  EXPECT_NEAR(same[0], 0.25, 1e-3);
}

TEST(CommitteeSharesTest, ALogitThatIsNotFiniteOrARowOfNoWeightTeachesNothing) {
  const Shares first = {0.5, 0.5};
  KindScores scores(2);
  scores.Add(0, std::numeric_limits<float>::infinity());
  scores.Add(1, 0);
  scores.AddLabel(0, 1);
  EXPECT_EQ(LearnShares(scores, first), first);
  KindScores weightless(2);
  weightless.Add(0, 3);
  weightless.Add(1, -3);
  weightless.AddLabel(1, 0);
  EXPECT_EQ(LearnShares(weightless, first), first);
}

TEST(CommitteeSharesTest, WeighTheMembersInTheMean) {
  proto::Experiment experiment = SmallExperiment(
      "committee { member { copies: 2 tower { mlp { hidden: 8 } } } "
      "member { tower { interaction { fm {} } mlp { hidden: 6 } } } } "
      "student { mlp { hidden: 4 } } distill { switches { own_embedding: true } }");
  experiment.mutable_model()->mutable_committee()->set_weights(proto::Committee::LEARNED);
  const Kernels& kernels = KernelsOrBest(nullptr);
  Committee committee(experiment, {3, 4, {}}, kernels);
  ASSERT_EQ(committee.weighed_kinds(), 2);
  EXPECT_EQ(committee.first_shares(), (Shares{2.0 / 3, 1.0 / 3}));
  AlignedFloats parameters(committee.layout().size());
  committee.Initialize(parameters.data());
  committee.SetShares({0.1, 0.9}, parameters.data());
  committee.Prepare(parameters.data());
  CommitteeWorkspace workspace = committee.MakeWorkspace(5);
  AlignedFloats x(static_cast<size_t>(5) * 3 * 3 * 4);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(std::sin(i));
  std::vector<float> logits(5), of_mlps(5), of_fm(5);
  committee.Forward({x.data(), 5, 36, 36}, nullptr, nullptr, &workspace, logits.data());
  float* const kinds[] = {of_mlps.data(), of_fm.data()};
  committee.KindLogits(&workspace, 5, kinds);
  for (int row = 0; row < 5; ++row) {
    EXPECT_NEAR(logits[row], 0.1 * of_mlps[row] + 0.9 * of_fm[row], 1e-6);
    EXPECT_NEAR(of_mlps[row], (workspace.logits(0)[row] + workspace.logits(1)[row]) / 2, 1e-6);
    EXPECT_EQ(of_fm[row], workspace.logits(2)[row]);
  }
}

TEST(CommitteeSharesTest, NeedRowsToLearnThemOnAndKindsToWeigh) {
  const auto check = [](const char* members, const char* rest) {
    return ValidateExperiment(
        ParseExperiment(
            absl::StrCat(
                "data { path: 'log.tsv' } feature { name: 'a' sparse {} } model { committee { weights: LEARNED ",
                members, " } student { mlp { hidden: 4 } } distill { switches { own_embedding: true } } } ",
                rest),
            "test")
            .value());
  };
  const char* const kinds =
      "member { tower { mlp { hidden: 8 } } } member { tower { mlp { hidden: 6 } } }";
  EXPECT_TRUE(check(kinds, "train { validation { share: 0.1 } }").ok());
  EXPECT_NE(std::string(check(kinds, "").message()).find("train.validation { share: 0.1 }"),
            std::string::npos);
  EXPECT_NE(std::string(check("member { copies: 3 tower { mlp { hidden: 8 } } }",
                              "train { validation { share: 0.1 } }")
                            .message())
                .find("one kind of member"),
            std::string::npos);
}

}  // namespace
}  // namespace tandem
