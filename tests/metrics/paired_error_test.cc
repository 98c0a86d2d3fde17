// Errors of AUCs and log losses, and of their differences, beside what drawing the rows again and again
// shows.
#include "src/metrics/paired_error.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tandem/random.h"

namespace tandem {
namespace {

struct Pair {
  ScoreLog a, b;
};

// Two models that know the rate, each with noise of its own, and of `copies` times the weight by negatives.
Pair Draw(uint64_t seed, int rows, double noise_a, double noise_b, float negative_weight = 1) {
  const Random random(seed, RandomPurpose::kSynthetic, {3});
  Pair pair;
  for (int row = 0; row < rows; ++row) {
    const double rate = random.Uniform(4 * row);
    const bool click = random.Uniform(4 * row + 1) < rate;
    const auto score = [&](double noise, int which) {
      return static_cast<float>((1 - noise) * rate + noise * random.Uniform(4 * row + which));
    };
    const float weight = click ? 1 : negative_weight;
    pair.a.Add(score(noise_a, 2), click, weight, 0);
    pair.b.Add(score(noise_b, 3), click, weight, 0);
  }
  return pair;
}

TEST(PairedError, IsTheSpreadThatNewRowsShow) {
  for (const float weight : {1.0f, 4.0f}) {
    constexpr int kDraws = 300, kRows = 400;
    double sum = 0, squares = 0, errors = 0, single_sum = 0, single_squares = 0, single_errors = 0;
    double loss_sum = 0, loss_squares = 0, loss_errors = 0;
    for (uint64_t seed = 0; seed < kDraws; ++seed) {
      const Pair pair = Draw(seed, kRows, 0.5, 0.6, weight);
      const Metrics a = ComputeMetrics(pair.a, false), b = ComputeMetrics(pair.b, false);
      const double difference = *a.auc - *b.auc, of_losses = *a.logloss - *b.logloss;
      sum += difference;
      squares += difference * difference;
      errors += AucError(pair.a, &pair.b).value();
      single_sum += *a.auc;
      single_squares += *a.auc * *a.auc;
      single_errors += AucError(pair.a).value();
      loss_sum += of_losses;
      loss_squares += of_losses * of_losses;
      loss_errors += LogLossError(pair.a, pair.b).value();
    }
    const auto spread = [](double s, double q) { return std::sqrt(q / kDraws - s / kDraws * (s / kDraws)); };
    EXPECT_NEAR(errors / kDraws / spread(sum, squares), 1, 0.15) << "weight " << weight;
    EXPECT_NEAR(single_errors / kDraws / spread(single_sum, single_squares), 1, 0.15) << "weight " << weight;
    EXPECT_NEAR(loss_errors / kDraws / spread(loss_sum, loss_squares), 1, 0.15) << "weight " << weight;
  }
}

TEST(PairedError, OfAModelAndItselfIsNone) {
  const Pair pair = Draw(1, 200, 0.3, 0.3);
  EXPECT_EQ(AucError(pair.a, &pair.a), 0);
  EXPECT_EQ(LogLossError(pair.a, pair.a), 0);
}

TEST(PairedError, IsUndefinedWhereTheFigureIsOrTheRowsAreNotTheSame) {
  ScoreLog one_class;
  one_class.Add(0.5f, 1, 1, 0);
  EXPECT_EQ(AucError(one_class), std::nullopt);
  const Pair few = Draw(1, 100, 0.3, 0.3), more = Draw(1, 101, 0.3, 0.3);
  EXPECT_EQ(AucError(few.a, &more.a), std::nullopt);
  EXPECT_EQ(LogLossError(few.a, more.a), std::nullopt);
}

}  // namespace
}  // namespace tandem
