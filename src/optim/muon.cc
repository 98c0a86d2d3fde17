#include "src/optim/muon.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tandem/experiment.pb.h"
#include "tandem/matrix.h"

namespace tandem {
namespace {

// Jordan's: steep at 0, and within 0.7 to 1.2 afterwards.
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;

// Of a momentum with a direction: a norm of 1e-30.
constexpr double kLeastSquares = 1e-60;

// In double, as gradients may have any size; in lanes, as the compiler may not reorder a sum.
double SumOfSquares(const float* x, int64_t n) {
  double lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int lane = 0; lane < 8; ++lane) lanes[lane] += static_cast<double>(x[i + lane]) * x[i + lane];
  }
  for (; i < n; ++i) lanes[0] += static_cast<double>(x[i]) * x[i];
  for (int lane = 1; lane < 8; ++lane) lanes[0] += lanes[lane];
  return lanes[0];
}

void Transpose(const float* from, int rows, int cols, float* to) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cols; ++j) to[int64_t{j} * rows + i] = from[int64_t{i} * cols + j];
  }
}

}  // namespace

Muon::Muon(const proto::Muon& config, const Kernels& kernels)
    : rate_(config.lr()),
      iterations_(config.iterations()),
      momentum_(static_cast<float>(config.momentum())),
      beta2_(static_cast<float>(config.adam().beta2())),
      kernels_(kernels) {}

int64_t Muon::ScratchFloats(int inputs, int outputs) const {
  const int64_t small = std::min(inputs, outputs);
  return 2 * int64_t{inputs} * outputs + 5 * small * small + kernels_.PackedFloats(small, small);
}

void Muon::Update(const UpdateStep& step, int inputs, int outputs, const float* g, float* w, float* slots,
                  int64_t slot_stride, float* scratch) const {
  const int64_t size = int64_t{inputs} * outputs;
  const int small = std::min(inputs, outputs);
  const int large = std::max(inputs, outputs);
  const bool turned = inputs < outputs;
  float* x = scratch;
  float* other = x + size;
  float* const square = other + size;

  float* first = slots;
  float* second = slots + slot_stride;
  for (int64_t i = 0; i < size; ++i) {
    first[i] = momentum_ * first[i] + (1 - momentum_) * g[i];
    second[i] = beta2_ * second[i] + (1 - beta2_) * (g[i] * g[i]);
    x[i] = momentum_ * first[i] + (1 - momentum_) * g[i];
  }
  // A matrix that gets no gradient any more forgets its momentum by and by: down to where floats end it has a
  // direction, which is nobody's.
  const double squares = SumOfSquares(x, size);
  if (squares < kLeastSquares) return;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (int64_t i = 0; i < size; ++i) x[i] *= scale;
  if (turned) {
    Transpose(x, inputs, outputs, other);
    std::swap(x, other);
  }

  // Small symmetric matrices that commute, being polynomials of one: A^T B is A B.
  const int64_t n = int64_t{small} * small;
  const auto matrix = [&](float* data) { return Matrix{data, small, small, small}; };
  float *gram = square, *product = square + n, *polynomial = square + 2 * n, *total = square + 3 * n,
        *next = square + 4 * n;
  const auto multiply = [&](float* a, float* b, float* to) {
    kernels_.GemmTransposed(matrix(a), matrix(b), /*accumulate=*/false, matrix(to));
  };
  const ConstMatrix tall{x, large, small, small};
  kernels_.GemmTransposed(tall, tall, /*accumulate=*/false, matrix(gram));
  const float gram_scale = 1 / std::sqrt(kernels_.Dot(gram, gram, n));
  for (int64_t i = 0; i < n; ++i) gram[i] *= gram_scale;
  for (int k = 0; k < iterations_; ++k) {
    multiply(gram, gram, product);
    for (int64_t i = 0; i < n; ++i) polynomial[i] = kB * gram[i] + kC * product[i];
    for (int i = 0; i < small; ++i) polynomial[int64_t{i} * (small + 1)] += kA;
    if (k == 0) {
      std::copy_n(polynomial, n, total);
    } else {
      multiply(total, polynomial, next);
      std::swap(total, next);
    }
    if (k + 1 == iterations_) break;
    multiply(gram, polynomial, product);
    multiply(product, polynomial, gram);
  }
  float* const packed = square + 5 * n;
  kernels_.Pack(total, small, small, small, 1, packed);
  kernels_.Gemm(tall, packed, nullptr, /*relu=*/false, /*accumulate=*/false, {other, large, small, small});
  if (turned) {
    Transpose(other, outputs, inputs, x);
    std::swap(x, other);
  }
  const auto rate =
      static_cast<float>(rate_ * step.rate_scale * 0.2 * std::sqrt(static_cast<double>(large) * gram_scale));
  for (int64_t i = 0; i < size; ++i) w[i] -= rate * other[i];
}

std::unique_ptr<const Muon> MakeMuon(const proto::Optimizer& config, const Kernels& kernels) {
  return config.has_muon() ? std::make_unique<const Muon>(config.muon(), kernels) : nullptr;
}

}  // namespace tandem
