// Adagrad (Duchi et al. 2011).
#include <algorithm>
#include <cmath>

#include "src/optim/factories.h"

namespace tandem {
namespace {

// Duchi, Hazan and Singer 2011, with a diagonal matrix: acc += g^2; w -= rate * g / (sqrt(acc) + epsilon).
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(const proto::Adagrad& config)
      : rate_(config.lr()),
        initial_accumulator_(static_cast<float>(config.initial_accumulator())),
        epsilon_(static_cast<float>(config.epsilon())) {}

  int slots() const override { return 1; }
  double rate() const override { return rate_; }

  void Initialize(int64_t n, const float*, float* slots, int64_t) const override {
    std::fill_n(slots, n, initial_accumulator_);
  }

  void Update(const UpdateStep& step, int64_t n, const float* __restrict g, float* __restrict w,
              float* __restrict accumulator, int64_t) const override {
    const float rate = static_cast<float>(rate_ * step.rate_scale);
    const float epsilon = epsilon_;
    for (int64_t i = 0; i < n; ++i) {
      const float sum = accumulator[i] + g[i] * g[i];
      accumulator[i] = sum;
      // All-zero state and gradient must not make 0 / 0, whatever epsilon is.
      w[i] -= g[i] == 0.0f ? 0.0f : rate * g[i] / (std::sqrt(sum) + epsilon);
    }
  }

 private:
  const double rate_;
  const float initial_accumulator_, epsilon_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdagrad(const proto::Adagrad& config) {
  return std::make_unique<Adagrad>(config);
}

}  // namespace tandem
