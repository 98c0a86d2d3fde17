// The compressed interaction network (xDeepFM, Lian et al. 2018, eq. 6), for any vector type (tile.h).
//
// A layer is a matrix product over pairs p = (i, j): out[h, c] = sum_p W[h, p] z[p, c] with z[p, c] = xk[i,
// c] x0[j, c]. The products z are never stored as a whole: a tile of columns makes those of a block of pairs
// in the first-level cache, where every map reads them. In the symmetric first layer only the pairs j >= i
// exist, with W[h, i, j] + W[h, j, i].
//
// Columns are independent, and a column's sums run over pairs (or maps) in one order, whatever the tile.
#ifndef TANDEM_SRC_KERNELS_CIN_IMPL_H_
#define TANDEM_SRC_KERNELS_CIN_IMPL_H_

#include <cstdint>

#include "src/kernels/tile.h"
#include "tandem/cin_shape.h"
#include "tandem/matrix.h"

namespace tandem {

template <class V>
struct CinKernels : Tiles<V> {
  using Base = Tiles<V>;
  using Reg = typename V::Reg;
  using Split = typename Base::Split;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kTileColumns = V::kVectors * kWidth;

  // Pairs of a block: its products fill half of the first-level cache.
  static constexpr int64_t kBlockPairs = 6144 / kTileColumns;
  // Floats of the tiles of one strip of columns, for which a block's weights stay in the second-level cache.
  static constexpr int64_t kStripFloats = 16384;
  // More maps than that go in several passes.
  static constexpr int64_t kMaxMaps = kStripFloats / kTileColumns;
  // Columns and maps that one pass of BackwardWeights sums.
  static constexpr int64_t kSumColumns = 512;
  static constexpr int64_t kSumMaps = 128;

  struct Pair {
    int64_t i;
    int64_t j;
  };
  TANDEM_INLINE int64_t Pairs(const CinShape& shape) {
    const int64_t m = shape.fields;
    return shape.symmetric ? m * (m + 1) / 2 : shape.previous * m;
  }
  static Pair PairAt(const CinShape& shape, int64_t p) {
    if (!shape.symmetric) return {p / shape.fields, p % shape.fields};
    int64_t i = 0;
    while (p >= shape.fields - i) p -= shape.fields - i++;
    return {i, i + p};
  }
  TANDEM_INLINE void Advance(const CinShape& shape, Pair* pair) {
    if (++pair->j == shape.fields) {
      ++pair->i;
      pair->j = shape.symmetric ? pair->i : 0;
    }
  }
  // Weight of a pair in the row w of one map.
  TANDEM_INLINE float Folded(const CinShape& shape, const float* w, const Pair& pair) {
    const float weight = w[pair.i * shape.fields + pair.j];
    return shape.symmetric && pair.i != pair.j ? weight + w[pair.j * shape.fields + pair.i] : weight;
  }

  // Packed: for every pass of maps, [block of pairs][group of maps][pair][map of the group] for Forward; then
  // for every pass, [group of pairs][map][pair of the group] for BackwardData.
  static int64_t PackedFloats(const CinShape& shape) { return 2 * shape.maps * Pairs(shape); }

  static void Pack(const CinShape& shape, const float* w, float* packed) {
    const int64_t pairs = Pairs(shape);
    const int64_t map_floats = static_cast<int64_t>(shape.previous) * shape.fields;
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      const int64_t maps = Base::Min(kMaxMaps, shape.maps - map);
      const float* source = w + map * map_floats;
      PackForward(shape, maps, source, map_floats, packed + map * pairs);
      PackBackward(shape, maps, source, map_floats, packed + (shape.maps + map) * pairs);
    }
  }

  static void PackForward(const CinShape& shape, int64_t maps, const float* w, int64_t map_floats,
                          float* packed) {
    const int64_t pairs = Pairs(shape);
    const Split groups = Split::Of(maps, V::kRows);
    for (int64_t begin = 0; begin < pairs; begin += kBlockPairs) {
      const int64_t end = Base::Min(pairs, begin + kBlockPairs);
      for (int64_t g = 0; g < groups.pieces; ++g) {
        const int64_t map = groups.Begin(g);
        const int64_t rows = groups.Begin(g + 1) - map;
        Pair pair = PairAt(shape, begin);
        for (int64_t p = begin; p < end; ++p, Advance(shape, &pair)) {
          for (int64_t r = 0; r < rows; ++r) *packed++ = Folded(shape, w + (map + r) * map_floats, pair);
        }
      }
    }
  }

  static void PackBackward(const CinShape& shape, int64_t maps, const float* w, int64_t map_floats,
                           float* packed) {
    const Split groups = Split::Of(Pairs(shape), V::kRows);
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t begin = groups.Begin(g);
      const int64_t rows = groups.Begin(g + 1) - begin;
      const Pair first = PairAt(shape, begin);
      for (int64_t map = 0; map < maps; ++map) {
        Pair pair = first;
        for (int64_t r = 0; r < rows; ++r, Advance(shape, &pair))
          *packed++ = Folded(shape, w + map * map_floats, pair);
      }
    }
  }

  // A tile of columns: `vectors` of them, the last one with `last_lanes`.
  struct Columns {
    int64_t begin;
    int vectors;
    int64_t last_lanes;
    TANDEM_INLINE Columns At(int64_t begin, int64_t cols) {
      const int64_t count = Base::Min(kTileColumns, cols - begin);
      const int64_t vectors = (count + kWidth - 1) / kWidth;
      return {begin, static_cast<int>(vectors), count - (vectors - 1) * kWidth};
    }
  };

  // z of the pairs [begin, end): z[(p - begin) * vectors * kWidth + lane].
  template <int vectors>
  static void Products(const CinShape& shape, int64_t begin, int64_t end, const ConstMatrix& x0,
                       const ConstMatrix& xk, const Columns& columns, float* z) {
    Pair pair = PairAt(shape, begin);
    for (int64_t p = begin; p < end;) {
      const float* left = xk.data + pair.i * xk.stride + columns.begin;
      Reg x[vectors];
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        x[v] = Base::LoadLanes(left + v * kWidth, v + 1 < vectors ? kWidth : columns.last_lanes);
      }
      const int64_t run = Base::Min(end - p, shape.fields - pair.j);
      const float* right = x0.data + pair.j * x0.stride + columns.begin;
      for (int64_t s = 0; s < run; ++s, right += x0.stride) {
        TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
          const Reg y = Base::LoadLanes(right + v * kWidth, v + 1 < vectors ? kWidth : columns.last_lanes);
          V::Store(z, V::Mul(x[v], y));
          z += kWidth;
        }
      }
      p += run;
      ++pair.i;
      pair.j = shape.symmetric ? pair.i : 0;
    }
  }

  template <int rows, int vectors>
  [[gnu::noinline]] static void ForwardTile(int64_t steps, const float* weights, const float* z,
                                            float* sums) {
    constexpr int kColumns = vectors * kWidth;
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::Load(sums + r * kColumns + v * kWidth);
    }
    Base::template Accumulate<rows, vectors>(steps, weights, 1, rows, z, kColumns, kWidth, sum);
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) V::Store(sums + r * kColumns + v * kWidth, sum[r][v]);
    }
  }

  // Adds the block's pairs to sums [maps][vectors * kWidth].
  template <int vectors>
  static void ForwardBlock(const CinShape& shape, int64_t begin, int64_t end, const float* weights,
                           const ConstMatrix& x0, const ConstMatrix& xk, const Columns& columns,
                           float* sums) {
    alignas(64) float z[kBlockPairs * vectors * kWidth];
    Products<vectors>(shape, begin, end, x0, xk, columns, z);
    const Split groups = Split::Of(shape.maps, V::kRows);
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t map = groups.Begin(g);
      Base::template WithConstant<V::kRows>(
          static_cast<int>(groups.Begin(g + 1) - map), [&](auto rows) __attribute__((always_inline)) {
            ForwardTile<decltype(rows)::value, vectors>(end - begin, weights + map * (end - begin), z,
                                                        sums + map * vectors * kWidth);
          });
    }
  }

  template <int vectors>
  static void StoreSums(const float* sums, int64_t maps, bool relu, const Columns& columns,
                        const Matrix& out) {
    for (int64_t h = 0; h < maps; ++h) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const Reg sum = V::Load(sums + (h * vectors + v) * kWidth);
        Base::StoreLanes(out.data + h * out.stride + columns.begin + v * kWidth, relu ? V::Relu(sum) : sum,
                         v + 1 < vectors ? kWidth : columns.last_lanes);
      }
    }
  }

  // A shape of at most kMaxMaps maps.
  static void ForwardPass(const CinShape& shape, const float* packed, const float* bias, bool relu,
                          const ConstMatrix& x0, const ConstMatrix& xk, const Matrix& out) {
    alignas(64) float sums[kStripFloats];
    const int64_t pairs = Pairs(shape);
    const int64_t tile_floats = shape.maps * kTileColumns;
    const int64_t strip_columns = kStripFloats / tile_floats * kTileColumns;
    const auto for_each_tile = [&](int64_t strip, auto f) __attribute__((always_inline)) {
      const int64_t end = Base::Min(x0.cols, strip + strip_columns);
      float* tile_sums = sums;
      for (int64_t c = strip; c < end; c += kTileColumns, tile_sums += tile_floats) {
        const Columns columns = Columns::At(c, x0.cols);
        Base::template WithConstant<V::kVectors>(
            columns.vectors, [&](auto vectors)
                                 __attribute__((always_inline)) { f(vectors, columns, tile_sums); });
      }
    };
    for (int64_t strip = 0; strip < x0.cols; strip += strip_columns) {
      for_each_tile(
          strip, [&](auto vectors, const Columns&, float* tile_sums) __attribute__((always_inline)) {
            constexpr int kColumns = decltype(vectors)::value * kWidth;
            for (int64_t h = 0; h < shape.maps; ++h) {
              const Reg start = bias != nullptr ? V::Broadcast(bias + h) : V::Zero();
              for (int c = 0; c < kColumns; c += kWidth) V::Store(tile_sums + h * kColumns + c, start);
            }
          });
      for (int64_t begin = 0; begin < pairs; begin += kBlockPairs) {
        const int64_t end = Base::Min(pairs, begin + kBlockPairs);
        for_each_tile(
            strip, [&](auto vectors, const Columns& columns, float* tile_sums)
                       __attribute__((always_inline)) {
                         ForwardBlock<decltype(vectors)::value>(
                             shape, begin, end, packed + begin * shape.maps, x0, xk, columns, tile_sums);
                       });
      }
      for_each_tile(
          strip, [&](auto vectors, const Columns& columns, float* tile_sums) __attribute__((always_inline)) {
            StoreSums<decltype(vectors)::value>(tile_sums, shape.maps, relu, columns, out);
          });
    }
  }

  static void Forward(const CinShape& shape, const float* packed, const float* bias, bool relu,
                      const ConstMatrix& x0, const ConstMatrix& xk, const Matrix& out) {
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      CinShape pass = shape;
      pass.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      const Matrix pass_out = {out.data + map * out.stride, pass.maps, out.cols, out.stride};
      ForwardPass(pass, packed + map * Pairs(shape), bias != nullptr ? bias + map : nullptr, relu, x0, xk,
                  pass_out);
    }
  }

  struct BackwardArgs {
    CinShape shape;
    ConstMatrix x0;
    ConstMatrix xk;
    Matrix dx0;
    Matrix dxk;
  };

  // dz[p, c] = sum_h W[h, p] d_out[h, c] of a group of pairs, and from it dxk[i] += dz x0[j], dx0[j] += dz
  // xk[i].
  template <int rows, int vectors>
  [[gnu::noinline]] static void BackwardTile(const BackwardArgs& args, const float* weights,
                                             const float* d_out, const Columns& columns, Pair pair) {
    Reg dz[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) dz[r][v] = V::Zero();
    }
    Base::template Accumulate<rows, vectors>(args.shape.maps, weights, 1, rows, d_out, vectors * kWidth,
                                             kWidth, dz);
    Scatter<rows, vectors>(args, columns, pair, dz);
  }

  // The row of dxk that successive pairs share stays in registers. Where it is a row of dx0 as well
  // (symmetric), i == j adds there.
  template <int rows, int vectors>
  TANDEM_INLINE void Scatter(const BackwardArgs& args, const Columns& columns, Pair pair,
                             const Reg (&dz)[rows][vectors]) {
    Reg left[vectors];
    Reg d_left[vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      const float* x0 = args.x0.data + pair.j * args.x0.stride + columns.begin;
      const float* xk = args.xk.data + pair.i * args.xk.stride + columns.begin;
      float* dx0 = args.dx0.data + pair.j * args.dx0.stride + columns.begin;
      float* dxk = args.dxk.data + pair.i * args.dxk.stride + columns.begin;
      const int64_t i = pair.i;
      const bool begins = r == 0 || pair.j == (args.shape.symmetric ? i : 0);
      Advance(args.shape, &pair);
      const bool ends = r + 1 == rows || pair.i != i;
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : columns.last_lanes;
        const int64_t c = v * kWidth;
        if (begins) {
          left[v] = Base::LoadLanes(xk + c, lanes);
          d_left[v] = Base::LoadLanes(dxk + c, lanes);
        }
        d_left[v] = V::Fma(dz[r][v], Base::LoadLanes(x0 + c, lanes), d_left[v]);
        if (dx0 == dxk) {
          d_left[v] = V::Fma(dz[r][v], left[v], d_left[v]);
        } else {
          Base::StoreLanes(dx0 + c, V::Fma(dz[r][v], left[v], Base::LoadLanes(dx0 + c, lanes)), lanes);
        }
        if (ends) Base::StoreLanes(dxk + c, d_left[v], lanes);
      }
    }
  }

  template <int vectors>
  static void LoadColumns(const ConstMatrix& x, const Columns& columns, float* tile) {
    for (int64_t h = 0; h < x.rows; ++h) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        V::Store(tile + (h * vectors + v) * kWidth,
                 Base::LoadLanes(x.data + h * x.stride + columns.begin + v * kWidth,
                                 v + 1 < vectors ? kWidth : columns.last_lanes));
      }
    }
  }

  // The groups [begin, end) of pairs, for one tile of columns.
  template <int vectors>
  static void BackwardBlock(const BackwardArgs& args, const Split& groups, int64_t begin, int64_t end,
                            const float* packed, const float* d_out, const Columns& columns) {
    Pair pair = PairAt(args.shape, groups.Begin(begin));
    for (int64_t g = begin; g < end; ++g) {
      const int64_t p = groups.Begin(g);
      const int64_t next = groups.Begin(g + 1);
      Base::template WithConstant<V::kRows>(
          static_cast<int>(next - p), [&](auto rows) __attribute__((always_inline)) {
            BackwardTile<decltype(rows)::value, vectors>(args, packed + p * args.shape.maps, d_out, columns,
                                                         pair);
          });
      for (int64_t s = p; s < next; ++s) Advance(args.shape, &pair);
    }
  }

  // A shape of at most kMaxMaps maps.
  static void BackwardPass(const BackwardArgs& args, const float* packed, const ConstMatrix& d_out) {
    alignas(64) float tiles[kStripFloats];
    const int64_t tile_floats = args.shape.maps * kTileColumns;
    const int64_t strip_columns = kStripFloats / tile_floats * kTileColumns;
    const Split groups = Split::Of(Pairs(args.shape), V::kRows);
    const int64_t block_groups = kBlockPairs / V::kRows;
    for (int64_t strip = 0; strip < d_out.cols; strip += strip_columns) {
      const int64_t strip_end = Base::Min(d_out.cols, strip + strip_columns);
      for (int64_t g = 0; g < groups.pieces; g += block_groups) {
        const int64_t end = Base::Min(groups.pieces, g + block_groups);
        float* tile = tiles;
        for (int64_t c = strip; c < strip_end; c += kTileColumns, tile += tile_floats) {
          const Columns columns = Columns::At(c, d_out.cols);
          Base::template WithConstant<V::kVectors>(
              columns.vectors, [&](auto constant) __attribute__((always_inline)) {
                constexpr int kVectors = decltype(constant)::value;
                if (g == 0) LoadColumns<kVectors>(d_out, columns, tile);
                BackwardBlock<kVectors>(args, groups, g, end, packed, tile, columns);
              });
        }
      }
    }
  }

  static void BackwardData(const CinShape& shape, const float* packed, const ConstMatrix& x0,
                           const ConstMatrix& xk, const ConstMatrix& d_out, const Matrix& dx0,
                           const Matrix& dxk) {
    const int64_t pairs = Pairs(shape);
    BackwardArgs args = {shape, x0, xk, dx0, dxk};
    if (shape.symmetric) {
      args.xk = x0;
      args.dxk = dx0;
    }
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      args.shape.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      const ConstMatrix pass = {d_out.data + map * d_out.stride, args.shape.maps, d_out.cols, d_out.stride};
      BackwardPass(args, packed + (shape.maps + map) * pairs, pass);
    }
  }

  // tile[r][map] = sum_c z[r, c] d_out[map, c], z in rows of kSumColumns, d_out in panels [map /
  // kWidth][c][map % kWidth].
  template <int rows, int vectors>
  [[gnu::noinline]] static void WeightsTile(int64_t columns, const float* z, const float* panels,
                                            float* tile) {
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::Zero();
    }
    Base::template Accumulate<rows, vectors>(columns, z, kSumColumns, 1, panels, kWidth, columns * kWidth,
                                             sum);
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) V::Store(tile + (r * vectors + v) * kWidth, sum[r][v]);
    }
  }

  // Panels of d_out, transposed: the maps become lanes.
  static void TransposeMaps(const ConstMatrix& d_out, int64_t begin, int64_t columns, float* panels) {
    for (int64_t h = 0; h < RoundUp(d_out.rows); ++h) {
      const float* source = d_out.data + h * d_out.stride + begin;
      float* target = panels + h / kWidth * columns * kWidth + h % kWidth;
      for (int64_t c = 0; c < columns; ++c) target[c * kWidth] = h < d_out.rows ? source[c] : 0.0f;
    }
  }
  TANDEM_INLINE int64_t RoundUp(int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }

  // z[r][c] of `rows` pairs from `pair` on.
  static void ProductRows(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk, int64_t begin,
                          int64_t columns, int64_t rows, Pair pair, float* z) {
    for (int64_t r = 0; r < rows; ++r, z += kSumColumns) {
      const float* left = xk.data + pair.i * xk.stride + begin;
      const float* right = x0.data + pair.j * x0.stride + begin;
      for (int64_t c = 0; c < columns; c += kWidth) {
        const int64_t lanes = columns - c;
        V::Store(z + c, V::Mul(Base::LoadLanes(left + c, lanes), Base::LoadLanes(right + c, lanes)));
      }
      Advance(shape, &pair);
    }
  }

  // dw of at most kSumMaps maps over at most kSumColumns columns. Pair p of map h goes to dw[h * map_floats +
  // p].
  static void WeightsPass(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                          const ConstMatrix& d_out, int64_t begin, int64_t columns, float* dw,
                          int64_t map_floats) {
    alignas(64) float panels[kSumMaps * kSumColumns];
    alignas(64) float z[V::kRows * kSumColumns];
    TransposeMaps(d_out, begin, columns, panels);
    const Split groups = Split::Of(Pairs(shape), V::kRows);
    const Split map_groups = Split::Of(RoundUp(d_out.rows) / kWidth, V::kVectors);
    Pair pair = {0, 0};
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t p = groups.Begin(g);
      const int64_t rows = groups.Begin(g + 1) - p;
      ProductRows(shape, x0, xk, begin, columns, rows, pair, z);
      for (int64_t r = 0; r < rows; ++r) Advance(shape, &pair);
      for (int64_t q = 0; q < map_groups.pieces; ++q) {
        const int64_t panel = map_groups.Begin(q);
        const int vectors = static_cast<int>(map_groups.Begin(q + 1) - panel);
        const int64_t map = panel * kWidth;
        const int64_t maps = Base::Min(vectors * kWidth, d_out.rows - map);
        alignas(64) float tile[V::kRows * kTileColumns];
        Base::template WithConstant<V::kVectors>(
            vectors, [&](auto v) __attribute__((always_inline)) {
              Base::template WithConstant<V::kRows>(
                  static_cast<int>(rows), [&](auto r) __attribute__((always_inline)) {
                    WeightsTile<decltype(r)::value, decltype(v)::value>(columns, z, panels + map * columns,
                                                                        tile);
                  });
            });
        AddTransposed(tile, rows, vectors * kWidth, maps, begin > 0, dw + map * map_floats + p, map_floats);
      }
    }
  }

  // dw[map][r] (+)= tile[r][map]
  static void AddTransposed(const float* tile, int64_t rows, int64_t tile_stride, int64_t maps, bool add,
                            float* dw, int64_t map_floats) {
    static_assert(V::kRows <= kWidth, "a row of dw fits a register");
    for (int64_t map = 0; map < maps; map += kWidth) {
      Reg x[kWidth];
      TANDEM_UNROLL for (int r = 0; r < kWidth; ++r) x[r] =
          r < rows ? V::Load(tile + r * tile_stride + map) : V::Zero();
      Base::Transpose(x);
      TANDEM_UNROLL for (int h = 0; h < kWidth; ++h) {
        if (map + h >= maps) break;
        float* target = dw + (map + h) * map_floats;
        Base::StoreLanes(target, add ? V::Add(x[h], Base::LoadLanes(target, rows)) : x[h], rows);
      }
    }
  }

  // The pairs j >= i of one map, stored from its beginning, become the full symmetric matrix. From the last
  // one backwards: a pair's place is never before the place that it is read from.
  static void Unfold(int64_t m, float* w) {
    const float* source = w + m * (m + 1) / 2;
    for (int64_t i = m - 1; i >= 0; --i) {
      for (int64_t j = m - 1; j >= i; --j) w[i * m + j] = *--source;
    }
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < i; ++j) w[i * m + j] = w[j * m + i];
    }
  }

  static void BackwardWeights(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                              const ConstMatrix& d_out, float* dw) {
    const int64_t map_floats = static_cast<int64_t>(shape.previous) * shape.fields;
    for (int64_t map = 0; map < shape.maps; map += kSumMaps) {
      const int64_t maps = Base::Min(kSumMaps, shape.maps - map);
      const ConstMatrix pass = {d_out.data + map * d_out.stride, static_cast<int>(maps), d_out.cols,
                                d_out.stride};
      // At least one pass, so that no columns make zeros.
      for (int64_t c = 0; c == 0 || c < d_out.cols; c += kSumColumns) {
        WeightsPass(shape, x0, shape.symmetric ? x0 : xk, pass, c, Base::Min(kSumColumns, d_out.cols - c),
                    dw + map * map_floats, map_floats);
      }
    }
    if (shape.symmetric) {
      for (int64_t h = 0; h < shape.maps; ++h) Unfold(shape.fields, dw + h * map_floats);
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_CIN_IMPL_H_
