#include "src/kernels/low_precision_variants.h"

#include <string>

namespace tandem {
namespace {

#if defined(__x86_64__)
bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool HasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

template <class Table>
const Table& Find(const std::vector<const Table*>& available, const std::string& kernels) {
  for (const Table* table : available) {
    const std::string name = table->name;
    if (name == kernels) return *table;
    if (kernels == "avx512" && name.compare(0, kernels.size(), kernels) == 0) return *table;
  }
  return kernels == "avx512" ? Find(available, "avx2") : *available.back();
}

}  // namespace

std::vector<const Int8Kernels*> AvailableInt8Kernels() {
  std::vector<const Int8Kernels*> available;
#if defined(__x86_64__)
  if (HasAvx512() && __builtin_cpu_supports("avx512vnni")) available.push_back(&kAvx512VnniKernels);
  if (HasAvx2()) available.push_back(&kAvx2Int8Kernels);
#endif
  available.push_back(&kGenericInt8Kernels);
  return available;
}

std::vector<const Bf16Kernels*> AvailableBf16Kernels() {
  std::vector<const Bf16Kernels*> available;
#if defined(__x86_64__)
  if (HasAvx512() && __builtin_cpu_supports("avx512bf16")) available.push_back(&kAvx512Bf16Kernels);
  if (HasAvx2()) available.push_back(&kAvx2Bf16Kernels);
#endif
  available.push_back(&kGenericBf16Kernels);
  return available;
}

const Int8Kernels& FindInt8Kernels(const Kernels& kernels) {
  return Find(AvailableInt8Kernels(), kernels.name());
}
const Bf16Kernels& FindBf16Kernels(const Kernels& kernels) {
  return Find(AvailableBf16Kernels(), kernels.name());
}

}  // namespace tandem
