// Kernels in int8 and bfloat16, against exact sums, in every variant.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/kernels/low_precision_variants.h"
#include "tests/support/random_floats.h"

namespace tandem {
namespace {

struct Shape {
  int rows, inputs, outputs;
};

// Tails of every kind: of the tile, of the vector, of the quads and pairs.
const Shape kShapes[] = {{1, 1, 1},   {1, 16, 16}, {2, 5, 3},    {3, 17, 33},  {7, 64, 65},
                         {8, 63, 48}, {9, 96, 47}, {13, 130, 1}, {64, 33, 80}, {5, 416, 128}};

std::vector<float> Random(int64_t n, uint64_t seed) {
  const AlignedFloats values = RandomFloats(n, seed);
  return {values.begin(), values.end()};
}

// Bits, so that -0 isn't 0, and NaN is itself.
std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

struct Codes {
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  int64_t stride;
};

Codes Quantize(const Int8Kernels& kernels, const std::vector<float>& x, int rows, int cols, int zero_point) {
  Codes result;
  result.stride = CodeStride(cols);
  result.codes.resize(rows * result.stride, 77);
  result.scales.resize(rows);
  kernels.quantize({x.data(), rows, cols, cols}, zero_point, result.codes.data(), result.stride,
                   result.scales.data());
  return result;
}

TEST(Int8KernelsTest, ActivationsGetTheNearestCode) {
  for (const Int8Kernels* kernels : AvailableInt8Kernels()) {
    for (const int zero_point : {0, 128}) {
      for (const Shape& s : kShapes) {
        std::vector<float> x = Random(int64_t{s.rows} * s.inputs, 1);
        for (float& value : x) value = zero_point == 0 ? std::abs(value) : value;
        std::fill_n(x.begin(), s.inputs, 0.0f);  // a row of zeros
        const Codes got = Quantize(*kernels, x, s.rows, s.inputs, zero_point);
        for (int r = 0; r < s.rows; ++r) {
          float highest = 0;
          for (int i = 0; i < s.inputs; ++i) highest = std::max(highest, std::abs(x[r * s.inputs + i]));
          const int top = zero_point == 0 ? 255 : 127;
          ASSERT_EQ(got.scales[r], highest / static_cast<float>(top)) << kernels->name;
          for (int i = 0; i < s.inputs; ++i) {
            const int code = got.codes[r * got.stride + i] - zero_point;
            ASSERT_LE(std::abs(code), top);
            const double expected = got.scales[r] == 0 ? 0 : x[r * s.inputs + i] / got.scales[r];
            ASSERT_NEAR(code, expected, 0.5001) << kernels->name << " row " << r << " column " << i;
          }
        }
      }
    }
  }
}

struct Layer {
  std::vector<int8_t> codes, packed;
  std::vector<int32_t> start;
  std::vector<float> scales, bias;
};

Layer RandomLayer(const Int8Kernels& kernels, const Shape& s, int zero_point) {
  Layer layer;
  for (const float value : Random(int64_t{s.inputs} * s.outputs, 2)) {
    layer.codes.push_back(static_cast<int8_t>(std::clamp(value * 80, -127.0f, 127.0f)));
  }
  layer.codes[0] = -127;
  layer.scales = Random(s.outputs, 3);
  layer.bias = Random(s.outputs, 4);
  layer.start.resize(s.outputs);
  for (size_t k = 0; k < layer.codes.size(); ++k) layer.start[k % s.outputs] -= zero_point * layer.codes[k];
  layer.packed.resize(kernels.packed_bytes(s.inputs, s.outputs));
  kernels.pack(layer.codes.data(), s.inputs, s.outputs, layer.packed.data());
  return layer;
}

TEST(Int8KernelsTest, ALayerIsTheExactSumScaledBitForBitInEveryVariant) {
  for (const Int8Kernels* kernels : AvailableInt8Kernels()) {
    for (const int zero_point : {0, 128}) {
      for (const Shape& s : kShapes) {
        const Layer layer = RandomLayer(*kernels, s, zero_point);
        Codes x = Quantize(*kernels, Random(int64_t{s.rows} * s.inputs, 5), s.rows, s.inputs, 128);
        for (int r = 0; r < s.rows; ++r) x.codes[r * x.stride] = 255;  // the largest products
        std::vector<float> got(s.rows * s.outputs), expected;
        kernels->gemm({x.codes.data(), s.rows, x.stride, x.scales.data()},
                      {layer.packed.data(), s.inputs, s.outputs, layer.start.data(), layer.scales.data(),
                       layer.bias.data()},
                      {got.data(), s.rows, s.outputs, s.outputs});
        for (int r = 0; r < s.rows; ++r) {
          for (int j = 0; j < s.outputs; ++j) {
            int32_t sum = 0;
            for (int i = 0; i < s.inputs; ++i) {
              sum += (x.codes[r * x.stride + i] - zero_point) * layer.codes[i * s.outputs + j];
            }
            const float scale = x.scales[r] * layer.scales[j];
            const float value = std::fma(static_cast<float>(sum), scale, layer.bias[j]);
            expected.push_back(value > 0 ? value : 0.0f);
          }
        }
        ASSERT_EQ(got, expected) << kernels->name << " " << s.rows << "x" << s.inputs << "x" << s.outputs;
      }
    }
  }
}

TEST(Int8KernelsTest, AllVariantsQuantizeAlike) {
  for (const Shape& s : kShapes) {
    const std::vector<float> x = Random(int64_t{s.rows} * s.inputs, 6);
    const Codes expected = Quantize(kGenericInt8Kernels, x, s.rows, s.inputs, 128);
    for (const Int8Kernels* kernels : AvailableInt8Kernels()) {
      const Codes got = Quantize(*kernels, x, s.rows, s.inputs, 128);
      EXPECT_EQ(got.scales, expected.scales) << kernels->name;
      for (int r = 0; r < s.rows; ++r) {
        for (int i = 0; i < s.inputs; ++i) {
          ASSERT_EQ(got.codes[r * got.stride + i], expected.codes[r * got.stride + i]) << kernels->name;
        }
      }
    }
  }
}

std::vector<uint16_t> Round(const Bf16Kernels& kernels, const std::vector<float>& x, int rows, int cols,
                            int64_t stride) {
  std::vector<uint16_t> values(rows * stride, 0x7fff);
  kernels.round({x.data(), rows, cols, cols}, values.data(), stride);
  return values;
}

TEST(Bf16KernelsTest, RoundingIsToTheNearestTiesToEven) {
  std::vector<float> x = Random(1000, 7);
  for (const uint32_t bits : {0x3f808000u, 0x3f818000u, 0x3f808001u, 0x80000001u, 0x007fffffu, 0x7f7fffffu,
                              0xff800000u, 0x80000000u}) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    x.push_back(value);
  }
  const int n = static_cast<int>(x.size());
  const int64_t stride = CodeStride(2 * n) / 2;
  for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
    const std::vector<uint16_t> got = Round(*kernels, x, 1, n, stride);
    for (int i = 0; i < n; ++i) ASSERT_EQ(got[i], RoundToBf16(x[i])) << kernels->name << " of " << x[i];
  }
  for (int i = 0; i < 1000; ++i) {
    const float down = FromBf16(RoundToBf16(x[i]) - 1), up = FromBf16(RoundToBf16(x[i]) + 1);
    const float error = std::abs(FromBf16(RoundToBf16(x[i])) - x[i]);
    EXPECT_LE(error, std::abs(down - x[i]));
    EXPECT_LE(error, std::abs(up - x[i]));
  }
}

TEST(Bf16KernelsTest, ALayerIsOneChainOddBeforeEvenBitForBitInEveryVariant) {
  for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
    for (const Shape& s : kShapes) {
      std::vector<uint16_t> weights;
      for (const float w : Random(int64_t{s.inputs} * s.outputs, 8)) weights.push_back(RoundToBf16(w));
      const std::vector<float> bias = Random(s.outputs, 9);
      std::vector<uint16_t> packed(kernels->packed_values(s.inputs, s.outputs));
      kernels->pack(weights.data(), s.inputs, s.outputs, packed.data());
      const int64_t stride = CodeStride(2 * s.inputs) / 2;
      const std::vector<uint16_t> x =
          Round(*kernels, Random(int64_t{s.rows} * s.inputs, 10), s.rows, s.inputs, stride);
      std::vector<float> got(s.rows * s.outputs), expected;
      kernels->gemm({x.data(), s.rows, stride}, {packed.data(), s.inputs, s.outputs, bias.data()},
                    {got.data(), s.rows, s.outputs, s.outputs});
      for (int r = 0; r < s.rows; ++r) {
        for (int j = 0; j < s.outputs; ++j) {
          float sum = bias[j];
          for (int i = 0; i < s.inputs; i += 2) {
            for (const int k : {i + 1, i}) {
              if (k < s.inputs) sum += FromBf16(x[r * stride + k]) * FromBf16(weights[k * s.outputs + j]);
            }
          }
          expected.push_back(sum > 0 ? sum : 0.0f);
        }
      }
      ASSERT_EQ(got, expected) << kernels->name << " " << s.rows << "x" << s.inputs << "x" << s.outputs;
    }
  }
}

// Bags of 0 to 3 ids over a table of 20 rows; the first bag's offset isn't 0.
struct Bags {
  explicit Bags(int rows) {
    const std::vector<float> values = Random(4 * rows, 11);
    offsets.push_back(5);
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < r % 4; ++i) {
        places.push_back((7 * r + 3 * i) % 20);
        coefficients.push_back(values[4 * r + i]);
      }
      offsets.push_back(5 + static_cast<uint32_t>(places.size()));
    }
  }
  std::vector<uint32_t> places, offsets;
  std::vector<float> coefficients;
};

// value(place, d) of the table, factor(place) of its scale.
template <class Value, class Factor>
std::vector<float> PoolReference(const Bags& bags, int rows, int dim, const Value& value,
                                 const Factor& factor) {
  std::vector<float> out(rows * dim);
  for (int r = 0; r < rows; ++r) {
    for (int d = 0; d < dim; ++d) {
      for (uint32_t i = bags.offsets[r] - 5; i < bags.offsets[r + 1] - 5; ++i) {
        const float c = bags.coefficients[i] * factor(bags.places[i]);
        out[r * dim + d] = std::fma(value(bags.places[i], d), c, out[r * dim + d]);
      }
    }
  }
  return out;
}

TEST(LowPrecisionKernelsTest, PoolingIsTheSumOverTheBagBitForBitInEveryVariant) {
  constexpr int kRows = 11;
  const Bags bags(kRows);
  for (const int dim : {1, 4, 7, 8, 15, 16, 17, 40}) {
    const int64_t int8_bytes = dim + 2 + 4, bf16_bytes = 2 * dim + 4;
    std::vector<uint8_t> int8_table(20 * int8_bytes), bf16_table(20 * bf16_bytes);
    const std::vector<float> values = Random(20 * dim, 12);
    const auto code = [&](uint32_t place, int d) {
      return static_cast<int8_t>(values[place * dim + d] * 40);
    };
    const auto scale = [&](uint32_t place) { return RoundToBf16(0.01f + static_cast<float>(place)); };
    const auto rounded = [&](uint32_t place, int d) { return RoundToBf16(values[place * dim + d]); };
    for (uint32_t place = 0; place < 20; ++place) {
      for (int d = 0; d < dim; ++d) {
        int8_table[place * int8_bytes + d] = static_cast<uint8_t>(code(place, d));
        const uint16_t value = rounded(place, d);
        std::memcpy(&bf16_table[place * bf16_bytes + 2 * d], &value, sizeof(value));
      }
      const uint16_t of_row = scale(place);
      std::memcpy(&int8_table[place * int8_bytes + dim], &of_row, sizeof(of_row));
    }
    std::vector<float> got(kRows * dim);
    const auto pool = [&](const auto& kernels, const std::vector<uint8_t>& table, int64_t row_bytes) {
      std::fill(got.begin(), got.end(), -1.0f);
      kernels.pool({table.data(), row_bytes, bags.places.data(), bags.coefficients.data(),
                    bags.offsets.data(), kRows, dim},
                   {got.data(), kRows, dim, dim});
    };
    const std::vector<float> int8_expected = PoolReference(
        bags, kRows, dim, [&](uint32_t p, int d) { return static_cast<float>(code(p, d)); },
        [&](uint32_t p) { return FromBf16(scale(p)); });
    for (const Int8Kernels* kernels : AvailableInt8Kernels()) {
      pool(*kernels, int8_table, int8_bytes);
      EXPECT_EQ(Bits(got), Bits(int8_expected)) << kernels->name << " int8, dim " << dim;
    }
    const std::vector<float> bf16_expected = PoolReference(
        bags, kRows, dim, [&](uint32_t p, int d) { return FromBf16(rounded(p, d)); },
        [](uint32_t) { return 1.0f; });
    for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
      pool(*kernels, bf16_table, bf16_bytes);
      EXPECT_EQ(Bits(got), Bits(bf16_expected)) << kernels->name << " bf16, dim " << dim;
    }
  }
}

TEST(LowPrecisionKernelsTest, PoolingRoundedIsPoolingThenRoundingBitForBit) {
  constexpr int kRows = 11, kBehind = 3, kStride = 64;
  constexpr uint16_t kUntouched = 0xbeef;
  // Of one id each, as it is; then bags of none, one and several.
  Bags single(kRows);
  single.places.clear();
  single.offsets.clear();
  for (int r = 0; r < kRows; ++r) single.places.push_back(r);
  for (int r = 0; r <= kRows; ++r) single.offsets.push_back(5 + r);
  single.coefficients.assign(kRows, 1.0f);
  for (const int dim : {1, 4, 7, 8, 15, 16, 17, 32, 40}) {
    const int64_t row_bytes = 2 * dim + 4;
    std::vector<uint8_t> table(20 * row_bytes);
    const std::vector<float> random = Random(20 * dim, 15);
    for (int i = 0; i < 20 * dim; ++i) {
      // Negative zeros and denormals, too: the sum makes them what rounding makes of them.
      const uint16_t value = i % 13 == 3 ? 0x8000 : i % 13 == 7 ? 0x8011 : RoundToBf16(random[i]);
      std::memcpy(&table[i / dim * row_bytes + 2 * (i % dim)], &value, sizeof(value));
    }
    for (const Bags& bags : {single, Bags(kRows)}) {
      for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
        const LowPrecisionBags of_table{
            table.data(), row_bytes, bags.places.data(), bags.coefficients.data(), bags.offsets.data(),
            kRows,        dim};
        std::vector<float> pooled(kRows * dim);
        kernels->pool(of_table, {pooled.data(), kRows, dim, dim});
        const std::vector<uint16_t> expected = Round(*kernels, pooled, kRows, dim, kStride);
        const int stride = dim + kBehind;
        std::vector<uint16_t> got(kRows * stride, kUntouched);
        kernels->pool_rounded(of_table, got.data(), stride);
        for (int i = 0; i < kRows * stride; ++i) {
          const int r = i / stride, d = i % stride;
          ASSERT_EQ(got[i], d < dim ? expected[r * kStride + d] : kUntouched)
              << kernels->name << ", dim " << dim << ", row " << r << ", column " << d;
        }
      }
    }
  }
}

TEST(LowPrecisionKernelsTest, TheReadOutHasSixteenChainsInEveryVariant) {
  for (const int n : {0, 1, 15, 16, 17, 64, 71}) {
    const std::vector<float> x = Random(n + 1, 13), y = Random(n + 1, 14);
    float chains[16] = {};
    for (int i = 0; i < n; ++i) chains[i % 16] = std::fma(x[i], y[i], chains[i % 16]);
    for (int half = 8; half > 0; half /= 2) {
      for (int c = 0; c < half; ++c) chains[c] += chains[c + half];
    }
    for (const Int8Kernels* kernels : AvailableInt8Kernels()) {
      EXPECT_EQ(kernels->dot(x.data(), y.data(), n), chains[0]) << kernels->name << " " << n;
    }
    for (const Bf16Kernels* kernels : AvailableBf16Kernels()) {
      EXPECT_EQ(kernels->dot(x.data(), y.data(), n), chains[0]) << kernels->name << " " << n;
    }
  }
}

TEST(LowPrecisionKernelsTest, EveryFloat32VariantHasItsOwn) {
  for (const Kernels* kernels : AvailableKernels()) {
    const std::string name = kernels->name();
    const std::string int8 = FindInt8Kernels(*kernels).name, bf16 = FindBf16Kernels(*kernels).name;
    if (name == "avx512") {
      EXPECT_TRUE(int8 == "avx512vnni" || int8 == "avx2") << int8;
      EXPECT_TRUE(bf16 == "avx512bf16" || bf16 == "avx2") << bf16;
    } else {
      EXPECT_EQ(int8, name);
      EXPECT_EQ(bf16, name);
    }
  }
}

}  // namespace
}  // namespace tandem
