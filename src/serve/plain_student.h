// A student without interactions, taken apart: what a scorer of its own packs and computes.
//
//   for (const PlainStudent& head : PlainStudentsOf(tower, parameters)) ... head.layers[0].weight ...
//
// The function is that of Tower (tandem/tower.h): the mean over heads of
// logit = bias + linear sum + head . MLP(normalised x). A head of rank-one factors is folded into an MLP.
#ifndef TANDEM_SRC_SERVE_PLAIN_STUDENT_H_
#define TANDEM_SRC_SERVE_PLAIN_STUDENT_H_

#include <vector>

#include "tandem/matrix.h"
#include "tandem/tower.h"

namespace tandem {

// Of one head. Pointers look into the tower's parameters, which must outlive it, or into `folded`.
struct PlainStudent {
  struct Layer {
    int inputs, outputs;
    const float* weight;  // [inputs, outputs]
    const float* bias;    // [outputs]
  };

  int input_width() const { return layers.front().inputs; }
  int head_width() const { return layers.back().outputs; }

  // x reads as (x - mean) * scale, the bits of Mlp::Forward; empty where the input isn't normalised.
  AlignedFloats mean, scale;
  std::vector<Layer> layers;  // ReLU after each
  const float* head = nullptr;
  float bias = 0;
  AlignedFloats folded;  // empty, but of rank-one heads
};

// Whether the tower is but MLPs, perhaps with a linear part.
bool IsPlainStudent(const Tower& tower);

// One a head; empty where the tower isn't plain. `parameters` are the tower's own.
std::vector<PlainStudent> PlainStudentsOf(const Tower& tower, const float* parameters);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_PLAIN_STUDENT_H_
