// Plain stochastic gradient descent.
#include "src/optim/factories.h"

namespace tandem {
namespace {

class Sgd : public Optimizer {
 public:
  explicit Sgd(const proto::Sgd& config) : rate_(config.lr()) {}

  int slots() const override { return 0; }
  double rate() const override { return rate_; }
  void Initialize(int64_t, const float*, float*, int64_t) const override {}

  void Update(const UpdateStep& step, int64_t n, const float* __restrict g, float* __restrict w, float*,
              int64_t) const override {
    const float rate = static_cast<float>(rate_ * step.rate_scale);
    for (int64_t i = 0; i < n; ++i) w[i] -= rate * g[i];
  }

 private:
  const double rate_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(const proto::Sgd& config) { return std::make_unique<Sgd>(config); }

}  // namespace tandem
