// The register tile: the one inner loop behind every matrix kernel.
//
// V is an instruction set's vector: a struct in the anonymous namespace of its translation unit, so that all
// instantiations are local to that unit. It has
//   Reg, kWidth                                            a register and its floats
//   Zero, Broadcast, Load, Store, LoadFirst, StoreFirst    First: the first n lanes, 1 <= n <= kWidth; others
//                                                          read as 0
//   Add, Mul, Fma, Relu, Sum                               Fma(a, b, c) = a * b + c
//   kRows, kVectors, MaxVectors(rows)                      tile sizes that its registers hold
#ifndef TANDEM_SRC_KERNELS_TILE_H_
#define TANDEM_SRC_KERNELS_TILE_H_

#include <cstdint>

#define TANDEM_INLINE [[gnu::always_inline]] static inline
#if defined(__clang__)
#define TANDEM_UNROLL _Pragma("unroll")
#else
#define TANDEM_UNROLL _Pragma("GCC unroll 32")
#endif

namespace tandem {

template <int n>
struct Constant {
  static constexpr int value = n;
};

// What is added to a sum once it is complete: floats[count - 1] + (... + (floats[0] + sum)), of which each
// lies from floats[k] + `at` on as the sum's target does from its own beginning.
struct Addends {
  const float* const* floats = nullptr;
  int count = 0;
  int64_t at = 0;
};

template <class V>
struct Tiles {
  using Reg = typename V::Reg;
  static constexpr int kWidth = V::kWidth;

  // Calls f(Constant<n>()) for a run-time n in [1, max].
  template <int max, class F>
  TANDEM_INLINE void WithConstant(int n, const F& f) {
    if constexpr (max > 1) {
      if (n < max) return WithConstant<max - 1>(n, f);
    }
    f(Constant<max>());
  }

  // How `total` is cut into the fewest pieces of at most `most`, alike in size: piece t is
  // [Begin(t), Begin(t + 1)).
  struct Split {
    int64_t total;
    int64_t pieces;
    TANDEM_INLINE Split Of(int64_t total, int64_t most) { return {total, (total + most - 1) / most}; }
    [[gnu::always_inline]] int64_t Begin(int64_t piece) const { return total * piece / pieces; }
  };

  TANDEM_INLINE int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
  TANDEM_INLINE int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

  TANDEM_INLINE Reg LoadLanes(const float* p, int64_t lanes) {
    return lanes >= kWidth ? V::Load(p) : V::LoadFirst(p, static_cast<int>(lanes));
  }
  TANDEM_INLINE void StoreLanes(float* p, Reg x, int64_t lanes) {
    if (lanes >= kWidth) {
      V::Store(p, x);
    } else {
      V::StoreFirst(p, x, static_cast<int>(lanes));
    }
  }

  // The sum of a register and of what lies at `offset` of the addends.
  TANDEM_INLINE Reg AddAll(const Addends& addends, int64_t offset, int64_t lanes, Reg sum) {
    for (int k = 0; k < addends.count; ++k)
      sum = V::Add(LoadLanes(addends.floats[k] + addends.at + offset, lanes), sum);
    return sum;
  }
  // Calls run(first, end) for pieces of [0, steps), and between them fetches what a tile of `rows` rows is
  // going to add: some lines at a time, so that the sum doesn't wait for them.
  template <int rows, int vectors, class F>
  TANDEM_INLINE void WhileFetching(const Addends& addends, int64_t row_stride, int64_t steps, const F& run) {
    int64_t first = 0;
    for (int r = addends.count > 0 ? 0 : rows; r <= rows; ++r) {
      if (r < rows) {
        for (int k = 0; k < addends.count; ++k) {
          const float* p = addends.floats[k] + addends.at + r * row_stride;
          TANDEM_UNROLL for (int v = 0; v < vectors; ++v) __builtin_prefetch(p + v * kWidth);
        }
      }
      const int64_t end = r < rows ? steps * (r + 1) / (2 * rows) : steps;
      run(first, end);
      first = end;
    }
  }

  template <int... lane>
  struct Lanes {};
  template <int n, int... lane>
  struct LanesUpTo : LanesUpTo<n - 1, n - 1, lane...> {};
  template <int... lane>
  struct LanesUpTo<0, lane...> {
    using Type = Lanes<lane...>;
  };

  // Exchanges the odd groups of `group` lanes of *a with the even ones of *b.
  template <int group, int... lane>
  TANDEM_INLINE void Exchange(Reg* a, Reg* b, Lanes<lane...>) {
    const Reg even = __builtin_shufflevector(*a, *b, ((lane & group) ? kWidth + lane - group : lane)...);
    *b = __builtin_shufflevector(*a, *b, ((lane & group) ? kWidth + lane : lane + group)...);
    *a = even;
  }
  // Transposes the matrix whose rows are x[0], ..., x[kWidth - 1].
  template <int group = 1>
  TANDEM_INLINE void Transpose(Reg (&x)[kWidth]) {
    TANDEM_UNROLL for (int i = 0; i < kWidth; ++i) {
      if ((i & group) == 0) Exchange<group>(&x[i], &x[i + group], typename LanesUpTo<kWidth>::Type());
    }
    if constexpr (2 * group < kWidth) Transpose<2 * group>(x);
  }

  // target[i * kWidth + lane] = source[lane * stride + i] for i < count <= kWidth; lanes from `lanes` on are
  // 0.
  TANDEM_INLINE void StoreTransposed(const float* source, int64_t stride, int64_t lanes, int64_t count,
                                     float* target) {
    Reg x[kWidth];
    TANDEM_UNROLL for (int lane = 0; lane < kWidth; ++lane) x[lane] =
        lane < lanes ? LoadLanes(source + lane * stride, count) : V::Zero();
    Transpose(x);
    TANDEM_UNROLL for (int i = 0; i < kWidth; ++i) {
      if (i < count) V::Store(target + i * kWidth, x[i]);
    }
  }

  // Fetches what a tile is going to write while it still sums.
  template <int vectors>
  TANDEM_INLINE void PrefetchForWriting(const float* p) {
    TANDEM_UNROLL for (int v = 0; v < vectors; ++v) __builtin_prefetch(p + v * kWidth, 1);
  }

  // sum[r][v] += sum over s of a[r * a_row + s * a_step] * b[s * b_step + v * b_vector + lane], one chain a
  // lane, s ascending.
  template <int rows, int vectors>
  TANDEM_INLINE void Accumulate(int64_t steps, const float* a, int64_t a_row, int64_t a_step, const float* b,
                                int64_t b_step, int64_t b_vector, Reg (&sum)[rows][vectors]) {
    for (int64_t s = 0; s < steps; ++s) {
      Reg right[vectors];
      TANDEM_UNROLL for (int v = 0; v < vectors; ++v) right[v] = V::Load(b + v * b_vector);
      TANDEM_UNROLL for (int r = 0; r < rows; ++r) {
        const Reg left = V::Broadcast(a + r * a_row);
        TANDEM_UNROLL for (int v = 0; v < vectors; ++v) sum[r][v] = V::Fma(left, right[v], sum[r][v]);
      }
      a += a_step;
      b += b_step;
    }
  }
};

}  // namespace tandem

#endif  // TANDEM_SRC_KERNELS_TILE_H_
