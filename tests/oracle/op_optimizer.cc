// Oracle cases of the optimizers.
#include <glog/logging.h>

#include <memory>
#include <string>

#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"
#include "tests/oracle/ops.h"

namespace tandem {
namespace {

proto::Optimizer Config(const nlohmann::json& settings) {
  const auto number = [&](const char* name) { return settings.at(name).get<double>(); };
  const std::string kind = settings.at("kind").get<std::string>();
  proto::Optimizer config;
  if (kind == "adagrad") {
    config.mutable_adagrad()->set_lr(number("lr"));
    config.mutable_adagrad()->set_initial_accumulator(number("initial_accumulator"));
    config.mutable_adagrad()->set_epsilon(number("epsilon"));
  } else if (kind == "adam") {
    config.mutable_adam()->set_lr(number("lr"));
    config.mutable_adam()->set_beta1(number("beta1"));
    config.mutable_adam()->set_beta2(number("beta2"));
    config.mutable_adam()->set_epsilon(number("epsilon"));
  } else {
    CHECK_EQ(kind, "ftrl");
    config.mutable_ftrl()->set_lr(number("alpha"));
    config.mutable_ftrl()->set_beta(number("beta"));
    config.mutable_ftrl()->set_l1(number("l1"));
    config.mutable_ftrl()->set_l2(number("l2"));
  }
  return config;
}

}  // namespace

void CheckOptimizer(const OracleCase& oracle) {
  const std::unique_ptr<Optimizer> optimizer = MakeOptimizer(Config(oracle.config()));
  const AlignedFloats gradients = oracle.array("inputs", "grads").floats();
  AlignedFloats weights = oracle.array("params", "w").floats();
  const int64_t n = static_cast<int64_t>(weights.size());
  AlignedFloats slots(optimizer->slots() * n), trace;
  optimizer->Initialize(n, weights.data(), slots.data(), n);
  for (int64_t step = 1; step * n <= static_cast<int64_t>(gradients.size()); ++step) {
    UpdateStep update;
    update.step = step;
    optimizer->Update(update, n, gradients.data() + (step - 1) * n, weights.data(), slots.data(), n);
    trace.insert(trace.end(), weights.begin(), weights.end());
  }
  ExpectOracle("trace", oracle.array("outputs", "trace"), trace);
}

}  // namespace tandem
