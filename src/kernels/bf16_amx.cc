// AVX-512 with bfloat16, and products of whole tiles (AMX).
//
// A tile's product sums sixteen pairs of the inner index at a time: the even ones in one chain of float32
// from zero, the odd ones in another, then both, which are added to what is there.
#if defined(__x86_64__)

#include "src/kernels/avx512bf16_vector.h"
#include "src/kernels/bf16_table_impl.h"

namespace tandem {
namespace {

struct Amx : Avx512 {
  static constexpr int kRows = 16;
  static constexpr bool kTiles = true;

  struct Config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  };
  static_assert(sizeof(Config) == 64);
  static constexpr Config kConfig = {
      1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

  // Tiles are a thread's own, and empty but while it multiplies.
  class Tilework {
   public:
    Tilework() { _tile_loadconfig(&kConfig); }
    ~Tilework() { _tile_release(); }
    Tilework(const Tilework&) = delete;
    Tilework& operator=(const Tilework&) = delete;
  };

  static void TileProduct(int64_t steps, const float* a, int64_t a_row, const float* b, int64_t b_step,
                          int64_t b_vector, int vectors, float* sums) {
    // GCC doesn't know that a tile's load reads memory: all that was written before lies there from here on.
    asm volatile("" ::: "memory");
    const int64_t a_bytes = a_row * 4, b_bytes = b_step * 4;
    _tile_loadd(0, sums, 2 * kWidth * 4);
    if (vectors == 1) {
      for (int64_t s = 0; s < steps; s += 16, a += 16, b += 16 * b_step) {
        _tile_loadd(2, a, a_bytes);
        _tile_loadd(3, b, b_bytes);
        _tile_dpbf16ps(0, 2, 3);
      }
    } else {
      _tile_loadd(1, sums + kWidth, 2 * kWidth * 4);
      for (int64_t s = 0; s < steps; s += 16, a += 16, b += 16 * b_step) {
        _tile_loadd(2, a, a_bytes);
        _tile_loadd(3, b, b_bytes);
        _tile_dpbf16ps(0, 2, 3);
        _tile_loadd(4, b + b_vector, b_bytes);
        _tile_dpbf16ps(1, 2, 4);
      }
      _tile_stored(1, sums + kWidth, 2 * kWidth * 4);
    }
    _tile_stored(0, sums, 2 * kWidth * 4);
  }
};

}  // namespace

constexpr Bf16Products kAmxBf16Products = Bf16ProductsOf<Amx>("amx");

}  // namespace tandem

#endif  // __x86_64__
