// Dense layers: y = act(x W + b) and dW = xT dY, for any vector type (tile.h).
//
// W is packed in panels one vector wide, panel[j][i][lane] = W(i, j * width + lane), the last one padded with
// zeros. A tile takes as many panels side by side as the registers hold beside its rows, so that a single row
// keeps the multipliers busy, too.
#ifndef TANDEM_SRC_KERNELS_GEMM_IMPL_H_
#define TANDEM_SRC_KERNELS_GEMM_IMPL_H_

#include <cstdint>

#include "src/kernels/tile.h"
#include "tandem/matrix.h"

namespace tandem {

template <class V>
struct GemmKernels : Tiles<V> {
  using Base = Tiles<V>;
  using Reg = typename V::Reg;
  using Split = typename Base::Split;
  static constexpr int kWidth = V::kWidth;

  // A block of x this deep and this high stays in the second-level cache while the panels of W pass.
  static constexpr int64_t kDepth = 1024;
  static constexpr int64_t kBlockRows = 192;
  // Rows that one pass of GemmTransposed sums: its panel of dy stays in the first-level cache.
  static constexpr int64_t kSumRows = 256;

  static int64_t Panels(int64_t n) { return (n + kWidth - 1) / kWidth; }
  static int64_t PackedFloats(int64_t k, int64_t n) { return Panels(n) * k * kWidth; }

  static void Pack(const float* w, int64_t k, int64_t n, int64_t stride_k, int64_t stride_n, float* packed) {
    for (int64_t j = 0; j < n; j += kWidth) {
      const int64_t lanes = Base::Min(kWidth, n - j);
      float* panel = packed + j * k;
      const float* source = w + j * stride_n;
      if (stride_n == 1) {
        for (int64_t i = 0; i < k; ++i)
          V::Store(panel + i * kWidth, Base::LoadLanes(source + i * stride_k, lanes));
      } else if (stride_k == 1) {
        for (int64_t i = 0; i < k; i += kWidth)
          Base::StoreTransposed(source + i, stride_n, lanes, Base::Min(kWidth, k - i), panel + i * kWidth);
      } else {
        for (int64_t lane = 0; lane < kWidth; ++lane) {
          for (int64_t i = 0; i < k; ++i) {
            panel[i * kWidth + lane] = lane < lanes ? source[i * stride_k + lane * stride_n] : 0.0f;
          }
        }
      }
    }
  }

  // What the tiles of one block of Gemm have in common.
  struct Block {
    int64_t depth;         // steps of this block
    int64_t panel_floats;  // from panel to panel
    int64_t x_stride;
    int64_t y_stride;
    bool load;  // y holds the sum so far
    bool relu;
  };

  template <int rows, int vectors>
  [[gnu::noinline]] static void Tile(const Block& block, const float* x, const float* panels,
                                     const float* bias, int64_t last_lanes, float* y) {
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      const Reg start = bias != nullptr ? Base::LoadLanes(bias + v * kWidth, lanes) : V::Zero();
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        sum[r][v] =
            block.load ? V::Add(Base::LoadLanes(y + r * block.y_stride + v * kWidth, lanes), start) : start;
      }
    }
    Base::template Accumulate<rows, vectors>(block.depth, x, block.x_stride, 1, panels, kWidth,
                                             block.panel_floats, sum);
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const Reg value = block.relu ? V::Relu(sum[r][v]) : sum[r][v];
        Base::StoreLanes(y + r * block.y_stride + v * kWidth, value, lanes);
      }
    }
  }

  // One tile's height, all panels.
  template <int rows>
  static void RowTiles(const Block& block, const float* x, int64_t row_begin, int64_t tiles,
                       const float* panels, const float* bias, int vectors, int64_t last_lanes, float* y) {
    Base::template WithConstant<V::MaxVectors(rows)>(
        vectors, [&](auto count) __attribute__((always_inline)) {
          for (int64_t t = 0; t < tiles; ++t) {
            const int64_t row = row_begin + t * rows;
            Tile<rows, decltype(count)::value>(block, x + row * block.x_stride, panels, bias, last_lanes,
                                               y + row * block.y_stride);
          }
        });
  }

  static void Gemm(const ConstMatrix& x, const float* packed, const float* bias, bool relu, bool accumulate,
                   const Matrix& y) {
    const int64_t k = x.cols;
    const Split depths = Split::Of(Base::Max(k, 1), kDepth);
    for (int64_t row = 0; row < y.rows; row += kBlockRows) {
      const int64_t rows = Base::Min(kBlockRows, y.rows - row);
      for (int64_t d = 0; d < depths.pieces; ++d) {
        const int64_t begin = k == 0 ? 0 : depths.Begin(d);
        const int64_t end = k == 0 ? 0 : depths.Begin(d + 1);
        const bool first = d == 0;
        const Block block = {end - begin, k * kWidth,           x.stride,
                             y.stride,    accumulate || !first, relu && d + 1 == depths.pieces};
        RowBlock(block, x.data + row * x.stride + begin, rows, packed + begin * kWidth,
                 first ? bias : nullptr, y.cols, y.data + row * y.stride);
      }
    }
  }

  // Rows are cut into tiles of two heights that differ by one; the panels go side by side as the height
  // allows.
  static void RowBlock(const Block& block, const float* x, int64_t rows, const float* packed,
                       const float* bias, int64_t n, float* y) {
    const int64_t tiles = (rows + V::kGemmRows - 1) / V::kGemmRows;
    const int height = static_cast<int>((rows + tiles - 1) / tiles);
    const int64_t low_tiles = tiles * height - rows;
    const int64_t high_tiles = tiles - low_tiles;
    const Split groups = Split::Of(Panels(n), V::MaxVectors(height));
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t panel = groups.Begin(g);
      const int vectors = static_cast<int>(groups.Begin(g + 1) - panel);
      const int64_t column = panel * kWidth;
      const int64_t last_lanes = Base::Min(kWidth, n - column - (vectors - 1) * kWidth);
      const float* panels = packed + panel * block.panel_floats;
      const float* group_bias = bias != nullptr ? bias + column : nullptr;
      const auto run = [&](int rows_of_tile, int64_t row, int64_t count) __attribute__((always_inline)) {
        Base::template WithConstant<V::kGemmRows>(
            rows_of_tile, [&](auto constant) __attribute__((always_inline)) {
              RowTiles<decltype(constant)::value>(block, x, row, count, panels, group_bias, vectors,
                                                  last_lanes, y + column);
            });
      };
      run(height, 0, high_tiles);
      if (low_tiles > 0) run(height - 1, high_tiles * height, low_tiles);
    }
  }

  // dw[rows x vectors] += the sum over `steps` rows of x and of the panel of dy.
  template <int rows, int vectors>
  [[gnu::noinline]] static void TransposedTile(int64_t steps, const float* x, int64_t x_stride,
                                               const float* panel, bool load, const Addends& addends,
                                               int64_t last_lanes, float* dw, int64_t dw_stride) {
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
        sum[r][v] = load ? Base::LoadLanes(dw + r * dw_stride + v * kWidth, lanes) : V::Zero();
      }
    }
    Base::template WhileFetching<rows, vectors>(
        addends, dw_stride, steps, [&](int64_t first, int64_t end) __attribute__((always_inline)) {
          Base::template Accumulate<rows, vectors>(end - first, x + first * x_stride, 1, x_stride,
                                                   panel + first * vectors * kWidth, vectors * kWidth, kWidth,
                                                   sum);
        });
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
        const int64_t at = r * dw_stride + v * kWidth;
        Base::StoreLanes(dw + at, Base::AddAll(addends, at, lanes, sum[r][v]), lanes);
      }
    }
  }

  template <int vectors>
  static void TransposedPanel(const ConstMatrix& x, int64_t row, int64_t steps, const float* dy,
                              int64_t dy_stride, int64_t last_lanes, bool load, const Addends& addends,
                              float* dw, int64_t dw_stride) {
    alignas(64) float panel[kSumRows * vectors * kWidth];
    for (int64_t s = 0; s < steps; ++s) {
      for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
        V::Store(panel + (s * vectors + v) * kWidth, Base::LoadLanes(dy + s * dy_stride + v * kWidth, lanes));
      }
    }
    const Split tiles = Split::Of(x.cols, V::kRows);
    for (int64_t t = 0; t < tiles.pieces; ++t) {
      const int64_t i = tiles.Begin(t);
      Base::template WithConstant<V::kRows>(
          static_cast<int>(tiles.Begin(t + 1) - i), [&](auto rows) __attribute__((always_inline)) {
            TransposedTile<decltype(rows)::value, vectors>(
                steps, x.data + row * x.stride + i, x.stride, panel, load,
                {addends.floats, addends.count, addends.at + i * dw_stride}, last_lanes, dw + i * dw_stride,
                dw_stride);
          });
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
    const Split groups = Split::Of(Panels(dy.cols), V::kVectors);
    // At least one pass, so that no rows make zeros.
    for (int64_t row = 0; row == 0 || row < x.rows; row += kSumRows) {
      const int64_t steps = Base::Min(kSumRows, x.rows - row);
      for (int64_t g = 0; g < groups.pieces; ++g) {
        const int64_t panel = groups.Begin(g);
        const int vectors = static_cast<int>(groups.Begin(g + 1) - panel);
        const int64_t column = panel * kWidth;
        const int64_t last_lanes = Base::Min(kWidth, dy.cols - column - (vectors - 1) * kWidth);
        Base::template WithConstant<V::kVectors>(
            vectors, [&](auto count) __attribute__((always_inline)) {
              TransposedPanel<decltype(count)::value>(x, row, steps, dy.data + row * dy.stride + column,
                                                      dy.stride, last_lanes, accumulate || row > 0,
                                                      {addends.floats, addends.count, column},
                                                      dw.data + column, dw.stride);
            });
      }
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_GEMM_IMPL_H_
