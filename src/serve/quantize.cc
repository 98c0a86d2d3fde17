#include "src/serve/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/kernels/low_precision_variants.h"
#include "src/serve/plain_student.h"

namespace tandem {
namespace {

template <class T>
void Append(const std::vector<T>& values, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace

QuantizedWeights QuantizeWeights(const float* weights, int inputs, int outputs) {
  QuantizedWeights quantized;
  quantized.scales.assign(outputs, 0);
  for (int i = 0; i < inputs; ++i) {
    for (int j = 0; j < outputs; ++j) {
      quantized.scales[j] = std::max(quantized.scales[j], std::abs(weights[int64_t{i} * outputs + j]));
    }
  }
  std::vector<float> inverses(outputs);
  for (int j = 0; j < outputs; ++j) {
    const float highest = quantized.scales[j];
    const bool zero = highest < 1e-30f;
    inverses[j] = zero ? 0 : 127 / highest;
    quantized.scales[j] = zero ? 0 : highest / 127;
  }
  quantized.codes.resize(static_cast<size_t>(inputs) * outputs);
  for (size_t k = 0; k < quantized.codes.size(); ++k) {
    const float code = std::nearbyint(weights[k] * inverses[k % outputs]);
    quantized.codes[k] = static_cast<int8_t>(std::clamp(code, -127.0f, 127.0f));
  }
  return quantized;
}

Precision BlockPrecision(const Tower& student, const ParameterBlock& block, Precision precision) {
  const bool low =
      IsPlainStudent(student) && !student.heads()->share_matrices() && block.kind == ParameterKind::kMatrix;
  return low ? precision : Precision::kF32;
}

int64_t EncodedBytes(const ParameterBlock& block, Precision precision) {
  if (precision == Precision::kInt8) return block.size + block.shape[1] * static_cast<int64_t>(sizeof(float));
  return block.size * (precision == Precision::kBf16 ? 2 : 4);
}

std::string EncodeWeights(const ParameterBlock& block, Precision precision, const float* weights) {
  std::string bytes;
  if (precision == Precision::kInt8) {
    const QuantizedWeights quantized = QuantizeWeights(weights, block.shape[0], block.shape[1]);
    Append(quantized.scales, &bytes);
    Append(quantized.codes, &bytes);
  } else if (precision == Precision::kBf16) {
    std::vector<uint16_t> values(block.size);
    std::transform(weights, weights + block.size, values.begin(), RoundToBf16);
    Append(values, &bytes);
  } else {
    bytes.assign(reinterpret_cast<const char*>(weights), block.size * sizeof(float));
  }
  return bytes;
}

void DecodeWeights(absl::string_view bytes, const ParameterBlock& block, Precision precision,
                   float* weights) {
  if (precision == Precision::kInt8) {
    std::vector<float> scales(block.shape[1]);
    std::memcpy(scales.data(), bytes.data(), scales.size() * sizeof(float));
    bytes.remove_prefix(scales.size() * sizeof(float));
    for (int64_t k = 0; k < block.size; ++k) {
      weights[k] = scales[k % block.shape[1]] * static_cast<float>(static_cast<int8_t>(bytes[k]));
    }
  } else if (precision == Precision::kBf16) {
    for (int64_t k = 0; k < block.size; ++k) {
      uint16_t value;
      std::memcpy(&value, bytes.data() + 2 * k, sizeof(value));
      weights[k] = FromBf16(value);
    }
  } else {
    std::memcpy(weights, bytes.data(), block.size * sizeof(float));
  }
}

}  // namespace tandem
