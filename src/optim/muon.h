// Muon: a weight matrix moves as a whole, by its momentum made orthogonal.
//
//   const Muon muon(config, kernels);
//   std::vector<float> scratch(muon.ScratchFloats(inputs, outputs));
//   muon.Update({.rate_scale = 1, .step = 1}, inputs, outputs, g, w, slots, slot_stride, scratch.data());
//
// With G the gradient, M the momentum and mu its decay (Jordan et al. 2024, "Muon: an optimizer for hidden
// layers"; the rate's scale is Liu et al. 2025, "Muon is scalable for LLM training", eq. 4):
//
//   M <- mu M + (1 - mu) G
//   U <- NewtonSchulz(mu M + (1 - mu) G)      with M = P S Q^T about P Q^T: all directions count alike
//   W <- W - lr * 0.2 sqrt(max(inputs, outputs)) U
//
// which makes the root mean square of a step what Adam's is, some 0.2 lr. One Newton-Schulz step is
// X <- a X + b (X X^T) X + c (X X^T)^2 X; here the Gram matrix of the smaller side is carried along, so that
// a step costs four products of that side and X itself is touched twice. It begins at X / |X X^T|^(1/2), in
// Frobenius' norm: closer to 1 than the published X / |X|, and no singular value is above 1 there either. So
// two steps do what three did.
//
// The slots are Adam's two, laid out as Optimizer's: first moment (with mu for beta1) and second moment, kept
// though not read, so that Adam can go on from them. A constant; thread-safe on disjoint matrices. Bits are
// those of the kernels' variant. Allocates nothing.
#ifndef TANDEM_SRC_OPTIM_MUON_H_
#define TANDEM_SRC_OPTIM_MUON_H_

#include <cstdint>
#include <memory>

#include "tandem/kernels.h"
#include "tandem/optimizer.h"

namespace tandem {

namespace proto {
class Muon;
class Optimizer;
}  // namespace proto

class Muon {
 public:
  // The second moment is that of config.adam. `kernels` outlive this.
  Muon(const proto::Muon& config, const Kernels& kernels);

  // What Update needs for a matrix of this shape.
  int64_t ScratchFloats(int inputs, int outputs) const;
  // One update. g, w: [inputs, outputs], row-major. A gradient of zeros, from the first on, moves nothing.
  void Update(const UpdateStep& step, int inputs, int outputs, const float* g, float* w, float* slots,
              int64_t slot_stride, float* scratch) const;

 private:
  const double rate_;
  const int iterations_;
  const float momentum_, beta2_;
  const Kernels& kernels_;
};

// What moves whole matrices where `config` asks for it, null where it doesn't: there MakeOptimizer's moves
// all.
std::unique_ptr<const Muon> MakeMuon(const proto::Optimizer& config, const Kernels& kernels);

}  // namespace tandem

#endif  // TANDEM_SRC_OPTIM_MUON_H_
