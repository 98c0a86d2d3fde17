#include "src/util/zeroed_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace tandem {
namespace {

constexpr std::align_val_t kLine{64};
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
// Smaller blocks come from the heap: a page of its own would waste most of itself.
constexpr size_t kLeastMapped = size_t{64} << 10;

void* Map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();  // as the heap does
  return memory;
}

// Pages from a multiple of a huge page on: mapped with room to spare, which is given back. The end beyond the
// last whole huge page stays in small ones.
void* MapHuge(size_t bytes) {
  char* memory = static_cast<char*>(Map(bytes + kHugePage));
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(memory) % kHugePage) % kHugePage;
  if (before > 0) munmap(memory, before);
  munmap(memory + before + bytes, kHugePage - before);
#if defined(MADV_HUGEPAGE)
  // Advice: where it isn't taken, small pages serve.
  madvise(memory + before, bytes, MADV_HUGEPAGE);
#endif
  return memory + before;
}

}  // namespace

ZeroedMemory::ZeroedMemory(size_t bytes, Pages pages) : bytes_(bytes) {
  if (bytes < kLeastMapped) {
    data_ = std::memset(::operator new(bytes, kLine), 0, bytes);
    return;
  }
  bytes_ = (bytes + kPage - 1) / kPage * kPage;
  data_ = pages == Pages::kHuge ? MapHuge(bytes_) : Map(bytes_);
}

ZeroedMemory::~ZeroedMemory() {
  if (data_ == nullptr) return;
  if (bytes_ < kLeastMapped) {
    ::operator delete(data_, kLine);
  } else {
    munmap(data_, bytes_);
  }
}

ZeroedMemory::ZeroedMemory(ZeroedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

ZeroedMemory& ZeroedMemory::operator=(ZeroedMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace tandem
