// The register tile of bfloat16 products (bf16_products.h): sums of pairs, for any vector type V.
//
// A float of a packed matrix is a pair of bfloat16 whose inner indices follow each other. Beside what tile.h
// asks for, V has
//   Interleaved(even, odd)      a register whose lane l is the pair (even[l], odd[l]), rounded
//   Adjacent(first, second)     one whose lanes are the pairs of the 2 * kWidth floats, rounded, in order
//   BroadcastPair, LoadPairs, DotPairs     as low_precision_impl.h has them
//   kTiles                      whether it multiplies by registers of tiles instead, and then
//   TileProduct(steps, a, a_row, b, b_step, b_vector, vectors, sums)     sums [16][32] += a . b
//
// With tiles the left factors lie row by row, and steps are a multiple of kTileSteps, zeros at the end.
#ifndef TANDEM_SRC_KERNELS_BF16_TILE_H_
#define TANDEM_SRC_KERNELS_BF16_TILE_H_

#include <cstdint>

#include "src/kernels/tile.h"

namespace tandem {

template <class V>
struct Bf16Tiles : Tiles<V> {
  using Base = Tiles<V>;
  using Reg = typename V::Reg;
  static constexpr int kWidth = V::kWidth;
  static_assert(V::kRows <= kWidth, "a column of a tile fits a register");

  TANDEM_INLINE int64_t PairsOf(int64_t n) { return (n + 1) / 2; }
  TANDEM_INLINE int64_t RoundUp(int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }

  static constexpr int64_t kTileSteps = 16;
  // Steps of a sum over n inner indices, as they are packed.
  TANDEM_INLINE int64_t StepsOf(int64_t n) {
    const int64_t pairs = PairsOf(n);
    return V::kTiles ? (pairs + kTileSteps - 1) / kTileSteps * kTileSteps : pairs;
  }
  // From a left factor's step to the next, where its rows are packed side by side: with tiles, from row to
  // row.
  TANDEM_INLINE int64_t LeftStride(int64_t rows, int64_t steps) { return V::kTiles ? steps : rows; }
  // Zeros for the steps that fill the last tile up: rows of `floats`.
  TANDEM_INLINE void FillSteps(int64_t n, int64_t floats, float* rows) {
    for (int64_t i = PairsOf(n) * floats; i < StepsOf(n) * floats; i += kWidth) V::Store(rows + i, V::Zero());
  }

  // As LoadLanes, of any number of lanes: none are zeros.
  TANDEM_INLINE Reg LoadUpTo(const float* p, int64_t lanes) {
    return lanes > 0 ? Base::LoadLanes(p, lanes) : V::Zero();
  }
  // The pairs of up to 2 * kWidth floats.
  TANDEM_INLINE Reg LoadAdjacent(const float* p, int64_t floats) {
    return V::Adjacent(LoadUpTo(p, floats), LoadUpTo(p + kWidth, floats - kWidth));
  }
  // pairs[0, PairsOf(n)) of a row of n floats; writes up to a whole register.
  TANDEM_INLINE void RoundRow(const float* row, int64_t n, float* pairs) {
    for (int64_t i = 0; i < n; i += 2 * kWidth) V::Store(pairs + i / 2, LoadAdjacent(row + i, n - i));
  }
  // target[s * kWidth + lane] = pair s of the row source + lane * stride, for the PairsOf(count) pairs of
  // count <= 2 * kWidth floats; lanes from `lanes` on are 0.
  TANDEM_INLINE void StorePairsTransposed(const float* source, int64_t stride, int64_t lanes, int64_t count,
                                          float* target) {
    Reg x[kWidth];
    TANDEM_UNROLL for (int lane = 0; lane < kWidth; ++lane) x[lane] =
        lane < lanes ? LoadAdjacent(source + lane * stride, count) : V::Zero();
    Base::Transpose(x);
    TANDEM_UNROLL for (int s = 0; s < kWidth; ++s) {
      if (2 * s < count) V::Store(target + s * kWidth, x[s]);
    }
  }

  // What a tile's sums begin with, and where they end up.
  struct Ends {
    const float* bias;  // of the columns; null: none
    bool load;          // c holds a sum already
    bool relu;
    int64_t last_lanes;  // of the last vector
    float* c;
    int64_t c_row;
    Addends addends = {};
  };

  // c[r][v] (+)= sum over pairs s of a[r * a_row + s * a_step] . b[s * b_step + v * b_vector + lane].
  template <int rows, int vectors, int64_t a_row>
  [[gnu::noinline]] static void DotTile(int64_t steps, const float* a, int64_t a_step, const float* b,
                                        int64_t b_step, int64_t b_vector, const Ends& ends) {
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : ends.last_lanes;
      const Reg start = ends.bias != nullptr ? Base::LoadLanes(ends.bias + v * kWidth, lanes) : V::Zero();
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        sum[r][v] =
            ends.load ? V::Add(Base::LoadLanes(ends.c + r * ends.c_row + v * kWidth, lanes), start) : start;
      }
    }
    const auto run = [&](int64_t first, int64_t end) __attribute__((always_inline)) {
      for (int64_t s = first; s < end; ++s) {
        typename V::RightPair right[vectors];
        TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
          right[v] = V::LoadPairs(reinterpret_cast<const uint16_t*>(b + v * b_vector));
        }
        TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
          const typename V::LeftPair left =
              V::BroadcastPair(reinterpret_cast<const uint16_t*>(a + r * a_row));
          TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::DotPairs(sum[r][v], left, right[v]);
        }
        a += a_step;
        b += b_step;
      }
    };
    Base::template WhileFetching<rows, vectors>(ends.addends, ends.c_row, steps, run);
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : ends.last_lanes;
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const int64_t at = r * ends.c_row + v * kWidth;
        const Reg value = ends.relu ? V::Relu(sum[r][v]) : sum[r][v];
        Base::StoreLanes(ends.c + at, Base::AddAll(ends.addends, at, lanes, value), lanes);
      }
    }
  }

  // The same by tiles; rows <= 16, vectors <= 2.
  [[gnu::noinline]] static void TileDot(int64_t rows, int64_t vectors, int64_t steps, const float* a,
                                        int64_t a_row, const float* b, int64_t b_step, int64_t b_vector,
                                        const Ends& ends) {
    alignas(64) float sums[16][2 * kWidth];
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : ends.last_lanes;
      const Reg start = ends.bias != nullptr ? Base::LoadLanes(ends.bias + v * kWidth, lanes) : V::Zero();
      for (int64_t r = 0; r < 16; ++r) {
        V::Store(sums[r] + v * kWidth,
                 ends.load && r < rows
                     ? V::Add(Base::LoadLanes(ends.c + r * ends.c_row + v * kWidth, lanes), start)
                     : start);
      }
    }
    V::TileProduct(steps, a, a_row, b, b_step, b_vector, static_cast<int>(vectors), sums[0]);
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : ends.last_lanes;
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t at = r * ends.c_row + v * kWidth;
        const Reg sum = V::Load(sums[r] + v * kWidth);
        const Reg value = ends.relu ? V::Relu(sum) : sum;
        Base::StoreLanes(ends.c + at, Base::AddAll(ends.addends, at, lanes, value), lanes);
      }
    }
  }

  // DotTile of run-time sizes, rows <= kRows and vectors <= kVectors.
  template <int64_t a_row>
  TANDEM_INLINE void Dot(int64_t rows, int64_t vectors, int64_t steps, const float* a, int64_t a_step,
                         const float* b, int64_t b_step, int64_t b_vector, const Ends& ends) {
    if constexpr (V::kTiles) {
      TileDot(rows, vectors, steps, a, a_row == 1 ? a_step : a_row, b, b_step, b_vector, ends);
    } else {
      Base::template WithConstant<V::kVectors>(
          static_cast<int>(vectors), [&](auto v) __attribute__((always_inline)) {
            Base::template WithConstant<V::kRows>(
                static_cast<int>(rows), [&](auto r) __attribute__((always_inline)) {
                  DotTile<decltype(r)::value, decltype(v)::value, a_row>(steps, a, a_step, b, b_step,
                                                                         b_vector, ends);
                });
          });
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_BF16_TILE_H_
