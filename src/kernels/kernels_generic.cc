// Portable: the compilers' own vectors of four floats, multiplication and addition rounded apart.
#include "src/kernels/table.h"
#include "src/kernels/vector_impl.h"

namespace tandem {
namespace {

struct Generic {
  typedef float Reg __attribute__((vector_size(16)));
  static constexpr int kWidth = 4;
  static constexpr int kRows = 4;
  static constexpr int kVectors = 2;
  static constexpr int kGemmRows = 4;
  static constexpr int MaxVectors(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : 2; }

  static Reg Zero() { return Reg{0, 0, 0, 0}; }
  static Reg Broadcast(const float* p) { return Reg{*p, *p, *p, *p}; }
  static Reg Load(const float* p) {
    Reg x;
    __builtin_memcpy(&x, p, sizeof(x));
    return x;
  }
  static void Store(float* p, Reg x) { __builtin_memcpy(p, &x, sizeof(x)); }
  static Reg LoadFirst(const float* p, int n) {
    Reg x = Zero();
    for (int i = 0; i < n; ++i) x[i] = p[i];
    return x;
  }
  static void StoreFirst(float* p, Reg x, int n) {
    for (int i = 0; i < n; ++i) p[i] = x[i];
  }
  static Reg Add(Reg a, Reg b) { return a + b; }
  static Reg Mul(Reg a, Reg b) { return a * b; }
  static Reg Fma(Reg a, Reg b, Reg c) { return a * b + c; }
  // A comparison with NaN is false: NaN stays NaN.
  static Reg Relu(Reg x) {
    for (int i = 0; i < kWidth; ++i) x[i] = x[i] < 0 ? 0 : x[i];
    return x;
  }
  static float Sum(Reg x) { return (x[0] + x[2]) + (x[1] + x[3]); }
};

}  // namespace

constexpr KernelTable kGenericKernels = TableOf<Generic>("generic");

}  // namespace tandem
