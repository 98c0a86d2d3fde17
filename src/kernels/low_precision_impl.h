// The low-precision kernels for any vector type V: a struct in the anonymous namespace of its translation
// unit, as in tile.h. Beside the float operations of tile.h it has MaxMagnitude, HighestLane and
//
//   for Int8Impl: Ints; LoadInts, LoadFirstInts, ToFloats; Left BroadcastQuad, Right LoadQuads and
//     DotQuads(sum, left, right): the sum of four products of unsigned by signed bytes in each lane of int32;
//     StoreCodes(p, x, inverse, shift): the low bytes of the floats x * inverse + shift; LoadCodes
//   for Bf16Impl: LeftPair BroadcastPair, RightPair LoadPairs, DotPairs(sum, left, right): the odd product,
//     then the even one, added to each lane; StoreBf16, LoadBf16
//   kTileRows, MaxTileVectors(rows)     tile sizes that its registers hold
//
// Weights are packed in panels one vector wide: panel[i / 4][lane][i % 4] of bytes, panel[i / 2][lane][i % 2]
// of bfloat16, padded with zeros.
#ifndef TANDEM_SRC_KERNELS_LOW_PRECISION_IMPL_H_
#define TANDEM_SRC_KERNELS_LOW_PRECISION_IMPL_H_

#include <cstdint>

#include "src/kernels/low_precision.h"
#include "src/kernels/tile.h"

namespace tandem {

template <class V>
struct LowPrecisionImpl : Tiles<V> {
  using Base = Tiles<V>;
  using Reg = typename V::Reg;
  using Split = typename Base::Split;
  static constexpr int kWidth = V::kWidth;

  // Added to a float up to 2^22 this rounds it to an integer, which is then in the low bits.
  static constexpr float kRounder = 12582912;  // 1.5 * 2^23

  static int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

  // Panels of `unit` inner indices side by side.
  template <class T>
  static void PackPanels(const T* values, int64_t inputs, int64_t outputs, int64_t unit, T* packed) {
    for (int64_t column = 0; column < outputs; column += kWidth) {
      for (int64_t i = 0; i < inputs; i += unit) {
        for (int64_t lane = 0; lane < kWidth; ++lane) {
          for (int64_t u = 0; u < unit; ++u) {
            const bool inside = i + u < inputs && column + lane < outputs;
            *packed++ = inside ? values[(i + u) * outputs + column + lane] : static_cast<T>(0);
          }
        }
      }
    }
  }

  // Calls tile(rows, vectors, row, column, last_lanes), the first two constants, for tiles that cover [rows,
  // outputs]; the weights of a group of panels stay in the cache while all rows pass.
  template <class F>
  TANDEM_INLINE void ForTiles(int64_t rows, int64_t outputs, const F& tile) {
    if (rows == 0) return;
    const Split tiles = Split::Of(rows, V::kTileRows);
    const int height = static_cast<int>((rows + tiles.pieces - 1) / tiles.pieces);
    const Split groups = Split::Of((outputs + kWidth - 1) / kWidth, V::MaxTileVectors(height));
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t panel = groups.Begin(g);
      const int vectors = static_cast<int>(groups.Begin(g + 1) - panel);
      const int64_t column = panel * kWidth;
      const int64_t last_lanes = Base::Min(kWidth, outputs - column - (vectors - 1) * kWidth);
      for (int64_t t = 0; t < tiles.pieces; ++t) {
        const int64_t row = tiles.Begin(t);
        Base::template WithConstant<V::kTileRows>(
            static_cast<int>(tiles.Begin(t + 1) - row), [&](auto tile_rows) __attribute__((always_inline)) {
              Base::template WithConstant<V::MaxTileVectors(decltype(tile_rows)::value)>(
                  vectors, [&](auto tile_vectors) __attribute__((always_inline)) {
                    tile(tile_rows, tile_vectors, row, column, last_lanes);
                  });
            });
      }
    }
  }

  static float Dot(const float* x, const float* y, int64_t n) {
    constexpr int kChains = 16 / kWidth;
    Reg sum[kChains];
    TANDEM_UNROLL for (int c = 0; c < kChains; ++c) sum[c] = V::Zero();
    for (int64_t i = 0; i < n; i += 16) {
      TANDEM_UNROLL for (int c = 0; c < kChains; ++c) {
        const int64_t begin = i + c * kWidth;
        if (begin < n) {
          sum[c] =
              V::Fma(Base::LoadLanes(x + begin, n - begin), Base::LoadLanes(y + begin, n - begin), sum[c]);
        }
      }
    }
    TANDEM_UNROLL for (int half = kChains / 2; half > 0; half /= 2) {
      TANDEM_UNROLL for (int c = 0; c < half; ++c) sum[c] = V::Add(sum[c], sum[c + half]);
    }
    return V::Sum(sum[0]);
  }

  // Pool for the usual dims, the sums in registers; the same additions in the same order. store(row, column,
  // sum, lanes).
  template <int64_t kDim, class Factor, class Load, class Store>
  TANDEM_INLINE void PoolOf(const LowPrecisionBags& bags, const Factor& factor, const Load& load,
                            const Store& store) {
    constexpr int kVectors = kDim / kWidth;
    static_assert(kVectors * kWidth == kDim);
    const int64_t first = bags.offsets[0];
    for (int64_t r = 0; r < bags.rows; ++r) {
      Reg sum[kVectors];
      TANDEM_UNROLL for (int u = 0; u < kVectors; ++u) sum[u] = V::Zero();
      for (int64_t i = bags.offsets[r] - first; i < bags.offsets[r + 1] - first; ++i) {
        const uint8_t* row = bags.table + bags.places[i] * bags.row_bytes;
        const float c = factor(row, bags.coefficients[i]);
        TANDEM_UNROLL for (int u = 0; u < kVectors; ++u) {
          sum[u] = V::Fma(load(row, u * kWidth, kWidth), V::Broadcast(&c), sum[u]);
        }
      }
      TANDEM_UNROLL for (int u = 0; u < kVectors; ++u) store(r, u * kWidth, sum[u], kWidth);
    }
  }

  // Stores, of row r from column d on, the sum over the bag's items of factor(row, coefficient) * load(row +
  // d).
  template <class Factor, class Load, class Store>
  TANDEM_INLINE void PoolTo(const LowPrecisionBags& bags, const Factor& factor, const Load& load,
                            const Store& store) {
    if (bags.dim == 16) return PoolOf<16>(bags, factor, load, store);
    if (bags.dim == 32) return PoolOf<32>(bags, factor, load, store);
    const int64_t first = bags.offsets[0];
    for (int64_t r = 0; r < bags.rows; ++r) {
      for (int64_t d = 0; d < bags.dim; d += kWidth) {
        Reg sum = V::Zero();
        const int64_t lanes = bags.dim - d;
        for (int64_t i = bags.offsets[r] - first; i < bags.offsets[r + 1] - first; ++i) {
          const uint8_t* row = bags.table + bags.places[i] * bags.row_bytes;
          const float c = factor(row, bags.coefficients[i]);
          sum = V::Fma(load(row, d, lanes), V::Broadcast(&c), sum);
        }
        store(r, d, sum, lanes);
      }
    }
  }

  // The sums as floats.
  template <class Factor, class Load>
  TANDEM_INLINE void Pool(const LowPrecisionBags& bags, const Matrix& out, const Factor& factor,
                          const Load& load) {
    PoolTo(
        bags, factor, load, [&](int64_t r, int64_t d, Reg sum, int64_t lanes) __attribute__((always_inline)) {
          float* const to = out.data + r * out.stride + d;
          if (lanes >= kWidth) return V::Store(to, sum);
          V::StoreFirst(to, sum, static_cast<int>(lanes));
        });
  }

  // The first `lanes` values where there are fewer than a vector's.
  template <class T>
  TANDEM_INLINE void CopyFirst(const T* from, int64_t lanes, T (&to)[kWidth]) {
    for (int64_t i = 0; i < kWidth; ++i) to[i] = i < lanes ? from[i] : static_cast<T>(0);
  }
};

template <class V>
struct Int8Impl : LowPrecisionImpl<V> {
  using Base = LowPrecisionImpl<V>;
  using Reg = typename V::Reg;
  using Ints = typename V::Ints;
  static constexpr int kWidth = V::kWidth;

  static int64_t PackedBytes(int64_t inputs, int64_t outputs) {
    return Base::RoundUp(inputs, 4) * Base::RoundUp(outputs, kWidth);
  }
  static void Pack(const int8_t* codes, int64_t inputs, int64_t outputs, int8_t* packed) {
    Base::PackPanels(codes, inputs, outputs, 4, packed);
  }

  // Four chains: one would wait for its own latency.
  TANDEM_INLINE float Magnitude(const float* row, int64_t n) {
    Reg highest[4] = {V::Zero(), V::Zero(), V::Zero(), V::Zero()};
    int64_t i = 0;
    for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
      TANDEM_UNROLL for (int u = 0; u < 4; ++u) {
        highest[u] = V::MaxMagnitude(highest[u], V::Load(row + i + u * kWidth));
      }
    }
    for (; i < n; i += kWidth) highest[0] = V::MaxMagnitude(highest[0], Base::LoadLanes(row + i, n - i));
    const Reg low = V::MaxMagnitude(highest[0], highest[1]);
    return V::HighestLane(V::MaxMagnitude(low, V::MaxMagnitude(highest[2], highest[3])));
  }

  // Some rows at a time, so that the second pass finds them in the cache.
  static void Quantize(const ConstMatrix& x, int zero_point, uint8_t* codes, int64_t stride, float* scales) {
    constexpr int64_t kRows = 8;
    const auto highest_code = static_cast<float>(zero_point == 0 ? 255 : 127);
    const float shift = Base::kRounder + static_cast<float>(zero_point);
    const Reg shifts = V::Broadcast(&shift);
    const int64_t cols = x.cols;  // a copy: for all that the compiler knows, codes are written over x
    for (int64_t first = 0; first < x.rows; first += kRows) {
      const int64_t rows = Base::Min(kRows, x.rows - first);
      float magnitudes[kRows], inverses[kRows];
      for (int64_t r = 0; r < rows; ++r) magnitudes[r] = Magnitude(x.data + (first + r) * x.stride, x.cols);
      for (int64_t r = 0; r < rows; ++r) {
        const bool zero = magnitudes[r] < 1e-30f;
        scales[first + r] = zero ? 0 : magnitudes[r] / highest_code;
        inverses[r] = zero ? 0 : highest_code / magnitudes[r];
      }
      for (int64_t r = 0; r < rows; ++r) {
        const float* row = x.data + (first + r) * x.stride;
        uint8_t* row_codes = codes + (first + r) * stride;
        const Reg inverse = V::Broadcast(inverses + r);
        int64_t i = 0;
        for (; i + 4 * kWidth <= cols; i += 4 * kWidth) {
          TANDEM_UNROLL for (int u = 0; u < 4; ++u) {
            V::StoreCodes(row_codes + i + u * kWidth, V::Load(row + i + u * kWidth), inverse, shifts);
          }
        }
        for (; i < cols; i += kWidth) {
          V::StoreCodes(row_codes + i, Base::LoadLanes(row + i, cols - i), inverse, shifts);
        }
      }
    }
  }

  TANDEM_INLINE Ints LoadIntLanes(const int32_t* p, int64_t lanes) {
    return lanes >= kWidth ? V::LoadInts(p) : V::LoadFirstInts(p, static_cast<int>(lanes));
  }

  template <int rows, int vectors>
  [[gnu::noinline]] static void Tile(const Int8Layer& layer, const uint8_t* codes, int64_t stride,
                                     const float* row_scales, int64_t column, int64_t last_lanes, float* y,
                                     int64_t y_stride) {
    const int64_t quads = (layer.inputs + 3) / 4;
    const int8_t* panels = layer.packed + column * quads * 4;
    Ints sum[rows][vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const Ints start =
          LoadIntLanes(layer.start + column + v * kWidth, v + 1 < vectors ? kWidth : last_lanes);
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) sum[r][v] = start;
    }
    for (int64_t s = 0; s < quads; ++s) {
      typename V::Right right[vectors];
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        right[v] = V::LoadQuads(panels + (v * quads + s) * 4 * kWidth);
      }
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const typename V::Left left = V::BroadcastQuad(codes + r * stride + 4 * s);
        TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::DotQuads(sum[r][v], left, right[v]);
      }
    }
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      const int64_t j = column + v * kWidth;
      const Reg scales = Base::LoadLanes(layer.scales + j, lanes);
      const Reg bias = Base::LoadLanes(layer.bias + j, lanes);
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const Reg scale = V::Mul(V::Broadcast(row_scales + r), scales);
        const Reg value = V::Relu(V::Fma(V::ToFloats(sum[r][v]), scale, bias));
        Base::StoreLanes(y + r * y_stride + v * kWidth, value, lanes);
      }
    }
  }

  static void Gemm(const Int8Rows& x, const Int8Layer& layer, const Matrix& y) {
    Base::ForTiles(
        x.rows, layer.outputs,
        [&](auto rows, auto vectors, int64_t row, int64_t column, int64_t last_lanes)
            __attribute__((always_inline)) {
              Tile<decltype(rows)::value, decltype(vectors)::value>(
                  layer, x.codes + row * x.stride, x.stride, x.scales + row, column, last_lanes,
                  y.data + row * y.stride + column, y.stride);
            });
  }

  static void Pool(const LowPrecisionBags& bags, const Matrix& out) {
    const int64_t dim = bags.dim;
    Base::Pool(
        bags, out,
        [dim](const uint8_t* row, float coefficient) __attribute__((always_inline)) {
          uint16_t bf16;
          __builtin_memcpy(&bf16, row + dim, sizeof(bf16));
          const uint32_t bits = static_cast<uint32_t>(bf16) << 16;
          float scale;
          __builtin_memcpy(&scale, &bits, sizeof(scale));
          return coefficient * scale;
        },
        [](const uint8_t* row, int64_t d, int64_t lanes) __attribute__((always_inline)) {
          const auto* codes = reinterpret_cast<const int8_t*>(row) + d;
          if (lanes >= kWidth) return V::LoadCodes(codes);
          int8_t first[kWidth];
          Base::CopyFirst(codes, lanes, first);
          return V::LoadCodes(first);
        });
  }
};

template <class V>
struct Bf16Impl : LowPrecisionImpl<V> {
  using Base = LowPrecisionImpl<V>;
  using Reg = typename V::Reg;
  static constexpr int kWidth = V::kWidth;

  static int64_t PackedValues(int64_t inputs, int64_t outputs) {
    return Base::RoundUp(inputs, 2) * Base::RoundUp(outputs, kWidth);
  }
  static void Pack(const uint16_t* values, int64_t inputs, int64_t outputs, uint16_t* packed) {
    Base::PackPanels(values, inputs, outputs, 2, packed);
  }

  static void Round(const ConstMatrix& x, uint16_t* values, int64_t stride) {
    for (int64_t r = 0; r < x.rows; ++r) {
      const float* row = x.data + r * x.stride;
      for (int64_t i = 0; i < x.cols; i += kWidth) {
        V::StoreBf16(values + r * stride + i, Base::LoadLanes(row + i, x.cols - i));
      }
    }
  }

  template <int rows, int vectors>
  [[gnu::noinline]] static void Tile(const Bf16Layer& layer, const uint16_t* x, int64_t stride,
                                     int64_t column, int64_t last_lanes, float* y, int64_t y_stride) {
    const int64_t pairs = (layer.inputs + 1) / 2;
    const uint16_t* panels = layer.packed + column * pairs * 2;
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const Reg start =
          Base::LoadLanes(layer.bias + column + v * kWidth, v + 1 < vectors ? kWidth : last_lanes);
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) sum[r][v] = start;
    }
    for (int64_t s = 0; s < pairs; ++s) {
      typename V::RightPair right[vectors];
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        right[v] = V::LoadPairs(panels + (v * pairs + s) * 2 * kWidth);
      }
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const typename V::LeftPair left = V::BroadcastPair(x + r * stride + 2 * s);
        TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::DotPairs(sum[r][v], left, right[v]);
      }
    }
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        Base::StoreLanes(y + r * y_stride + v * kWidth, V::Relu(sum[r][v]), lanes);
      }
    }
  }

  static void Gemm(const Bf16Rows& x, const Bf16Layer& layer, const Matrix& y) {
    Base::ForTiles(
        x.rows, layer.outputs,
        [&](auto rows, auto vectors, int64_t row, int64_t column, int64_t last_lanes)
            __attribute__((always_inline)) {
              Tile<decltype(rows)::value, decltype(vectors)::value>(
                  layer, x.values + row * x.stride, x.stride, column, last_lanes,
                  y.data + row * y.stride + column, y.stride);
            });
  }

  struct CoefficientOf {
    [[gnu::always_inline]] float operator()(const uint8_t* /*row*/, float coefficient) const {
      return coefficient;
    }
  };
  struct LoadValues {
    [[gnu::always_inline]] Reg operator()(const uint8_t* row, int64_t d, int64_t lanes) const {
      const uint8_t* values = row + 2 * d;
      if (lanes >= kWidth) return V::LoadBf16(values);
      uint8_t first[2 * kWidth];
      for (int64_t i = 0; i < 2 * kWidth; ++i) first[i] = i < 2 * lanes ? values[i] : 0;
      return V::LoadBf16(first);
    }
  };

  static void Pool(const LowPrecisionBags& bags, const Matrix& out) {
    Base::Pool(bags, out, CoefficientOf(), LoadValues());
  }

  // Lanes beyond the last ones belong to another field.
  static void PoolRounded(const LowPrecisionBags& bags, uint16_t* values, int64_t stride) {
    Base::PoolTo(
        bags, CoefficientOf(),
        LoadValues(), [&](int64_t r, int64_t d, Reg sum, int64_t lanes) __attribute__((always_inline)) {
          uint16_t* const to = values + r * stride + d;
          if (lanes >= kWidth) return V::StoreBf16(to, sum);
          uint16_t all[kWidth];
          V::StoreBf16(all, sum);
          for (int64_t i = 0; i < lanes; ++i) to[i] = all[i];
        });
  }
};

template <class V>
constexpr Int8Kernels Int8TableOf(const char* name) {
  return {name,
          Int8Impl<V>::PackedBytes,
          Int8Impl<V>::Pack,
          Int8Impl<V>::Quantize,
          Int8Impl<V>::Gemm,
          Int8Impl<V>::Pool,
          Int8Impl<V>::Dot};
}

template <class V>
constexpr Bf16Kernels Bf16TableOf(const char* name) {
  return {name,
          Bf16Impl<V>::PackedValues,
          Bf16Impl<V>::Pack,
          Bf16Impl<V>::Round,
          Bf16Impl<V>::Gemm,
          Bf16Impl<V>::Pool,
          Bf16Impl<V>::PoolRounded,
          Bf16Impl<V>::Dot};
}

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_LOW_PRECISION_IMPL_H_
