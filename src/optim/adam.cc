// Adam (Kingma and Ba 2015, algorithm 1); an embedding row counts its own steps.
#include <algorithm>
#include <cmath>
#include <vector>

#include "src/optim/factories.h"

namespace tandem {
namespace {

// 1 - beta^step, from log(beta).
double BiasCorrection(double log_beta, int64_t step) {
  const double exponent = log_beta * static_cast<double>(step);
  // exp(-40) is below the last bit of 1: an old row needs no exponential.
  return exponent < -40 ? 1.0 : 1.0 - std::exp(exponent);
}

// Kingma and Ba 2015, algorithm 1. Slots: first moment, second moment.
class Adam : public Optimizer {
 public:
  explicit Adam(const proto::Adam& config)
      : rate_(config.lr()),
        log_beta1_(std::log(config.beta1())),
        log_beta2_(std::log(config.beta2())),
        beta1_(static_cast<float>(config.beta1())),
        beta2_(static_cast<float>(config.beta2())),
        one_minus_beta1_(static_cast<float>(1 - config.beta1())),
        one_minus_beta2_(static_cast<float>(1 - config.beta2())),
        epsilon_(static_cast<float>(config.epsilon())) {
    for (int step = 0; step < kTabledSteps; ++step) scales_.push_back(ScalesAt(step));
  }

  int slots() const override { return 2; }
  bool counts_updates() const override { return true; }
  double rate() const override { return rate_; }

  void Initialize(int64_t n, const float*, float* slots, int64_t slot_stride) const override {
    std::fill_n(slots, n, 0.0f);
    std::fill_n(slots + slot_stride, n, 0.0f);
  }

  void Update(const UpdateStep& step, int64_t n, const float* g, float* w, float* slots,
              int64_t slot_stride) const override {
    const Scales scales = step.step < kTabledSteps ? scales_[step.step] : ScalesAt(step.step);
    Apply(static_cast<float>(rate_ * step.rate_scale / scales.correction1), scales.root, n, g, w, slots,
          slots + slot_stride);
  }

 private:
  // Lazily updated rows count their own steps, and most have few: for them the exponentials are looked up.
  static constexpr int kTabledSteps = 4096;
  struct Scales {
    double correction1;
    float root;  // 1 / sqrt(correction2)
  };
  Scales ScalesAt(int64_t step) const {
    return {BiasCorrection(log_beta1_, step),
            static_cast<float>(1 / std::sqrt(BiasCorrection(log_beta2_, step)))};
  }

  void Apply(float rate, float root_scale, int64_t n, const float* __restrict g, float* __restrict w,
             float* __restrict first, float* __restrict second) const {
    const float beta1 = beta1_, beta2 = beta2_, rest1 = one_minus_beta1_, rest2 = one_minus_beta2_;
    const float epsilon = epsilon_;
    for (int64_t i = 0; i < n; ++i) {
      const float m = beta1 * first[i] + rest1 * g[i];
      const float v = beta2 * second[i] + rest2 * (g[i] * g[i]);
      first[i] = m;
      second[i] = v;
      // A weight that never had a gradient must not make 0 / 0, whatever epsilon is.
      w[i] -= m == 0.0f ? 0.0f : rate * m / (std::sqrt(v) * root_scale + epsilon);
    }
  }

  const double rate_;
  const double log_beta1_, log_beta2_;
  const float beta1_, beta2_, one_minus_beta1_, one_minus_beta2_;
  const float epsilon_;
  std::vector<Scales> scales_;  // by step; that of step 0 is never used
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdam(const proto::Adam& config) { return std::make_unique<Adam>(config); }

}  // namespace tandem
