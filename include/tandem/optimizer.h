// Optimizers: SGD, Adagrad, Adam and FTRL-proximal, for dense vectors and for embedding rows alike.
//
//   std::unique_ptr<Optimizer> optimizer = MakeOptimizer(config);
//   float slots[2 * n];                                           // optimizer->slots() floats a weight
//   optimizer->Initialize(n, w, slots, /*slot_stride=*/n);
//   optimizer->Update({/*rate_scale=*/1, /*step=*/1}, n, g, w, slots, n);
//
// An optimizer is a constant: all state is in the slots, slot k of weight i at slots[k * slot_stride + i],
// owned by the caller. Thread-safe on disjoint weights. Element by element: a weight's new value depends on
// nothing but its own state and gradient, so that splitting a vector among threads changes no bit. A rate of
// 0 changes no weight.
//
// Between updates the caller may change weights (weight decay): every optimizer goes on from the weight that
// it finds. The formulas, and which papers they are of, are in experiment.proto.
#ifndef TANDEM_OPTIMIZER_H_
#define TANDEM_OPTIMIZER_H_

#include <cstdint>
#include <memory>
#include <string>

namespace tandem {

namespace proto {
class Optimizer;
class Schedule;
}  // namespace proto

struct UpdateStep {
  // Multiplies the configured rate: schedule, distill.lr_multiplier.
  double rate_scale = 1;
  // Updates of these weights so far, this one included, from 1: Adam's bias correction. A lazily updated row
  // counts its own.
  int64_t step = 1;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Floats of state a weight.
  virtual int slots() const = 0;
  // Whether an update depends on how many there were of its weights (UpdateStep::step): what updates rows
  // lazily keeps a count of each.
  virtual bool counts_updates() const { return false; }
  // The configured rate, before rate_scale.
  virtual double rate() const = 0;
  // First values of the slots for weights that hold their first values (Adagrad's accumulator; FTRL's z, so
  // that its state reproduces w).
  virtual void Initialize(int64_t n, const float* w, float* slots, int64_t slot_stride) const = 0;
  // One update of n weights with gradient g.
  virtual void Update(const UpdateStep& step, int64_t n, const float* g, float* w, float* slots,
                      int64_t slot_stride) const = 0;
};

// Builds the optimizer that `config` names (validated before); of muon, which moves whole matrices,
// the adam that moves all else.
std::unique_ptr<Optimizer> MakeOptimizer(const proto::Optimizer& config);

// The factor of the learning rate at `step`, counted from 1. Step s of the warm-up has s / warmup_steps; the
// first step after it has 1, and the step that comes decay_steps later, and all that follow, `final`
// (EXPONENTIAL goes on decaying). Without decay_steps there is no decay.
double ScheduleFactor(const proto::Schedule& schedule, int64_t step);

}  // namespace tandem

#endif  // TANDEM_OPTIMIZER_H_
