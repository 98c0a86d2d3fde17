// Memory for matrices: whole cache lines, huge pages where they pay (tandem/matrix.h).
#include <sys/mman.h>

#include <new>

#include "tandem/matrix.h"

namespace tandem {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
// What fills a huge page to less than that is left to small ones.
constexpr size_t kLeastHuge = kHugePage / 4;

bool IsHuge(size_t bytes) { return bytes >= kLeastHuge; }
std::align_val_t Alignment(size_t bytes) { return std::align_val_t{IsHuge(bytes) ? kHugePage : kLine}; }
// Whole huge pages, so that nothing else is filled in by the advice.
size_t Taken(size_t bytes) { return IsHuge(bytes) ? (bytes + kHugePage - 1) / kHugePage * kHugePage : bytes; }

}  // namespace

void* AllocateLines(size_t bytes) {
  void* p = ::operator new(Taken(bytes), Alignment(bytes));
#ifdef MADV_HUGEPAGE
  // Advice: where it isn't taken, small pages serve.
  if (IsHuge(bytes)) madvise(p, Taken(bytes), MADV_HUGEPAGE);
#endif
  return p;
}

void FreeLines(void* p, size_t bytes) { ::operator delete(p, Alignment(bytes)); }

}  // namespace tandem
