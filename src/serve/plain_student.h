// A student without interactions, taken apart: what a scorer of its own packs and computes.
//
//   if (const auto student = FindPlainStudent(tower, parameters)) ... student->layers[0].weight ...
//
// The function is that of Tower (tandem/tower.h): logit = bias + linear sum + head . MLP(normalised x).
#ifndef TANDEM_SRC_SERVE_PLAIN_STUDENT_H_
#define TANDEM_SRC_SERVE_PLAIN_STUDENT_H_

#include <optional>
#include <vector>

#include "tandem/matrix.h"
#include "tandem/tower.h"

namespace tandem {

// Pointers look into the tower's parameters, which must outlive it.
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
};

// Whether the tower is but an MLP, perhaps with a linear part.
bool IsPlainStudent(const Tower& tower);

// Nothing where the tower isn't plain. `parameters` are the tower's own.
std::optional<PlainStudent> FindPlainStudent(const Tower& tower, const float* parameters);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_PLAIN_STUDENT_H_
