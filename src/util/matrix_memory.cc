// Memory for matrices: whole cache lines, huge pages where they pay (tandem/matrix.h).
#include <sys/mman.h>

#include <new>

#include "tandem/matrix.h"

namespace tandem {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;

std::align_val_t Alignment(size_t bytes) { return std::align_val_t{bytes < kHugePage ? kLine : kHugePage}; }

}  // namespace

void* AllocateLines(size_t bytes) {
  void* p = ::operator new(bytes, Alignment(bytes));
#ifdef MADV_HUGEPAGE
  // Advice: where it isn't taken, small pages serve. Whole huge pages only, so that nothing beyond them is
  // filled in.
  if (bytes >= kHugePage) madvise(p, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return p;
}

void FreeLines(void* p, size_t bytes) { ::operator delete(p, Alignment(bytes)); }

}  // namespace tandem
