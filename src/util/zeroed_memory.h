// Zeroed memory of some size that is taken once and given back as a whole: what tables are made of.
//
//   ZeroedMemory memory(bytes, ZeroedMemory::Pages::kHuge);
//   auto* floats = static_cast<float*>(memory.data());
//
// Large blocks are pages of their own, outside of the heap: they take no room until they are written to, and
// all of it goes back to the system. Huge pages (of 2 MB, where the system has them to give and the block has
// room for them) are for what is read at random: the processor then knows the pages by heart.
#ifndef TANDEM_SRC_UTIL_ZEROED_MEMORY_H_
#define TANDEM_SRC_UTIL_ZEROED_MEMORY_H_

#include <cstddef>

namespace tandem {

class ZeroedMemory {
 public:
  enum class Pages { kSmall, kHuge };

  ZeroedMemory() = default;
  // Aligned to a cache line; less than 64 KB come from the heap. Ends the program where there is no memory.
  ZeroedMemory(size_t bytes, Pages pages);
  ~ZeroedMemory();
  ZeroedMemory(ZeroedMemory&& other) noexcept;
  ZeroedMemory& operator=(ZeroedMemory&& other) noexcept;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_UTIL_ZEROED_MEMORY_H_
