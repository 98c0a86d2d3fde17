// Weights in low precision, and on their way to and from a bundle's graph.
#ifndef TANDEM_SRC_SERVE_QUANTIZE_H_
#define TANDEM_SRC_SERVE_QUANTIZE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/parameters.h"
#include "tandem/precision.h"
#include "tandem/tower.h"

namespace tandem {

// W(i, j) = scales[j] * codes[i * outputs + j], codes in -127 ... 127.
struct QuantizedWeights {
  std::vector<int8_t> codes;
  std::vector<float> scales;
};

// The largest magnitude of an output's weights gets the code 127; ties round to even.
QuantizedWeights QuantizeWeights(const float* weights, int inputs, int outputs);

// What a block of the student's parameters is stored in where the bundle is of `precision`: that for the
// matrices of a student that MakeStudentScorer can serve, float32 for everything else. A matrix that heads
// share is float32, too: it is the product with their factors that is served, and rounded when it is loaded.
Precision BlockPrecision(const Tower& student, const ParameterBlock& block, Precision precision);

// A matrix of weights as bytes: float32; bfloat16; or the scales of its outputs in float32, then int8 codes.
// Little-endian, row-major.
std::string EncodeWeights(const ParameterBlock& block, Precision precision, const float* weights);
int64_t EncodedBytes(const ParameterBlock& block, Precision precision);
// The floats that the bytes stand for; there are EncodedBytes of them.
void DecodeWeights(absl::string_view bytes, const ParameterBlock& block, Precision precision, float* weights);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_QUANTIZE_H_
