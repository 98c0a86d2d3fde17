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
  // More maps than that go in several passes, and so do more fields on the way back.
  static constexpr int64_t kMaxMaps = kStripFloats / kTileColumns;
  static constexpr int64_t kMaxFields = kMaxMaps / 2;
  // Columns and maps that one pass of BackwardWeights sums.
  static constexpr int64_t kSumColumns = 512;
  static constexpr int64_t kSumMaps = 128;
  // Rows of products are a line further apart: else they would fall on each other in the first-level cache.
  static constexpr int64_t kProductStride = kSumColumns + 16;

  struct Pair {
    int64_t i;
    int64_t j;
  };
  TANDEM_INLINE int64_t Pairs(const CinShape& shape) {
    const int64_t m = shape.fields;
    return shape.symmetric ? m * (m + 1) / 2 : shape.previous * m;
  }
  // Weight of a pair in the row w of one map.
  TANDEM_INLINE float Folded(const CinShape& shape, const float* w, const Pair& pair) {
    const float weight = w[pair.i * shape.fields + pair.j];
    return shape.symmetric && pair.i != pair.j ? weight + w[pair.j * shape.fields + pair.i] : weight;
  }

  // Pairs (i, j), ..., (i, j + rows - 1).
  struct Run {
    int64_t i;
    int64_t j;
    int64_t rows;
  };
  // The pairs of the fields [begin, end) in runs at most as long as a tile is high, i ascending.
  struct Runs {
    const CinShape* shape;
    int64_t begin;
    int64_t end;
    int64_t i = 0;
    int64_t piece = 0;

    bool Next(Run* run) {
      for (; i < shape->previous; ++i, piece = 0) {
        const int64_t first = shape->symmetric ? Base::Max(begin, i) : begin;
        if (first >= end) break;
        const Split pieces = Split::Of(end - first, V::kRows);
        if (piece == pieces.pieces) continue;
        const int64_t j = pieces.Begin(piece++);
        *run = {i, first + j, pieces.Begin(piece) - j};
        return true;
      }
      return false;
    }
    // Passes over the runs of a block, and returns how many pairs they have; 0 at the end.
    int64_t NextBlock() {
      int64_t pairs = 0;
      for (Run run; pairs + V::kRows <= kBlockPairs && Next(&run);) pairs += run.rows;
      return pairs;
    }
  };

  // Packed: for every pass of maps and of fields, [block of pairs][group of maps][pair][map of the group] for
  // Forward; then, in the same way, [run of pairs][map][pair of the run] for BackwardData.
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
    const Split groups = Split::Of(maps, V::kRows);
    for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
      Runs runs = {&shape, field, Base::Min(shape.fields, field + kMaxFields)};
      while (true) {
        const Runs block = runs;
        const int64_t pairs = runs.NextBlock();
        if (pairs == 0) break;
        for (int64_t g = 0; g < groups.pieces; ++g) {
          const int64_t end = groups.Begin(g + 1);
          Runs again = block;
          Run run;
          for (int64_t p = 0; p < pairs && again.Next(&run); p += run.rows) {
            for (int64_t r = 0; r < run.rows; ++r) {
              for (int64_t map = groups.Begin(g); map < end; ++map)
                *packed++ = Folded(shape, w + map * map_floats, {run.i, run.j + r});
            }
          }
        }
      }
    }
  }

  static void PackBackward(const CinShape& shape, int64_t maps, const float* w, int64_t map_floats,
                           float* packed) {
    for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
      Runs runs = {&shape, field, Base::Min(shape.fields, field + kMaxFields)};
      for (Run run; runs.Next(&run); packed += maps * run.rows) {
        for (int64_t map = 0; map < maps; ++map) {
          for (int64_t r = 0; r < run.rows; ++r)
            packed[map * run.rows + r] = Folded(shape, w + map * map_floats, {run.i, run.j + r});
        }
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

  template <int vectors>
  static void LoadColumns(const ConstMatrix& x, int64_t begin, int64_t end, const Columns& columns,
                          float* tile) {
    for (int64_t h = begin; h < end; ++h, tile += vectors * kWidth) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        V::Store(tile + v * kWidth, Base::LoadLanes(x.data + h * x.stride + columns.begin + v * kWidth,
                                                    v + 1 < vectors ? kWidth : columns.last_lanes));
      }
    }
  }

  // z of the next `pairs` pairs, a row of vectors * kWidth each. x0 is the tile's, from field runs.begin on.
  template <int vectors>
  static void Products(Runs runs, int64_t pairs, const float* x0, const ConstMatrix& xk,
                       const Columns& columns, float* z) {
    constexpr int kColumns = vectors * kWidth;
    Run run;
    for (const float* end = z + pairs * kColumns; z < end && runs.Next(&run);) {
      const float* left = xk.data + run.i * xk.stride + columns.begin;
      Reg x[vectors];
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        x[v] = Base::LoadLanes(left + v * kWidth, v + 1 < vectors ? kWidth : columns.last_lanes);
      }
      const float* right = x0 + (run.j - runs.begin) * kColumns;
      for (int64_t r = 0; r < run.rows; ++r, right += kColumns, z += kColumns) {
        TANDEM_UNROLL for (int c = 0; c < kColumns; c += kWidth) {
          V::Store(z + c, V::Mul(x[c / kWidth], V::Load(right + c)));
        }
      }
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

  // Adds a block's pairs to sums [maps][vectors * kWidth].
  template <int vectors>
  static void ForwardBlock(const Runs& runs, int64_t pairs, const float* weights, const float* x0,
                           const ConstMatrix& xk, const Columns& columns, float* sums) {
    alignas(64) float z[kBlockPairs * vectors * kWidth];
    Products<vectors>(runs, pairs, x0, xk, columns, z);
    const Split groups = Split::Of(runs.shape->maps, V::kRows);
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t map = groups.Begin(g);
      Base::template WithConstant<V::kRows>(
          static_cast<int>(groups.Begin(g + 1) - map), [&](auto rows) __attribute__((always_inline)) {
            ForwardTile<decltype(rows)::value, vectors>(pairs, weights + map * pairs, z,
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

  // The tiles of one strip of columns: f(Constant<vectors>(), columns, number of the tile).
  template <class F>
  TANDEM_INLINE void ForEachTile(int64_t begin, int64_t end, int64_t cols, const F& f) {
    int64_t tile = 0;
    for (int64_t c = begin; c < Base::Min(cols, end); c += kTileColumns, ++tile) {
      const Columns columns = Columns::At(c, cols);
      Base::template WithConstant<V::kVectors>(
          columns.vectors, [&](auto vectors) __attribute__((always_inline)) { f(vectors, columns, tile); });
    }
  }
  // Columns of the strips of a pass: as many tiles as there is room for.
  TANDEM_INLINE int64_t StripColumns(int64_t maps, int64_t fields) {
    return kStripFloats / (Base::Max(maps, 2 * fields) * kTileColumns) * kTileColumns;
  }

  // A shape of at most kMaxMaps maps, and the fields [begin, end), at most kMaxFields. Returns the end of
  // the weights that it took.
  static const float* ForwardPass(const CinShape& shape, int64_t begin, int64_t end, const float* packed,
                                  const float* bias, bool relu, const ConstMatrix& x0, const ConstMatrix& xk,
                                  const Matrix& out) {
    alignas(64) float sums[kStripFloats];
    alignas(64) float x0_tiles[kStripFloats / 2];
    const int64_t sums_floats = shape.maps * kTileColumns;
    const int64_t x0_floats = (end - begin) * kTileColumns;
    const int64_t strip_columns = StripColumns(shape.maps, end - begin);
    const float* weights = packed;
    for (int64_t strip = 0; strip < x0.cols; strip += strip_columns) {
      const auto for_each_tile = [&](const auto& f) __attribute__((always_inline)) {
        ForEachTile(strip, strip + strip_columns, x0.cols, f);
      };
      for_each_tile([&](auto constant, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        constexpr int kVectors = decltype(constant)::value;
        float* sum = sums + t * sums_floats;
        LoadColumns<kVectors>(x0, begin, end, columns, x0_tiles + t * x0_floats);
        if (begin > 0)
          return LoadColumns<kVectors>(ConstMatrix{out.data, out.rows, out.cols, out.stride}, 0, shape.maps,
                                       columns, sum);
        for (int64_t h = 0; h < shape.maps; ++h) {
          const Reg start = bias != nullptr ? V::Broadcast(bias + h) : V::Zero();
          TANDEM_UNROLL for (int v = 0; v < kVectors; ++v) V::Store(sum + (h * kVectors + v) * kWidth, start);
        }
      });
      weights = packed;
      Runs runs = {&shape, begin, end};
      while (true) {
        const Runs block = runs;
        const int64_t pairs = runs.NextBlock();
        if (pairs == 0) break;
        for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
          ForwardBlock<decltype(vectors)::value>(block, pairs, weights, x0_tiles + t * x0_floats, xk, columns,
                                                 sums + t * sums_floats);
        });
        weights += pairs * shape.maps;
      }
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        StoreSums<decltype(vectors)::value>(sums + t * sums_floats, shape.maps, relu && end == shape.fields,
                                            columns, out);
      });
    }
    return weights;
  }

  static void Forward(const CinShape& shape, const float* packed, const float* bias, bool relu,
                      const ConstMatrix& x0, const ConstMatrix& xk, const Matrix& out) {
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      CinShape pass = shape;
      pass.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      const Matrix pass_out = {out.data + map * out.stride, pass.maps, out.cols, out.stride};
      const float* weights = packed + map * Pairs(shape);
      for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
        weights = ForwardPass(pass, field, Base::Min(shape.fields, field + kMaxFields), weights,
                              bias != nullptr ? bias + map : nullptr, relu, x0, shape.symmetric ? x0 : xk,
                              pass_out);
      }
    }
  }

  struct BackwardArgs {
    CinShape shape;
    ConstMatrix x0;
    ConstMatrix xk;
    ConstMatrix d_out;
    Matrix dx0;
    Matrix dxk;
  };

  // dz[p, c] = sum_h W[h, p] d_out[h, c] of a run of pairs, and from it dxk[i] += dz x0[j], dx0[j] += dz
  // xk[i]. The rows of x0, dx0 and d_out are those of a tile, xk and dxk lie in the whole matrices.
  template <int rows, int vectors>
  [[gnu::noinline]] static void BackwardTile(int64_t maps, const float* weights, const float* d_out,
                                             const float* x0, float* dx0, const float* xk, float* dxk,
                                             int64_t last_lanes) {
    constexpr int kColumns = vectors * kWidth;
    Reg dz[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) dz[r][v] = V::Zero();
    }
    Base::template PrefetchForWriting<vectors>(dxk);
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) __builtin_prefetch(xk + v * kWidth);
    Base::template Accumulate<rows, vectors>(maps, weights, 1, rows, d_out, kColumns, kWidth, dz);
    Reg left[vectors];
    Reg d_left[vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      left[v] = Base::LoadLanes(xk + v * kWidth, lanes);
      d_left[v] = Base::LoadLanes(dxk + v * kWidth, lanes);
    }
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int c = r * kColumns + v * kWidth;
        d_left[v] = V::Fma(dz[r][v], V::Load(x0 + c), d_left[v]);
        V::Store(dx0 + c, V::Fma(dz[r][v], left[v], V::Load(dx0 + c)));
      }
    }
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      Base::StoreLanes(dxk + v * kWidth, d_left[v], v + 1 < vectors ? kWidth : last_lanes);
    }
  }

  template <int vectors>
  static void AddColumns(const float* tile, int64_t begin, int64_t end, const Columns& columns,
                         const Matrix& x) {
    for (int64_t h = begin; h < end; ++h, tile += vectors * kWidth) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : columns.last_lanes;
        float* target = x.data + h * x.stride + columns.begin + v * kWidth;
        Base::StoreLanes(target, V::Add(Base::LoadLanes(target, lanes), V::Load(tile + v * kWidth)), lanes);
      }
    }
  }

  // The runs of one block for one tile of columns. x0 and dx0 are the tile's, from field `field` on.
  template <int vectors>
  static void BackwardBlock(const BackwardArgs& args, Runs runs, int64_t pairs, const float* packed,
                            const float* d_out, const float* x0, float* dx0, const Columns& columns) {
    const int64_t field = runs.begin;
    const int64_t maps = args.shape.maps;
    Run run;
    for (int64_t pair = 0; pair < pairs && runs.Next(&run); pair += run.rows) {
      const int64_t right = (run.j - field) * vectors * kWidth;
      const float* xk = args.xk.data + run.i * args.xk.stride + columns.begin;
      float* dxk = args.dxk.data + run.i * args.dxk.stride + columns.begin;
      Base::template WithConstant<V::kRows>(
          static_cast<int>(run.rows), [&](auto rows) __attribute__((always_inline)) {
            BackwardTile<decltype(rows)::value, vectors>(maps, packed + pair * maps, d_out, x0 + right,
                                                         dx0 + right, xk, dxk, columns.last_lanes);
          });
    }
  }

  // A shape of at most kMaxMaps maps, and the fields [begin, end), at most kMaxFields. Returns the end of
  // the weights that it took. dx0 is summed aside: in the symmetric layer its rows are those of dxk, too.
  static const float* BackwardPass(const BackwardArgs& args, int64_t begin, int64_t end,
                                   const float* packed) {
    alignas(64) float d_tiles[kStripFloats];
    alignas(64) float x0_tiles[kStripFloats / 2];
    alignas(64) float dx0_tiles[kStripFloats / 2];
    const int64_t cols = args.d_out.cols;
    const int64_t d_floats = args.shape.maps * kTileColumns;
    const int64_t x0_floats = (end - begin) * kTileColumns;
    const int64_t strip_columns = StripColumns(args.shape.maps, end - begin);
    const float* weights = packed;
    for (int64_t strip = 0; strip < cols; strip += strip_columns) {
      const auto for_each_tile = [&](const auto& f) __attribute__((always_inline)) {
        ForEachTile(strip, strip + strip_columns, cols, f);
      };
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        constexpr int kVectors = decltype(vectors)::value;
        LoadColumns<kVectors>(args.d_out, 0, args.shape.maps, columns, d_tiles + t * d_floats);
        LoadColumns<kVectors>(args.x0, begin, end, columns, x0_tiles + t * x0_floats);
        float* dx0 = dx0_tiles + t * x0_floats;
        for (int64_t i = 0; i < x0_floats; i += kWidth) V::Store(dx0 + i, V::Zero());
      });
      weights = packed;
      Runs runs = {&args.shape, begin, end};
      while (true) {
        const Runs block = runs;
        const int64_t pairs = runs.NextBlock();
        if (pairs == 0) break;
        for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
          BackwardBlock<decltype(vectors)::value>(args, block, pairs, weights, d_tiles + t * d_floats,
                                                  x0_tiles + t * x0_floats, dx0_tiles + t * x0_floats,
                                                  columns);
        });
        weights += pairs * args.shape.maps;
      }
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        AddColumns<decltype(vectors)::value>(dx0_tiles + t * x0_floats, begin, end, columns, args.dx0);
      });
    }
    return weights;
  }

  static void BackwardData(const CinShape& shape, const float* packed, const ConstMatrix& x0,
                           const ConstMatrix& xk, const ConstMatrix& d_out, const Matrix& dx0,
                           const Matrix& dxk) {
    const int64_t pairs = Pairs(shape);
    BackwardArgs args = {shape, x0, shape.symmetric ? x0 : xk, d_out, dx0, shape.symmetric ? dx0 : dxk};
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      args.shape.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      args.d_out = {d_out.data + map * d_out.stride, args.shape.maps, d_out.cols, d_out.stride};
      const float* weights = packed + (shape.maps + map) * pairs;
      for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
        weights = BackwardPass(args, field, Base::Min(shape.fields, field + kMaxFields), weights);
      }
    }
  }

  //   tile[r][map] = sum_c z[r, c] d_out[map, c]
  //
  // z in rows of kProductStride, d_out in panels [map / kWidth][c][map % kWidth].
  template <int rows, int vectors>
  [[gnu::noinline]] static void WeightsTile(int64_t columns, const float* z, const float* panels,
                                            float* tile) {
    Reg sum[rows][vectors];
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::Zero();
    }
    Base::template Accumulate<rows, vectors>(columns, z, kProductStride, 1, panels, kWidth, columns * kWidth,
                                             sum);
    TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) V::Store(tile + (r * vectors + v) * kWidth, sum[r][v]);
    }
  }

  // Panels of d_out, transposed: the maps become lanes.
  static void TransposeMaps(const ConstMatrix& d_out, int64_t begin, int64_t columns, float* panels) {
    for (int64_t map = 0; map < d_out.rows; map += kWidth, panels += columns * kWidth) {
      const float* source = d_out.data + map * d_out.stride + begin;
      for (int64_t c = 0; c < columns; c += kWidth) {
        Base::StoreTransposed(source + c, d_out.stride, d_out.rows - map, Base::Min(kWidth, columns - c),
                              panels + c * kWidth);
      }
    }
  }
  TANDEM_INLINE int64_t RoundUp(int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }

  // z[r][c] of a run of pairs.
  static void ProductRows(const ConstMatrix& x0, const ConstMatrix& xk, int64_t begin, int64_t columns,
                          const Run& run, float* z) {
    const float* left = xk.data + run.i * xk.stride + begin;
    for (int64_t r = 0; r < run.rows; ++r, z += kProductStride) {
      const float* right = x0.data + (run.j + r) * x0.stride + begin;
      for (int64_t c = 0; c < columns; c += kWidth) {
        const int64_t lanes = columns - c;
        V::Store(z + c, V::Mul(Base::LoadLanes(left + c, lanes), Base::LoadLanes(right + c, lanes)));
      }
    }
  }

  // dw of at most kSumMaps maps over at most kSumColumns columns.
  static void WeightsPass(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                          const ConstMatrix& d_out, int64_t begin, int64_t columns, float* dw,
                          int64_t map_floats) {
    alignas(64) float panels[kSumMaps * kSumColumns];
    alignas(64) float z[V::kRows * kProductStride];
    TransposeMaps(d_out, begin, columns, panels);
    const Split map_groups = Split::Of(RoundUp(d_out.rows) / kWidth, V::kVectors);
    Runs runs = {&shape, 0, shape.fields};
    for (Run run; runs.Next(&run);) {
      ProductRows(x0, xk, begin, columns, run, z);
      float* targets = dw + run.i * shape.fields + run.j;
      for (int64_t q = 0; q < map_groups.pieces; ++q) {
        const int64_t panel = map_groups.Begin(q);
        const int vectors = static_cast<int>(map_groups.Begin(q + 1) - panel);
        const int64_t map = panel * kWidth;
        const int64_t maps = Base::Min(vectors * kWidth, d_out.rows - map);
        for (int64_t h = map; h < map + maps; ++h) {
          __builtin_prefetch(targets + h * map_floats, /*for writing*/ 1);
          __builtin_prefetch(targets + h * map_floats + run.rows - 1, 1);
        }
        alignas(64) float tile[V::kRows * kTileColumns];
        Base::template WithConstant<V::kVectors>(
            vectors, [&](auto v) __attribute__((always_inline)) {
              Base::template WithConstant<V::kRows>(
                  static_cast<int>(run.rows), [&](auto r) __attribute__((always_inline)) {
                    WeightsTile<decltype(r)::value, decltype(v)::value>(columns, z, panels + map * columns,
                                                                        tile);
                  });
            });
        AddTransposed(tile, run.rows, vectors * kWidth, maps, begin > 0, targets + map * map_floats,
                      map_floats);
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

  // The pairs j >= i of one map become the full symmetric matrix.
  static void Mirror(int64_t m, float* w) {
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
      for (int64_t h = 0; h < shape.maps; ++h) Mirror(shape.fields, dw + h * map_floats);
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_CIN_IMPL_H_
