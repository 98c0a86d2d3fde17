#include "tests/support/allocation_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> allocations{0};

void* Counted(void* memory) {
  ++allocations;
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(size_t n) { return Counted(std::malloc(n > 0 ? n : 1)); }
void* operator new(size_t n, std::align_val_t alignment) {
  const size_t a = static_cast<size_t>(alignment);
  return Counted(std::aligned_alloc(a, (n + a - 1) / a * a));
}
// The library's temporary buffers (std::stable_sort) ask in this way.
void* operator new(size_t n, const std::nothrow_t& /*tag*/) noexcept {
  ++allocations;
  return std::malloc(n > 0 ? n : 1);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }

namespace tandem {

int64_t AllocationCount() { return allocations; }

}  // namespace tandem
