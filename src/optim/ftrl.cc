// FTRL-proximal (McMahan et al. 2013, algorithm 1).
#include <algorithm>
#include <cmath>

#include "src/optim/factories.h"

namespace tandem {
namespace {

// FTRL-proximal (McMahan et al. 2013, algorithm 1). Slots: z, n. Between updates
//
//   w = 0                                                            where |z| <= l1
//   w = -(z - sign(z) l1) / ((beta + sqrt(n)) / alpha + l2)          elsewhere
//
// The paper's sigma is the change of 1 / (learning rate), which here changes with alpha too. So z is taken
// from w and the alpha of this step wherever w isn't 0 (the formula above, solved for z): the same numbers
// while alpha is constant, and the paper's definition of sigma when a schedule moves it; a stale z would
// scale w by the ratio of the rates instead.
class Ftrl : public Optimizer {
 public:
  explicit Ftrl(const proto::Ftrl& config)
      : rate_(config.lr()),
        beta_(static_cast<float>(config.beta())),
        l1_(static_cast<float>(config.l1())),
        l2_(static_cast<float>(config.l2())) {}

  int slots() const override { return 2; }
  double rate() const override { return rate_; }

  void Initialize(int64_t n, const float* w, float* slots, int64_t slot_stride) const override {
    const float denominator = beta_ / static_cast<float>(rate_) + l2_;
    for (int64_t i = 0; i < n; ++i) slots[i] = w[i] == 0.0f ? 0.0f : State(w[i], denominator, l1_);
    std::fill_n(slots + slot_stride, n, 0.0f);
  }

  void Update(const UpdateStep& step, int64_t n, const float* g, float* w, float* slots,
              int64_t slot_stride) const override {
    const float alpha = static_cast<float>(rate_ * step.rate_scale);
    // The end of a decay to 0: nothing moves, and 1 / alpha isn't a number to calculate with.
    if (alpha > 0) Apply(1 / alpha, n, g, w, slots, slots + slot_stride);
  }

 private:
  // z of a weight that isn't 0.
  static float State(float w, float denominator, float l1) {
    return -(w * denominator) - std::copysign(l1, w);
  }

  void Apply(float inverse_alpha, int64_t n, const float* __restrict g, float* __restrict w,
             float* __restrict state, float* __restrict squares) const {
    const float beta = beta_, l1 = l1_, l2 = l2_;
    for (int64_t i = 0; i < n; ++i) {
      const float before = std::sqrt(squares[i]);
      const float sum = squares[i] + g[i] * g[i];
      const float after = std::sqrt(sum);
      const float sigma = (after - before) * inverse_alpha;
      const float from_weight = State(w[i], (beta + before) * inverse_alpha + l2, l1);
      const float z = (w[i] == 0.0f ? state[i] : from_weight) + g[i] - sigma * w[i];
      const float denominator = (beta + after) * inverse_alpha + l2;
      const float value = -(z - std::copysign(l1, z)) / denominator;
      squares[i] = sum;
      state[i] = z;
      // The denominator is 0 only for beta = l2 = 0 and a weight that never had a gradient.
      const float next = std::abs(z) <= l1 ? 0.0f : value;
      w[i] = denominator == 0.0f ? w[i] : next;
    }
  }

  const double rate_;
  const float beta_, l1_, l2_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeFtrl(const proto::Ftrl& config) { return std::make_unique<Ftrl>(config); }

}  // namespace tandem
