// The compressed interaction network of bfloat16 factors (bf16_products.h), for any vector type; how a layer
// is a matrix product, and how it is cut into strips, tiles and blocks, is told in cin_impl.h.
//
// Forward multiplies pairs of pairs: (i, j) in the order i, j, two at a time, whatever the tile. Backward
// multiplies maps two at a time, and for the weights' gradient columns. The sizes that a sum's order depends
// on are the same in all variants.
#ifndef TANDEM_SRC_KERNELS_BF16_CIN_IMPL_H_
#define TANDEM_SRC_KERNELS_BF16_CIN_IMPL_H_

#include <cstdint>

#include "src/kernels/bf16_tile.h"
#include "src/kernels/cin_impl.h"
#include "tandem/cin_shape.h"
#include "tandem/matrix.h"

namespace tandem {

template <class V>
struct Bf16Cin : Bf16Tiles<V> {
  using Base = Bf16Tiles<V>;
  using Reg = typename V::Reg;
  using Split = typename Base::Split;
  // Runs of pairs, columns and tiles of float32 are those of the float32 kernels.
  using F32 = CinKernels<V>;
  using Columns = typename F32::Columns;
  using Run = typename F32::Run;
  using Runs = typename F32::Runs;
  static constexpr int kWidth = V::kWidth;
  static constexpr int kTileColumns = V::kVectors * kWidth;

  // Pairs of a block, whose products fill half of the first-level cache.
  static constexpr int64_t kBlockPairs = 384;
  // Floats of the tiles of one strip of columns, for which a block's weights stay in the second-level cache.
  static constexpr int64_t kStripFloats = 16384;
  // More maps than that go in several passes, and so do more fields.
  static constexpr int64_t kMaxMaps = 512;
  static constexpr int64_t kMaxFields = 256;
  // Columns and maps that one pass of BackwardWeights sums; a row of products is a line longer than its
  // pairs.
  static constexpr int64_t kSumColumns = 512;
  static constexpr int64_t kSumMaps = 256;
  static constexpr int64_t kProductStride = kSumColumns / 2 + 16;

  // The pairs (i, j) of the fields [begin, end), i ascending, then j.
  struct PairWalk {
    const CinShape* shape;
    int64_t begin;
    int64_t end;
    int64_t i;
    int64_t j;

    TANDEM_INLINE PairWalk Of(const CinShape& shape, int64_t begin, int64_t end) {
      return {&shape, begin, end, 0, begin};
    }
    [[gnu::always_inline]] void Next() {
      if (++j < end) return;
      ++i;
      j = shape->symmetric ? Base::Max(begin, i) : begin;
    }
  };
  TANDEM_INLINE int64_t PairsOfPass(const CinShape& shape, int64_t begin, int64_t end) {
    if (!shape.symmetric) return shape.previous * (end - begin);
    const int64_t fields = end - begin;
    return begin * fields + fields * (fields + 1) / 2;
  }
  // Floats of the packed weights of one map in a pass, for Forward; and those of all passes.
  TANDEM_INLINE int64_t ForwardFloats(const CinShape& shape) {
    int64_t floats = 0;
    for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
      floats += Base::StepsOf(PairsOfPass(shape, field, Base::Min(shape.fields, field + kMaxFields)));
    }
    return floats;
  }
  // Floats of the packed weights of `maps` maps, for BackwardData.
  TANDEM_INLINE int64_t BackwardFloats(const CinShape& shape, int64_t maps) {
    return Base::StepsOf(maps) * F32::Pairs(shape);
  }

  // Packed: for every pass of maps and of fields, [block of pairs][group of maps][pair of pairs][map of the
  // group] for Forward; then, in the same way, [run of pairs][pair of maps][pair of the run] for
  // BackwardData. A pass begins with a map of an even number, so that only the last has a half pair.
  static int64_t PackedFloats(const CinShape& shape) {
    // A tile reads more rows than its own.
    const int64_t slack = V::kTiles ? V::kRows * Base::StepsOf(kMaxMaps) : 0;
    return shape.maps * ForwardFloats(shape) + BackwardFloats(shape, shape.maps) + slack;
  }

  static void Pack(const CinShape& shape, const float* w, float* packed) {
    const int64_t map_floats = static_cast<int64_t>(shape.previous) * shape.fields;
    float* backward = packed + shape.maps * ForwardFloats(shape);
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      const int64_t maps = Base::Min(kMaxMaps, shape.maps - map);
      const float* source = w + map * map_floats;
      for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
        const int64_t end = Base::Min(shape.fields, field + kMaxFields);
        packed = PackForward(shape, field, end, maps, source, map_floats, packed);
        backward = PackBackward(shape, field, end, maps, source, map_floats, backward);
      }
    }
  }

  // One step of the left factor of `rows` rows.
  TANDEM_INLINE void StoreLeft(Reg pairs, int64_t rows, int64_t steps, int64_t step, float* packed) {
    if constexpr (V::kTiles) {
      alignas(64) float lanes[kWidth];
      V::Store(lanes, pairs);
      for (int64_t r = 0; r < rows; ++r) packed[r * steps + step] = lanes[r];
    } else {
      Base::StoreLanes(packed + step * rows, pairs, rows);
    }
  }

  static float* PackForward(const CinShape& shape, int64_t begin, int64_t end, int64_t maps, const float* w,
                            int64_t map_floats, float* packed) {
    const Split groups = Split::Of(maps, V::kRows);
    PairWalk walk = PairWalk::Of(shape, begin, end);
    const int64_t total = PairsOfPass(shape, begin, end);
    for (int64_t first = 0; first < total; first += kBlockPairs) {
      const int64_t pairs = Base::Min(kBlockPairs, total - first);
      PairWalk last = walk;
      for (int64_t g = 0; g < groups.pieces; ++g) {
        const int64_t map = groups.Begin(g);
        const int64_t count = groups.Begin(g + 1) - map;
        last = walk;
        const int64_t steps = Base::StepsOf(pairs);
        for (int64_t s = 0; s < steps; ++s) {
          alignas(64) float weights[2][kWidth] = {};
          for (int64_t half = 0; half < Base::Min(2, pairs - 2 * s); ++half, last.Next()) {
            for (int64_t m = 0; m < count; ++m) {
              weights[half][m] = F32::Folded(shape, w + (map + m) * map_floats, {last.i, last.j});
            }
          }
          StoreLeft(V::Interleaved(V::Load(weights[0]), V::Load(weights[1])), count, steps, s, packed);
        }
        packed += steps * count;
      }
      walk = last;
    }
    return packed;
  }

  static float* PackBackward(const CinShape& shape, int64_t begin, int64_t end, int64_t maps, const float* w,
                             int64_t map_floats, float* packed) {
    Runs runs = {&shape, begin, end};
    for (Run run; runs.Next(&run);) {
      const int64_t steps = Base::StepsOf(maps);
      for (int64_t step = 0; step < steps; ++step) {
        alignas(64) float weights[2][kWidth] = {};
        for (int64_t half = 0; half < Base::Min(2, maps - 2 * step); ++half) {
          const float* source = w + (2 * step + half) * map_floats;
          for (int64_t r = 0; r < run.rows; ++r) {
            weights[half][r] = F32::Folded(shape, source, {run.i, run.j + r});
          }
        }
        StoreLeft(V::Interleaved(V::Load(weights[0]), V::Load(weights[1])), run.rows, steps, step, packed);
      }
      packed += steps * run.rows;
    }
    return packed;
  }

  // The products of the next `pairs` pairs, two in a row of vectors * kWidth. x0 is the tile's, from field
  // walk->begin on.
  template <int vectors>
  static void Products(PairWalk* walk, int64_t pairs, const float* x0, const ConstMatrix& xk,
                       const Columns& columns, float* z) {
    constexpr int kColumns = vectors * kWidth;
    for (int64_t p = 0; p < pairs; p += 2, z += kColumns) {
      const float* left = xk.data + walk->i * xk.stride + columns.begin;
      const float* right = x0 + (walk->j - walk->begin) * kColumns;
      walk->Next();
      const bool whole = p + 1 < pairs;
      const float* left2 = whole ? xk.data + walk->i * xk.stride + columns.begin : left;
      const float* right2 = whole ? x0 + (walk->j - walk->begin) * kColumns : right;
      if (whole) walk->Next();
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : columns.last_lanes;
        const int c = v * kWidth;
        const Reg even = V::Mul(Base::LoadLanes(left + c, lanes), V::Load(right + c));
        const Reg odd = V::Mul(Base::LoadLanes(left2 + c, lanes), V::Load(right2 + c));
        V::Store(z + c, V::Interleaved(even, whole ? odd : V::Zero()));
      }
    }
  }

  // Adds a block's pairs to sums [maps][vectors * kWidth].
  template <int vectors>
  static void ForwardBlock(PairWalk walk, int64_t pairs, const float* weights, const float* x0,
                           const ConstMatrix& xk, const Columns& columns, float* sums) {
    constexpr int kColumns = vectors * kWidth;
    alignas(64) float z[kBlockPairs / 2 * kColumns];
    const int64_t maps = walk.shape->maps;
    Products<vectors>(&walk, pairs, x0, xk, columns, z);
    Base::FillSteps(pairs, kColumns, z);
    const int64_t steps = Base::StepsOf(pairs);
    const Split groups = Split::Of(maps, V::kRows);
    for (int64_t g = 0; g < groups.pieces; ++g) {
      const int64_t map = groups.Begin(g);
      const int64_t rows = groups.Begin(g + 1) - map;
      Base::template Dot<1>(rows, vectors, steps, weights + map * steps, Base::LeftStride(rows, steps), z,
                            kColumns, kWidth,
                            {nullptr, true, false, kWidth, sums + map * kColumns, kColumns});
    }
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
    const int64_t strip_columns = F32::StripColumns(shape.maps, end - begin);
    const int64_t total = PairsOfPass(shape, begin, end);
    for (int64_t strip = 0; strip < x0.cols; strip += strip_columns) {
      const auto for_each_tile = [&](const auto& f) __attribute__((always_inline)) {
        F32::ForEachTile(strip, strip + strip_columns, x0.cols, f);
      };
      for_each_tile([&](auto constant, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        constexpr int kVectors = decltype(constant)::value;
        float* sum = sums + t * sums_floats;
        F32::template LoadColumns<kVectors>(x0, begin, end, columns, x0_tiles + t * x0_floats);
        if (begin > 0)
          return F32::template LoadColumns<kVectors>(ConstMatrix{out.data, out.rows, out.cols, out.stride}, 0,
                                                     shape.maps, columns, sum);
        for (int64_t h = 0; h < shape.maps; ++h) {
          const Reg start = bias != nullptr ? V::Broadcast(bias + h) : V::Zero();
          TANDEM_UNROLL for (int v = 0; v < kVectors; ++v) V::Store(sum + (h * kVectors + v) * kWidth, start);
        }
      });
      PairWalk walk = PairWalk::Of(shape, begin, end);
      const float* weights = packed;
      for (int64_t first = 0; first < total; first += kBlockPairs) {
        const int64_t pairs = Base::Min(kBlockPairs, total - first);
        for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
          ForwardBlock<decltype(vectors)::value>(walk, pairs, weights, x0_tiles + t * x0_floats, xk, columns,
                                                 sums + t * sums_floats);
        });
        for (int64_t p = 0; p < pairs; ++p) walk.Next();
        weights += Base::StepsOf(pairs) * shape.maps;
      }
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        F32::template StoreSums<decltype(vectors)::value>(sums + t * sums_floats, shape.maps,
                                                          relu && end == shape.fields, columns, out);
      });
    }
    return packed + Base::StepsOf(total) * shape.maps;
  }

  static void Forward(const CinShape& shape, const float* packed, const float* bias, bool relu,
                      const ConstMatrix& x0, const ConstMatrix& xk, const Matrix& out) {
    [[maybe_unused]] const typename V::Tilework tilework;
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      CinShape pass = shape;
      pass.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      const Matrix pass_out = {out.data + map * out.stride, pass.maps, out.cols, out.stride};
      for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
        packed = ForwardPass(pass, field, Base::Min(shape.fields, field + kMaxFields), packed,
                             bias != nullptr ? bias + map : nullptr, relu, x0, shape.symmetric ? x0 : xk,
                             pass_out);
      }
    }
  }

  using BackwardArgs = typename F32::BackwardArgs;

  // Pairs of maps, rows of vectors * kWidth.
  template <int vectors>
  static void LoadMapPairs(const ConstMatrix& d_out, const Columns& columns, float* tile) {
    for (int64_t h = 0; h < d_out.rows; h += 2, tile += vectors * kWidth) {
      const float* row = d_out.data + h * d_out.stride + columns.begin;
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t lanes = v + 1 < vectors ? kWidth : columns.last_lanes;
        const Reg odd =
            h + 1 < d_out.rows ? Base::LoadLanes(row + d_out.stride + v * kWidth, lanes) : V::Zero();
        V::Store(tile + v * kWidth, V::Interleaved(Base::LoadLanes(row + v * kWidth, lanes), odd));
      }
    }
    for (int64_t s = Base::PairsOf(d_out.rows); s < Base::StepsOf(d_out.rows); ++s) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) V::Store(tile + v * kWidth, V::Zero());
      tile += vectors * kWidth;
    }
  }

  // From dz [rows][vectors * kWidth] of a run of pairs: dxk[i] += dz x0[j], dx0[j] += dz xk[i]. The rows of
  // x0 and dx0 are those of a tile, xk and dxk lie in the whole matrices.
  template <int vectors>
  static void AddFactors(int64_t rows, const float* dz, const float* x0, float* dx0, const float* xk,
                         float* dxk, int64_t last_lanes) {
    Reg left[vectors];
    Reg d_left[vectors];
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      const int64_t lanes = v + 1 < vectors ? kWidth : last_lanes;
      left[v] = Base::LoadLanes(xk + v * kWidth, lanes);
      d_left[v] = Base::LoadLanes(dxk + v * kWidth, lanes);
    }
    for (int64_t r = 0; r < rows; ++r) {
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
        const int64_t c = (r * vectors + v) * kWidth;
        const Reg product = V::Load(dz + c);
        d_left[v] = V::Fma(product, V::Load(x0 + c), d_left[v]);
        V::Store(dx0 + c, V::Fma(product, left[v], V::Load(dx0 + c)));
      }
    }
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) {
      Base::StoreLanes(dxk + v * kWidth, d_left[v], v + 1 < vectors ? kWidth : last_lanes);
    }
  }

  // The runs of one block for one tile of columns. d_out is the tile's, x0 and dx0 as well, from field
  // runs.begin on.
  template <int vectors>
  static void BackwardBlock(const BackwardArgs& args, Runs runs, int64_t pairs, const float* packed,
                            const float* d_out, const float* x0, float* dx0, const Columns& columns) {
    constexpr int kColumns = vectors * kWidth;
    const int64_t steps = Base::StepsOf(args.shape.maps);
    alignas(64) float dz[V::kRows * kColumns];
    Run run;
    for (int64_t pair = 0; pair < pairs && runs.Next(&run); pair += run.rows) {
      const int64_t right = (run.j - runs.begin) * kColumns;
      const float* xk = args.xk.data + run.i * args.xk.stride + columns.begin;
      float* dxk = args.dxk.data + run.i * args.dxk.stride + columns.begin;
      Base::template PrefetchForWriting<vectors>(dxk);
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) __builtin_prefetch(xk + v * kWidth);
      Base::template Dot<1>(run.rows, vectors, steps, packed + pair * steps,
                            Base::LeftStride(run.rows, steps), d_out, kColumns, kWidth,
                            {nullptr, false, false, kWidth, dz, kColumns});
      AddFactors<vectors>(run.rows, dz, x0 + right, dx0 + right, xk, dxk, columns.last_lanes);
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
    const int64_t steps = Base::StepsOf(args.shape.maps);
    const int64_t d_floats = steps * kTileColumns;
    const int64_t x0_floats = (end - begin) * kTileColumns;
    const int64_t strip_columns = F32::StripColumns(Base::Max(args.shape.maps, steps), end - begin);
    for (int64_t strip = 0; strip < cols; strip += strip_columns) {
      const auto for_each_tile = [&](const auto& f) __attribute__((always_inline)) {
        F32::ForEachTile(strip, strip + strip_columns, cols, f);
      };
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        constexpr int kVectors = decltype(vectors)::value;
        LoadMapPairs<kVectors>(args.d_out, columns, d_tiles + t * d_floats);
        F32::template LoadColumns<kVectors>(args.x0, begin, end, columns, x0_tiles + t * x0_floats);
        float* dx0 = dx0_tiles + t * x0_floats;
        for (int64_t i = 0; i < x0_floats; i += kWidth) V::Store(dx0 + i, V::Zero());
      });
      const float* weights = packed;
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
        weights += pairs * steps;
      }
      for_each_tile([&](auto vectors, const Columns& columns, int64_t t) __attribute__((always_inline)) {
        F32::template AddColumns<decltype(vectors)::value>(dx0_tiles + t * x0_floats, begin, end, columns,
                                                           args.dx0);
      });
    }
    return packed + PairsOfPass(args.shape, begin, end) * steps;
  }

  static void BackwardData(const CinShape& shape, const float* packed, const ConstMatrix& x0,
                           const ConstMatrix& xk, const ConstMatrix& d_out, const Matrix& dx0,
                           const Matrix& dxk) {
    [[maybe_unused]] const typename V::Tilework tilework;
    const float* weights = packed + shape.maps * ForwardFloats(shape);
    BackwardArgs args = {shape, x0, shape.symmetric ? x0 : xk, d_out, dx0, shape.symmetric ? dx0 : dxk};
    for (int64_t map = 0; map < shape.maps; map += kMaxMaps) {
      args.shape.maps = static_cast<int>(Base::Min(kMaxMaps, shape.maps - map));
      args.d_out = {d_out.data + map * d_out.stride, args.shape.maps, d_out.cols, d_out.stride};
      for (int64_t field = 0; field < shape.fields; field += kMaxFields) {
        weights = BackwardPass(args, field, Base::Min(shape.fields, field + kMaxFields), weights);
      }
    }
  }

  // Pairs of columns of d_out, in panels [map / kWidth][pair][map % kWidth].
  static void TransposeMaps(const ConstMatrix& d_out, int64_t begin, int64_t columns, float* panels) {
    const int64_t steps = Base::StepsOf(columns);
    for (int64_t map = 0; map < d_out.rows; map += kWidth, panels += steps * kWidth) {
      Base::FillSteps(columns, kWidth, panels);
      const float* source = d_out.data + map * d_out.stride + begin;
      for (int64_t c = 0; c < columns; c += 2 * kWidth) {
        Base::StorePairsTransposed(source + c, d_out.stride, d_out.rows - map,
                                   Base::Min(2 * kWidth, columns - c), panels + c / 2 * kWidth);
      }
    }
  }

  // The products of a run of pairs, a row of pairs of columns each.
  static void ProductRows(const ConstMatrix& x0, const ConstMatrix& xk, int64_t begin, int64_t columns,
                          const Run& run, float* z) {
    const float* left = xk.data + run.i * xk.stride + begin;
    for (int64_t r = 0; r < run.rows; ++r, z += kProductStride) {
      const float* right = x0.data + (run.j + r) * x0.stride + begin;
      for (int64_t c = 0; c < columns; c += 2 * kWidth) {
        const int64_t lanes = columns - c;
        const Reg first = V::Mul(Base::LoadUpTo(left + c, lanes), Base::LoadUpTo(right + c, lanes));
        const Reg second = V::Mul(Base::LoadUpTo(left + c + kWidth, lanes - kWidth),
                                  Base::LoadUpTo(right + c + kWidth, lanes - kWidth));
        V::Store(z + c / 2, V::Adjacent(first, second));
      }
    }
  }

  // dw of at most kSumMaps maps over at most kSumColumns columns.
  static void WeightsPass(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                          const ConstMatrix& d_out, int64_t begin, int64_t columns, float* dw,
                          int64_t map_floats) {
    alignas(64) float panels[kSumMaps * kSumColumns / 2];
    alignas(64) float z[V::kRows * kProductStride];
    const int64_t steps = Base::StepsOf(columns);
    TransposeMaps(d_out, begin, columns, panels);
    const Split map_groups = Split::Of(Base::RoundUp(d_out.rows) / kWidth, V::kVectors);
    Runs runs = {&shape, 0, shape.fields};
    for (Run run; runs.Next(&run);) {
      ProductRows(x0, xk, begin, columns, run, z);
      float* targets = dw + run.i * shape.fields + run.j;
      for (int64_t q = 0; q < map_groups.pieces; ++q) {
        const int64_t panel = map_groups.Begin(q);
        const int64_t vectors = map_groups.Begin(q + 1) - panel;
        const int64_t map = panel * kWidth;
        const int64_t maps = Base::Min(vectors * kWidth, d_out.rows - map);
        for (int64_t h = map; h < map + maps; ++h) {
          __builtin_prefetch(targets + h * map_floats, /*for writing*/ 1);
          __builtin_prefetch(targets + h * map_floats + run.rows - 1, 1);
        }
        alignas(64) float tile[V::kRows * kTileColumns];
        Base::template Dot<kProductStride>(run.rows, vectors, steps, z, 1, panels + map * steps, kWidth,
                                           steps * kWidth,
                                           {nullptr, false, false, kWidth, tile, vectors * kWidth});
        F32::AddTransposed(tile, run.rows, vectors * kWidth, maps, begin > 0, targets + map * map_floats,
                           map_floats);
      }
    }
  }

  static void BackwardWeights(const CinShape& shape, const ConstMatrix& x0, const ConstMatrix& xk,
                              const ConstMatrix& d_out, float* dw) {
    [[maybe_unused]] const typename V::Tilework tilework;
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
      for (int64_t h = 0; h < shape.maps; ++h) F32::Mirror(shape.fields, dw + h * map_floats);
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_BF16_CIN_IMPL_H_
