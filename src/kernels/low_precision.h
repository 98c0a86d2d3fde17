// Kernels of low-precision serving: rows of a table pooled, and the layers of an MLP, in int8 or bfloat16.
//
//   const Int8Kernels& kernels = FindInt8Kernels(*FindKernels("auto").value());   // low_precision_variants.h
//   kernels.quantize(x, /*zero_point=*/128, codes, stride, scales);
//   kernels.gemm({codes, rows, stride, scales}, layer, y);
//
// Numerics. int8: y = relu(float(sum of products) * (row scale * column scale) + bias): the sum is of
// integers and exact, the rest rounds as it does in one fused multiply-add, so that all variants give the
// same bits. bfloat16: every output is one chain of float32 additions from the bias on, in pairs of the inner
// index, the odd one of a pair first: what vdpbf16ps does; products of two bfloat16 are exact. Denormal
// floats round to bfloat16 as zero. All variants give the same bits but where a sum itself is denormal
// (below 1.2e-38), which the instruction flushes to zero. Either way a row's result doesn't depend on the
// rows around it.
//
// Pure and thread-safe; nothing is allocated. Pointers need no alignment. The rules of src/kernels/table.h
// hold for the translation units behind these tables.
#ifndef TANDEM_SRC_KERNELS_LOW_PRECISION_H_
#define TANDEM_SRC_KERNELS_LOW_PRECISION_H_

#include <cstdint>

#include "tandem/matrix.h"

namespace tandem {

// Quantised activations: x(r, i) = scales[r] * (codes[r * stride + i] - zero point).
struct Int8Rows {
  const uint8_t* codes;
  int rows;
  int64_t stride;
  const float* scales;
};

// A dense layer: W(i, j) = scales[j] * code(i, j).
struct Int8Layer {
  const int8_t* packed;
  int64_t inputs, outputs;
  const int32_t* start;  // [outputs]: -zero point of the activations * sum over i of code(i, j)
  const float* scales;   // [outputs]
  const float* bias;     // [outputs]
};

struct Bf16Rows {
  const uint16_t* values;
  int rows;
  int64_t stride;  // in values
};

struct Bf16Layer {
  const uint16_t* packed;
  int64_t inputs, outputs;
  const float* bias;  // [outputs]
};

// The bags of some rows of one field, as places in a table of low precision. Bag r is the ids from
// offsets[r] - offsets[0] on, up to offsets[r + 1] - offsets[0].
struct LowPrecisionBags {
  const uint8_t* table;
  int64_t row_bytes;
  const uint32_t* places;     // of the ids' rows in the table
  const float* coefficients;  // of the ids
  const uint32_t* offsets;    // [rows + 1]
  int rows;
  int dim;
};

// Codes, and bfloat16 values, of a row of activations take a multiple of this many bytes: `quantize` and
// `round` write as far.
constexpr int64_t kCodeAlignment = 64;

// A row of an int8 table is dim codes, then their scale in bfloat16.
struct Int8Kernels {
  const char* name;
  int64_t (*packed_bytes)(int64_t inputs, int64_t outputs);
  // codes: [inputs, outputs] in -127 ... 127. `inputs` up to 66,000: larger sums would overflow.
  void (*pack)(const int8_t* codes, int64_t inputs, int64_t outputs, int8_t* packed);
  // codes = round(x / scale) + zero_point. Zero point 128: scale = max |x| / 127. Zero point 0, for x >= 0:
  // scale = max x / 255. A row below 1e-30 is zero, its scale too. Ties round to even.
  void (*quantize)(const ConstMatrix& x, int zero_point, uint8_t* codes, int64_t stride, float* scales);
  // y = relu(x W + bias), [x.rows, layer.outputs].
  void (*gemm)(const Int8Rows& x, const Int8Layer& layer, const Matrix& y);
  // out(r, d) = sum over the bag of (coefficient * scale) * code, by fused multiply-adds in the bag's order.
  void (*pool)(const LowPrecisionBags& bags, const Matrix& out);
  // sum_i x[i] y[i] in 16 chains of fused multiply-adds, which are then added by halves.
  float (*dot)(const float* x, const float* y, int64_t n);
};

// A row of a bfloat16 table is dim values.
struct Bf16Kernels {
  const char* name;
  int64_t (*packed_values)(int64_t inputs, int64_t outputs);
  void (*pack)(const uint16_t* values, int64_t inputs, int64_t outputs, uint16_t* packed);
  // Rounds to the nearest bfloat16, ties to even; denormals to zero.
  void (*round)(const ConstMatrix& x, uint16_t* values, int64_t stride);
  // y = relu(x W + bias)
  void (*gemm)(const Bf16Rows& x, const Bf16Layer& layer, const Matrix& y);
  // out(r, d) = sum over the bag of coefficient * value, by fused multiply-adds in the bag's order.
  void (*pool)(const LowPrecisionBags& bags, const Matrix& out);
  // What `round` makes of what `pool` gives, bit for bit, without the floats on the way. Writes `dim` values
  // a row.
  void (*pool_rounded)(const LowPrecisionBags& bags, uint16_t* values, int64_t stride);
  float (*dot)(const float* x, const float* y, int64_t n);  // as Int8Kernels::dot
};

extern const Int8Kernels kGenericInt8Kernels;
extern const Bf16Kernels kGenericBf16Kernels;
#if defined(__x86_64__)
extern const Int8Kernels kAvx2Int8Kernels;
extern const Int8Kernels kAvx512VnniKernels;
extern const Bf16Kernels kAvx2Bf16Kernels;
extern const Bf16Kernels kAvx512Bf16Kernels;
#endif

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_LOW_PRECISION_H_
