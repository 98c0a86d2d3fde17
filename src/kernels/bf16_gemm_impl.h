// Dense layers of bfloat16 factors (bf16_products.h): y = act(x W + b) and dW = xT dY, for any vector type.
//
// W is packed in panels one vector wide, panel[j][i / 2][lane] = the pair of W(i, j * width + lane), i even,
// and of the row below, padded with zeros. x is rounded a block at a time into a buffer whose rows lie a
// fixed number of floats apart, so that a tile of many rows needs one address.
#ifndef TANDEM_SRC_KERNELS_BF16_GEMM_IMPL_H_
#define TANDEM_SRC_KERNELS_BF16_GEMM_IMPL_H_

#include <cstdint>

#include "src/kernels/bf16_tile.h"
#include "tandem/matrix.h"

namespace tandem {

template <class V>
struct Bf16Gemm : Bf16Tiles<V> {
  using Base = Bf16Tiles<V>;
  using Reg = typename V::Reg;
  using Split = typename Base::Split;
  static constexpr int kWidth = V::kWidth;

  // A block of x: it stays in the second-level cache while the panels of W pass. Even: pairs are the same in
  // every variant. Rows are a line further apart, else they would fall on each other in the caches.
  static constexpr int64_t kDepth = 1024;
  static constexpr int64_t kBlockRows = 112;
  static constexpr int64_t kRowFloats = kDepth / 2 + 16;
  // Rows, and columns of x, that one pass of GemmTransposed sums.
  static constexpr int64_t kSumRows = 256;
  static constexpr int64_t kSumCols = 448;
  static constexpr int64_t kSumStride = kSumCols + 16;

  static int64_t PackedFloats(int64_t k, int64_t n) { return Base::StepsOf(k) * Base::RoundUp(n); }

  static void Pack(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n, float* packed) {
    for (int64_t j = 0; j < n; j += kWidth, packed += Base::StepsOf(k) * kWidth) {
      Base::FillSteps(k, kWidth, packed);
      const int64_t lanes = Base::Min(kWidth, n - j);
      const float* source = w + j * stride_n;
      if (stride_n == 1) {
        for (int64_t i = 0; i < k; i += 2) {
          const float* row = source + i * stride_k;
          V::Store(packed + i / 2 * kWidth,
                   V::Interleaved(Base::LoadLanes(row, lanes),
                                  i + 1 < k ? Base::LoadLanes(row + stride_k, lanes) : V::Zero()));
        }
      } else if (stride_k == 1) {
        for (int64_t i = 0; i < k; i += 2 * kWidth) {
          Base::StorePairsTransposed(source + i, stride_n, lanes, Base::Min(2 * kWidth, k - i),
                                     packed + i / 2 * kWidth);
        }
      } else {
        for (int64_t i = 0; i < k; i += 2)
          PackStrided(source + i * stride_k, k - i, lanes, stride_k, stride_n, packed + i / 2 * kWidth);
      }
    }
  }
  static void PackStrided(const float* w, int64_t k, int64_t lanes, int64_t stride_k, int64_t stride_n,
                          float* packed) {
    alignas(64) float even[kWidth], odd[kWidth];
    for (int64_t lane = 0; lane < kWidth; ++lane) {
      even[lane] = lane < lanes ? w[lane * stride_n] : 0;
      odd[lane] = lane < lanes && k > 1 ? w[stride_k + lane * stride_n] : 0;
    }
    V::Store(packed, V::Interleaved(V::Load(even), V::Load(odd)));
  }

  static void Gemm(const ConstMatrix& x, const float* packed, const float* bias, bool relu, bool accumulate,
                   const Matrix& y) {
    [[maybe_unused]] const typename V::Tilework tilework;
    alignas(64) float block[kBlockRows * kRowFloats];
    const int64_t k = x.cols;
    for (int64_t row = 0; row < y.rows; row += kBlockRows) {
      const int64_t rows = Base::Min(kBlockRows, y.rows - row);
      // At least one pass, so that no depth makes the bias.
      for (int64_t begin = 0; begin == 0 || begin < k; begin += kDepth) {
        const int64_t depth = Base::Min(kDepth, k - begin);
        for (int64_t r = 0; r < rows; ++r) {
          Base::RoundRow(x.data + (row + r) * x.stride + begin, depth, block + r * kRowFloats);
        }
        const bool first = begin == 0;
        RowBlock(block, rows, depth, packed + begin / 2 * kWidth, Base::StepsOf(k) * kWidth,
                 {first ? bias : nullptr, accumulate || !first, relu && begin + kDepth >= k, kWidth,
                  y.data + row * y.stride, y.stride},
                 y.cols);
      }
    }
  }

  // The panels of W stay in the first-level cache while the rows of the block pass.
  static void RowBlock(const float* block, int64_t rows, int64_t depth, const float* packed,
                       int64_t panel_floats, const typename Base::Ends& ends, int64_t n) {
    const Split tiles = Split::Of(rows, V::kRows);
    const Split groups = Split::Of(Base::RoundUp(n) / kWidth, V::kVectors);
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t panel = groups.Begin(g);
      const int64_t vectors = groups.Begin(g + 1) - panel;
      const int64_t column = panel * kWidth;
      typename Base::Ends tile = ends;
      tile.last_lanes = Base::Min(kWidth, n - column - (vectors - 1) * kWidth);
      if (ends.bias != nullptr) tile.bias = ends.bias + column;
      for (int64_t t = 0; t < tiles.pieces; ++t) {
        const int64_t row = tiles.Begin(t);
        tile.c = ends.c + row * ends.c_row + column;
        Base::template Dot<kRowFloats>(tiles.Begin(t + 1) - row, vectors, Base::StepsOf(depth),
                                       block + row * kRowFloats, 1, packed + panel * panel_floats, kWidth,
                                       panel_floats, tile);
      }
    }
  }

  // pairs[s * stride + column] of the rows 2 s and 2 s + 1; writes whole registers.
  static void InterleaveRows(const float* x, int64_t rows, int64_t cols, int64_t x_stride, int64_t stride,
                             float* pairs) {
    for (int64_t r = 0; r < rows; r += 2, x += 2 * x_stride, pairs += stride) {
      for (int64_t c = 0; c < cols; c += kWidth) {
        const int64_t lanes = cols - c;
        V::Store(pairs + c,
                 V::Interleaved(Base::LoadLanes(x + c, lanes),
                                r + 1 < rows ? Base::LoadLanes(x + x_stride + c, lanes) : V::Zero()));
      }
    }
  }

  // pairs[column * StepsOf(rows) + s] of the rows 2 s and 2 s + 1, for tiles.
  static void TransposeRows(const float* x, int64_t rows, int64_t cols, int64_t x_stride, float* pairs) {
    const int64_t steps = Base::StepsOf(rows);
    for (int64_t s = 0; s < steps; s += kWidth) {
      for (int64_t c = 0; c < cols; c += kWidth) {
        const int64_t lanes = Base::Min(kWidth, cols - c);
        const auto row = [&](int64_t r) __attribute__((always_inline)) {
          return r < rows ? Base::LoadLanes(x + r * x_stride + c, lanes) : V::Zero();
        };
        Reg block[kWidth];
        TANDEM_UNROLL for (int i = 0; i < kWidth; ++i) {
          block[i] = V::Interleaved(row(2 * (s + i)), row(2 * (s + i) + 1));
        }
        Base::Transpose(block);
        TANDEM_UNROLL for (int lane = 0; lane < kWidth; ++lane) {
          if (lane < lanes) V::Store(pairs + (c + lane) * steps + s, block[lane]);
        }
      }
    }
  }

  static void GemmTransposed(const ConstMatrix& x, const ConstMatrix& dy, bool accumulate, const Matrix& dw) {
    TransposedSum(x, dy, accumulate, {}, dw);
  }
  static void GemmTransposedOnto(const ConstMatrix& x, const ConstMatrix& dy, const float* const* before,
                                 int count, const Matrix& dw) {
    TransposedSum(x, dy, false, {before, count, 0}, dw);
  }

  // Addends only with x.rows <= kSumRows.
  static void TransposedSum(const ConstMatrix& x, const ConstMatrix& dy, bool accumulate,
                            const Addends& addends, const Matrix& dw) {
    [[maybe_unused]] const typename V::Tilework tilework;
    alignas(64) float left[kSumRows / 2 * kSumStride];
    // At least one pass, so that no rows make zeros.
    for (int64_t row = 0; row == 0 || row < x.rows; row += kSumRows) {
      const int64_t rows = Base::Min(kSumRows, x.rows - row);
      for (int64_t begin = 0; begin < x.cols; begin += kSumCols) {
        const int64_t cols = Base::Min(kSumCols, x.cols - begin);
        const float* source = x.data + row * x.stride + begin;
        if constexpr (V::kTiles) {
          TransposeRows(source, rows, cols, x.stride, left);
        } else {
          InterleaveRows(source, rows, cols, x.stride, kSumStride, left);
        }
        TransposedPass(left, cols, rows,
                       {dy.data + row * dy.stride, static_cast<int>(rows), dy.cols, dy.stride},
                       accumulate || row > 0, {addends.floats, addends.count, begin * dw.stride},
                       dw.data + begin * dw.stride, dw.stride);
      }
    }
  }

  static void TransposedPass(const float* left, int64_t cols, int64_t rows, const ConstMatrix& dy, bool load,
                             const Addends& addends, float* dw, int64_t dw_stride) {
    constexpr int64_t kPanel = V::kVectors * kWidth;
    alignas(64) float panel[kSumRows / 2 * kPanel];
    const Split tiles = Split::Of(cols, V::kRows);
    for (int64_t column = 0; column < dy.cols; column += kPanel) {
      const int64_t n = Base::Min(kPanel, dy.cols - column);
      const int64_t vectors = Base::RoundUp(n) / kWidth;
      InterleaveRows(dy.data + column, rows, n, dy.stride, kPanel, panel);
      const int64_t steps = Base::StepsOf(rows);
      Base::FillSteps(rows, kPanel, panel);
      for (int64_t t = 0; t < tiles.pieces; ++t) {
        const int64_t i = tiles.Begin(t), at = i * dw_stride + column;
        Base::template Dot<1>(tiles.Begin(t + 1) - i, vectors, steps, V::kTiles ? left + i * steps : left + i,
                              V::kTiles ? steps : kSumStride, panel, kPanel, kWidth,
                              {nullptr,
                               load,
                               false,
                               n - (vectors - 1) * kWidth,
                               dw + at,
                               dw_stride,
                               {addends.floats, addends.count, addends.at + at}});
      }
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_BF16_GEMM_IMPL_H_
