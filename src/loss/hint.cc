// The hint of the joint loss: what a student's hidden layer owes the teacher's, with the adapter between them
// and the statistics that scale it (tandem/loss.h).
#include <glog/logging.h>

#include <algorithm>
#include <cmath>

#include "tandem/loss.h"

namespace tandem {
namespace {

constexpr double kStatisticsDecay = 0.99;
constexpr double kVarianceFloor = 1e-5;

struct Moments {
  double sum = 0, squares = 0;
};

// In eight chains, in a fixed order.
Moments SumMoments(const float* x, int n) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {}, squares[kLanes] = {};
  const auto add = [&](int lane, double value) {
    sums[lane] += value;
    squares[lane] += value * value;
  };
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) add(lane, x[i + lane]);
  }
  for (int lane = 0; i + lane < n; ++lane) add(lane, x[i + lane]);
  Moments total;
  for (int lane = 0; lane < kLanes; ++lane) {
    total.sum += sums[lane];
    total.squares += squares[lane];
  }
  return total;
}

// difference = x - y; x may be the difference itself.
void Subtract(const float* x, const float* y, int n, float* difference) {
  for (int i = 0; i < n; ++i) difference[i] = x[i] - y[i];
}

void Multiply(float factor, int n, float* x) {
  for (int i = 0; i < n; ++i) x[i] *= factor;
}

// y += x
void Increase(const float* x, int n, float* y) {
  for (int i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

void JointLoss::Prepare(const float* parameters) {
  for (Pair& pair : pairs_) {
    const int64_t in = pair.student_width, out = pair.teacher_width;
    if (pair.adapted && hint_weight_ != 0) {
      const float* const weight = parameters + pair.weight;
      pair.packed.resize(kernels_.PackedFloats(in, out));
      kernels_.Pack(weight, in, out, /*stride_k=*/out, /*stride_n=*/1, pair.packed.data());
      pair.packed_transposed.resize(kernels_.PackedFloats(out, in));
      kernels_.Pack(weight, out, in, /*stride_k=*/1, /*stride_n=*/out, pair.packed_transposed.data());
      pair.packed_bias.assign(parameters + pair.bias, parameters + pair.bias + out);
    }
    if (hint_normalize_) {
      const float* const statistics = parameters + pair.statistics;
      const double mean = statistics[0], square = statistics[1];
      const double variance = std::max(0.0, square - mean * mean);
      pair.inverse_variance = statistics[2] == 0.0f ? 1 : 1 / (variance + kVarianceFloor);
    }
  }
}

// FitNets' stage 1 loss (Romero et al. 2015, eq. 3), with an affine regressor.
void JointLoss::ComputeHint(int k, const LossShard& shard, LossWorkspace* workspace, LossGradients* gradients,
                            LossTerms* sums) const {
  const Pair& pair = pairs_[k];
  const ConstMatrix teacher = shard.teacher_hidden[k], student = shard.student_hidden[k];
  CHECK_EQ(teacher.cols, pair.teacher_width);
  CHECK_EQ(student.cols, pair.student_width);
  CHECK_EQ(student.rows, shard.rows);
  const int width = pair.teacher_width;
  const Matrix difference{workspace->difference.data(), shard.rows, width, width};
  if (pair.adapted) {
    kernels_.Gemm(student, pair.packed.data(), pair.packed_bias.data(), /*relu=*/false, /*accumulate=*/false,
                  difference);
  }

  const double scale = pair.inverse_variance / width;
  for (int row = 0; row < shard.rows; ++row) {
    float* const d = difference.row(row);
    Subtract(pair.adapted ? d : student.row(row), teacher.row(row), width, d);
    const double weighted = scale * shard.weight(row);
    sums->hint += weighted * SumMoments(d, width).squares;
    Multiply(static_cast<float>(2 * hint_weight_ * weighted / static_cast<double>(shard.batch_rows)), width,
             d);
  }
  BackwardHint(k, student, difference, gradients);
}

void JointLoss::BackwardHint(int k, ConstMatrix student, ConstMatrix d_adapted,
                             LossGradients* gradients) const {
  const Pair& pair = pairs_[k];
  if (!gradients->d_student_hidden.empty()) {
    const Matrix& d_student = gradients->d_student_hidden[k];
    if (pair.adapted) {
      kernels_.Gemm(d_adapted, pair.packed_transposed.data(), /*bias=*/nullptr, /*relu=*/false,
                    /*accumulate=*/true, d_student);
    } else {
      for (int row = 0; row < student.rows; ++row)
        Increase(d_adapted.row(row), d_adapted.cols, d_student.row(row));
    }
  }
  if (pair.adapted && gradients->parameters != nullptr) {
    kernels_.GemmTransposed(
        student, d_adapted, /*accumulate=*/false,
        {gradients->parameters + pair.weight, pair.student_width, pair.teacher_width, pair.teacher_width});
    float* const d_bias = gradients->parameters + pair.bias;
    for (int row = 0; row < d_adapted.rows; ++row) Increase(d_adapted.row(row), d_adapted.cols, d_bias);
  }
}

int JointLoss::statistics_size() const { return hint_normalize_ && hint_weight_ != 0 ? 2 * pairs() : 0; }

void JointLoss::SumStatistics(const LossShard& shard, double* sums) const {
  std::fill_n(sums, statistics_size(), 0.0);
  for (int k = 0; 2 * k < statistics_size(); ++k) {
    const ConstMatrix& hidden = shard.teacher_hidden[k];
    for (int row = 0; row < shard.rows; ++row) {
      const Moments moments = SumMoments(hidden.row(row), hidden.cols);
      sums[2 * k] += moments.sum;
      sums[2 * k + 1] += moments.squares;
    }
  }
}

void JointLoss::UpdateStatistics(const double* sums, int64_t rows, float* parameters) const {
  for (int k = 0; 2 * k < statistics_size(); ++k) {
    float* const statistics = parameters + pairs_[k].statistics;
    const double steps = statistics[2];
    const double keep = std::min(kStatisticsDecay, steps / (steps + 1));
    const double count = static_cast<double>(rows) * pairs_[k].teacher_width;
    for (int moment = 0; moment < 2; ++moment) {
      const double batch = sums[2 * k + moment] / count;
      statistics[moment] = static_cast<float>(keep * statistics[moment] + (1 - keep) * batch);
    }
    statistics[2] = static_cast<float>(steps + 1);
  }
}

}  // namespace tandem
