// First values of dense parameters.
//
//   InitializeNormal(seed, "teacher/mlp/0/weight", in * out, XavierDeviation(in, out), parameters + offset);
//
// A function of (seed, the block's name), never of what was initialized before: adding a student or a layer
// changes no other block's values.
#ifndef TANDEM_SRC_NN_INITIALIZE_H_
#define TANDEM_SRC_NN_INITIALIZE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace tandem {

// out[i] ~ N(0, deviation^2), i < n.
void InitializeNormal(uint64_t seed, absl::string_view name, int64_t n, double deviation, float* out);

// sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 12).
double XavierDeviation(int64_t fan_in, int64_t fan_out);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_INITIALIZE_H_
