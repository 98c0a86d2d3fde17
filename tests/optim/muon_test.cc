// Muon against its published iteration.
#include "src/optim/muon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tandem/random.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

constexpr double kRate = 0.01, kBeta2 = 0.97;
constexpr char kRest[] = " adam { lr: 0.3 beta2: 0.97 }";

std::vector<float> Normals(uint64_t key, int n) {
  const Random random(5, RandomPurpose::kSynthetic, {key});
  std::vector<float> values(n);
  for (int i = 0; i < n; ++i) values[i] = static_cast<float>(random.Normal(i));
  return values;
}

using Doubles = std::vector<double>;  // row-major

Doubles Product(const Doubles& a, const Doubles& b, int rows, int inner, int cols) {
  Doubles c(static_cast<size_t>(rows) * cols);
  for (int i = 0; i < rows; ++i) {
    for (int k = 0; k < inner; ++k) {
      for (int j = 0; j < cols; ++j) c[i * cols + j] += a[i * inner + k] * b[k * cols + j];
    }
  }
  return c;
}

Doubles Transposed(const Doubles& a, int rows, int cols) {
  Doubles t(a.size());
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) t[j * rows + i] = a[i * cols + j];
  }
  return t;
}

// The iteration as it is published, on X itself: X <- a X + (b A + c A A) X with A = X X^T.
Doubles NewtonSchulz(Doubles x, int rows, int cols, int iterations) {
  double norm = 0;
  for (const double v : Product(x, Transposed(x, rows, cols), rows, cols, rows)) norm += v * v;
  for (double& v : x) v /= std::pow(norm, 0.25);
  for (int k = 0; k < iterations; ++k) {
    const Doubles a = Product(x, Transposed(x, rows, cols), rows, cols, rows);
    const Doubles squared = Product(a, a, rows, rows, rows);
    Doubles b(a.size());
    for (size_t i = 0; i < a.size(); ++i) b[i] = -4.7750 * a[i] + 2.0315 * squared[i];
    const Doubles bx = Product(b, x, rows, rows, cols);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 3.4445 * x[i] + bx[i];
  }
  return x;
}

// Weights and slots as a caller owns them, the slots a stride apart.
struct Owned {
  Owned(int inputs_, int outputs_)
      : inputs(inputs_),
        outputs(outputs_),
        w(Normals(1, inputs * outputs)),
        stride(inputs * outputs + 3),
        slots(2 * stride) {}
  void Update(const Muon& muon, double rate_scale, const std::vector<float>& g) {
    std::vector<float> scratch(muon.ScratchFloats(inputs, outputs));
    muon.Update({rate_scale, 1}, inputs, outputs, g.data(), w.data(), slots.data(), stride, scratch.data());
  }

  int inputs, outputs;
  std::vector<float> w;
  int64_t stride;
  std::vector<float> slots;
};

Muon MakeMuon(const std::string& config, const Kernels& kernels) {
  return {ParseText<proto::Muon>(config + kRest), kernels};
}

class MuonTest : public testing::TestWithParam<std::tuple<const Kernels*, std::pair<int, int>>> {
 protected:
  const Kernels& kernels_ = *std::get<0>(GetParam());
  const int inputs_ = std::get<1>(GetParam()).first, outputs_ = std::get<1>(GetParam()).second;
  const int size_ = inputs_ * outputs_;
};

TEST_P(MuonTest, IsThePublishedIterationOverNesterovsMomentum) {
  for (const int iterations : {1, 3, 5}) {
    const Muon muon = MakeMuon("lr: 0.04 momentum: 0.8 iterations: " + std::to_string(iterations), kernels_);
    Owned owned(inputs_, outputs_);
    Doubles w(owned.w.begin(), owned.w.end()), momentum(size_), second(size_);
    for (int step = 0; step < 4; ++step) {
      const std::vector<float> g = Normals(10 + step, size_);
      const double rate_scale = 1 - 0.2 * step;
      owned.Update(muon, rate_scale, g);
      Doubles x(size_);
      for (int i = 0; i < size_; ++i) {
        momentum[i] = 0.8 * momentum[i] + 0.2 * g[i];
        second[i] = kBeta2 * second[i] + (1 - kBeta2) * g[i] * g[i];
        x[i] = 0.8 * momentum[i] + 0.2 * g[i];
      }
      const Doubles u = NewtonSchulz(x, inputs_, outputs_, iterations);
      const double rate = kRate * rate_scale * 4 * 0.2 * std::sqrt(std::max(inputs_, outputs_));
      for (int i = 0; i < size_; ++i) w[i] -= rate * u[i];
    }
    for (int i = 0; i < size_; ++i) {
      ASSERT_NEAR(owned.w[i], w[i], 2e-4) << "iterations " << iterations << ", weight " << i;
      ASSERT_NEAR(owned.slots[i], momentum[i], 1e-5);
      ASSERT_NEAR(owned.slots[owned.stride + i], second[i], 1e-5);
    }
  }
}

// That is what it is for: whatever the gradient's singular values, those of the step are about 1.
TEST_P(MuonTest, TheStepIsNearlyOrthogonal) {
  const Muon muon = MakeMuon("lr: 0.01 iterations: 12", kernels_);
  Owned owned(inputs_, outputs_);
  const std::vector<float> before = owned.w;
  owned.Update(muon, 1, Normals(20, size_));
  const int small = std::min(inputs_, outputs_), large = std::max(inputs_, outputs_);
  Doubles u(size_);
  for (int i = 0; i < size_; ++i) u[i] = (before[i] - owned.w[i]) / (kRate * 0.2 * std::sqrt(large));
  const Doubles turned = Transposed(u, inputs_, outputs_);
  const Doubles gram = inputs_ >= outputs_ ? Product(turned, u, outputs_, inputs_, outputs_)
                                           : Product(u, turned, inputs_, outputs_, inputs_);
  double trace = 0;
  double squares = 0;
  for (int i = 0; i < small * small; ++i) squares += gram[i] * gram[i];
  for (int i = 0; i < small; ++i) trace += gram[i * (small + 1)];
  // The mean of the squared singular values, and of their squares: both in between 0.7^4 and 1.2^4.
  EXPECT_GT(trace / small, 0.6);
  EXPECT_LT(trace / small, 1.3);
  EXPECT_LT(squares / small, 1.7);
}

TEST_P(MuonTest, TheGradientsScaleDoesNotCount) {
  const Muon muon = MakeMuon("lr: 0.01", kernels_);
  std::vector<float> g = Normals(30, size_);
  Owned one(inputs_, outputs_), other(inputs_, outputs_);
  one.Update(muon, 1, g);
  for (float& v : g) v *= 1024;
  other.Update(muon, 1, g);
  for (int i = 0; i < size_; ++i) ASSERT_NEAR(one.w[i], other.w[i], 1e-5);
}

TEST_P(MuonTest, WithoutAGradientOrARateNothingMoves) {
  const Muon muon = MakeMuon("lr: 0.01", kernels_);
  Owned owned(inputs_, outputs_);
  const std::vector<float> before = owned.w;
  owned.Update(muon, 1, std::vector<float>(size_));
  EXPECT_EQ(owned.w, before);
  owned.Update(muon, 0, Normals(40, size_));
  EXPECT_EQ(owned.w, before);
}

// A tower that is dead has gradients of 0 for ever: its momentum falls to where floats end, and below.
TEST_P(MuonTest, AMatrixWithoutGradientsStaysFiniteAndComesToRest) {
  const Muon muon = MakeMuon("lr: 0.01", kernels_);
  Owned owned(inputs_, outputs_);
  owned.Update(muon, 1, Normals(50, size_));
  const std::vector<float> nothing(size_);
  for (int step = 0; step < 3000; ++step) owned.Update(muon, 1, nothing);
  for (const float w : owned.w) ASSERT_TRUE(std::isfinite(w));
  const std::vector<float> at_rest = owned.w;
  owned.Update(muon, 1, nothing);
  EXPECT_EQ(owned.w, at_rest);
}

std::string NameOf(const testing::TestParamInfo<MuonTest::ParamType>& info) {
  const auto& [kernels, shape] = info.param;
  return absl::StrCat(kernels->name(), "_", shape.first, "x", shape.second);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MuonTest,
                         testing::Combine(testing::ValuesIn(AvailableKernels()),
                                          testing::Values(std::pair(97, 48), std::pair(13, 40),
                                                          std::pair(32, 32), std::pair(7, 1), std::pair(1, 9),
                                                          std::pair(65, 33))),
                         NameOf);

}  // namespace
}  // namespace tandem
