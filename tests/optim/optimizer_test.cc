// Every optimizer against its formula, with non-default settings, saved and restored.
#include "tandem/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

proto::Optimizer Config(const std::string& text) { return ParseText<proto::Optimizer>(text); }

// Weights with their slots, as a caller owns them; slots lie `stride` apart.
struct Weights {
  Weights(const Optimizer& optimizer, std::vector<float> first, int64_t slot_stride)
      : w(std::move(first)), stride(slot_stride), slots(optimizer.slots() * slot_stride, -7.0f) {
    optimizer.Initialize(w.size(), w.data(), slots.data(), stride);
  }
  void Update(const Optimizer& optimizer, const UpdateStep& step, const std::vector<float>& g) {
    optimizer.Update(step, w.size(), g.data(), w.data(), slots.data(), stride);
  }

  std::vector<float> w;
  int64_t stride;
  std::vector<float> slots;
};

std::vector<float> Normals(uint64_t key, int n, double deviation) {
  const Random random(17, RandomPurpose::kSynthetic, {key});
  std::vector<float> values(n);
  for (int i = 0; i < n; ++i) values[i] = static_cast<float>(deviation * random.Normal(i));
  return values;
}

// Gradients of a step: a third of them zero, as on a sparse vector.
std::vector<float> Gradients(int step, int n) {
  std::vector<float> g = Normals(1000 + step, n, 0.5);
  for (int i = 0; i < n; ++i) {
    if ((i + step) % 3 == 0) g[i] = 0;
  }
  return g;
}

// The papers' formulas for one weight, in double, as plainly as they are written.
class Reference {
 public:
  Reference(const proto::Optimizer& config, double w) : config_(config), w_(w) {
    if (config.has_adagrad()) a_ = config.adagrad().initial_accumulator();
    if (config.has_ftrl()) {
      const proto::Ftrl& c = config.ftrl();
      a_ = w == 0 ? 0 : -w * (c.beta() / c.lr() + c.l2()) - std::copysign(c.l1(), w);
      rate_ = c.lr() / c.beta();
    }
  }

  double w() const { return w_; }

  void Update(double scale, int64_t step, double g) {
    if (config_.has_sgd()) w_ -= scale * config_.sgd().lr() * g;
    if (config_.has_adagrad()) Adagrad(config_.adagrad(), scale, g);
    if (config_.has_adam()) Adam(config_.adam(), scale, step, g);
    if (config_.has_ftrl()) Ftrl(config_.ftrl(), scale, g);
  }

 private:
  void Adagrad(const proto::Adagrad& c, double scale, double g) {
    a_ += g * g;
    Descend(scale * c.lr() * g, std::sqrt(a_) + c.epsilon());
  }

  void Adam(const proto::Adam& c, double scale, int64_t step, double g) {
    a_ = c.beta1() * a_ + (1 - c.beta1()) * g;
    b_ = c.beta2() * b_ + (1 - c.beta2()) * g * g;
    const double first = a_ / (1 - std::pow(c.beta1(), step));
    const double second = b_ / (1 - std::pow(c.beta2(), step));
    Descend(scale * c.lr() * first, std::sqrt(second) + c.epsilon());
  }

  // The state is z alone: sigma is the change of 1 / rate, whether n or alpha made it.
  void Ftrl(const proto::Ftrl& c, double scale, double g) {
    b_ += g * g;
    const double rate = scale * c.lr() / (c.beta() + std::sqrt(b_));
    a_ += g - (1 / rate - 1 / rate_) * w_;
    rate_ = rate;
    w_ = std::abs(a_) <= c.l1() ? 0 : -(a_ - std::copysign(c.l1(), a_)) / (1 / rate + c.l2());
  }

  // No step at all where there was no gradient yet and epsilon is 0.
  void Descend(double numerator, double denominator) {
    if (numerator != 0) w_ -= numerator / denominator;
  }

  proto::Optimizer config_;
  double w_;
  double a_ = 0, b_ = 0, rate_ = 0;
};

class EveryOptimizer : public testing::TestWithParam<std::string> {
 protected:
  const proto::Optimizer config_ = Config(GetParam());
  const std::unique_ptr<Optimizer> optimizer_ = MakeOptimizer(config_);
};

INSTANTIATE_TEST_SUITE_P(NonDefaultSettings, EveryOptimizer,
                         testing::Values("sgd { lr: 0.03 }",
                                         "adagrad { lr: 0.07 initial_accumulator: 0.02 epsilon: 0.003 }",
                                         "adagrad { lr: 0.2 initial_accumulator: 0 epsilon: 0 }",
                                         "adam { lr: 0.02 beta1: 0.8 beta2: 0.95 epsilon: 0.001 }",
                                         "adam { lr: 0.02 beta1: 0 beta2: 0.9 epsilon: 0 }",
                                         "ftrl { lr: 0.3 beta: 0.5 l1: 0.2 l2: 0.7 }",
                                         "ftrl { lr: 0.05 beta: 2 l1: 0 l2: 0 }"));

TEST_P(EveryOptimizer, FollowsItsFormulaUnderAScheduleThatMoves) {
  constexpr int kWeights = 29;
  Weights weights(*optimizer_, Normals(1, kWeights, 0.3), kWeights);
  weights.w[4] = 0;
  optimizer_->Initialize(kWeights, weights.w.data(), weights.slots.data(), kWeights);
  std::vector<Reference> references;
  for (const float w : weights.w) references.emplace_back(config_, w);

  for (int step = 1; step <= 60; ++step) {
    const double scale = step <= 10 ? step / 10.0 : std::pow(0.97, step - 10);
    const std::vector<float> g = Gradients(step, kWeights);
    weights.Update(*optimizer_, {scale, step}, g);
    for (int i = 0; i < kWeights; ++i) {
      references[i].Update(scale, step, g[i]);
      ASSERT_NEAR(weights.w[i], references[i].w(), 3e-6 + 1e-5 * std::abs(references[i].w()))
          << "weight " << i << " after step " << step;
    }
  }
}

TEST_P(EveryOptimizer, RestoredStateContinuesBitForBit) {
  constexpr int kWeights = 21;
  Weights whole(*optimizer_, Normals(2, kWeights, 0.3), kWeights);
  for (int step = 1; step <= 9; ++step) whole.Update(*optimizer_, {0.9, step}, Gradients(step, kWeights));
  Weights restored = whole;
  const std::unique_ptr<Optimizer> another = MakeOptimizer(config_);
  for (int step = 10; step <= 30; ++step) {
    whole.Update(*optimizer_, {0.8, step}, Gradients(step, kWeights));
    restored.Update(*another, {0.8, step}, Gradients(step, kWeights));
  }
  EXPECT_EQ(whole.w, restored.w);
  EXPECT_EQ(whole.slots, restored.slots);
}

TEST_P(EveryOptimizer, SplittingAVectorChangesNoBit) {
  constexpr int kWeights = 43, kStride = 50;
  for (int cut = 0; cut <= kWeights; ++cut) {
    Weights whole(*optimizer_, Normals(3, kWeights, 0.3), kStride);
    Weights split(*optimizer_, Normals(3, kWeights, 0.3), kStride);
    for (int step = 1; step <= 4; ++step) {
      const std::vector<float> g = Gradients(step, kWeights);
      whole.Update(*optimizer_, {1, step}, g);
      optimizer_->Update({1, step}, cut, g.data(), split.w.data(), split.slots.data(), kStride);
      optimizer_->Update({1, step}, kWeights - cut, g.data() + cut, split.w.data() + cut,
                         split.slots.data() + cut, kStride);
    }
    ASSERT_EQ(whole.w, split.w) << "cut at " << cut;
    ASSERT_EQ(whole.slots, split.slots) << "cut at " << cut;
  }
}

TEST_P(EveryOptimizer, ARateOfZeroChangesNoWeight) {
  constexpr int kWeights = 19;
  Weights weights(*optimizer_, Normals(4, kWeights, 0.3), kWeights);
  for (int step = 1; step <= 3; ++step) weights.Update(*optimizer_, {1, step}, Gradients(step, kWeights));
  const std::vector<float> before = weights.w;
  weights.Update(*optimizer_, {0, 4}, Gradients(4, kWeights));
  EXPECT_EQ(before, weights.w);
  for (const float slot : weights.slots) ASSERT_TRUE(std::isfinite(slot));
}

TEST_P(EveryOptimizer, AWeightThatNeverHadAGradientStaysPut) {
  constexpr int kWeights = 11;
  const std::vector<float> first = Normals(5, kWeights, 0.3);
  Weights weights(*optimizer_, first, kWeights);
  for (int step = 1; step <= 5; ++step) {
    weights.Update(*optimizer_, {std::pow(0.5, step), step}, std::vector<float>(kWeights, 0));
  }
  for (int i = 0; i < kWeights; ++i) ASSERT_NEAR(weights.w[i], first[i], 2e-6f) << "weight " << i;
}

TEST_P(EveryOptimizer, TheRateIsTheConfiguredOne) {
  const double expected = config_.has_sgd()       ? config_.sgd().lr()
                          : config_.has_adagrad() ? config_.adagrad().lr()
                          : config_.has_adam()    ? config_.adam().lr()
                                                  : config_.ftrl().lr();
  EXPECT_EQ(expected, optimizer_->rate());
}

TEST(Adam, CorrectsTheBiasOfYoungAndOldWeights) {
  const auto optimizer = MakeOptimizer(Config("adam { lr: 0.01 epsilon: 0 }"));
  Weights young(*optimizer, {0, 0}, 2);
  young.Update(*optimizer, {1, 1}, {3e-4f, -20});
  EXPECT_NEAR(young.w[0], -0.01, 1e-8);
  EXPECT_NEAR(young.w[1], 0.01, 1e-8);

  // Without correction: 0.1 g / sqrt(0.001 g^2).
  Weights old(*optimizer, {0}, 1);
  old.Update(*optimizer, {1, 1000000000000}, {0.5});
  EXPECT_NEAR(old.w[0], -0.01 * 0.1 / std::sqrt(0.001), 1e-7);
}

TEST(Ftrl, GoesOnFromAWeightThatDecayed) {
  const auto optimizer = MakeOptimizer(Config("ftrl { lr: 0.1 l1: 0.01 }"));
  Weights weights(*optimizer, {0.5}, 1);
  weights.Update(*optimizer, {1, 1}, {0.1f});
  weights.w[0] *= 0.5f;
  const float decayed = weights.w[0];
  weights.Update(*optimizer, {1, 2}, {0});
  EXPECT_NEAR(weights.w[0], decayed, 1e-7);
}

TEST(Ftrl, L1KeepsAWeightAtZeroUntilItsGradientsOutweighIt) {
  const auto optimizer = MakeOptimizer(Config("ftrl { lr: 0.1 l1: 1 }"));
  Weights weights(*optimizer, {0}, 1);
  weights.Update(*optimizer, {1, 1}, {0.6f});
  EXPECT_EQ(weights.w[0], 0);
  weights.Update(*optimizer, {1, 2}, {0.6f});
  EXPECT_LT(weights.w[0], 0);
}

}  // namespace
}  // namespace tandem
