// Large memory that begins as zeros.
#include "src/util/zeroed_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tandem {
namespace {

using Pages = ZeroedMemory::Pages;

TEST(ZeroedMemoryTest, IsZeroAndAlignedAtAnySize) {
  for (const Pages pages : {Pages::kSmall, Pages::kHuge}) {
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{65535}, size_t{65536}, size_t{65537},
                               size_t{2} << 20, (size_t{5} << 20) + 12}) {
      // Twice, so that what the heap gives has been used.
      for (int round = 0; round < 2; ++round) {
        const ZeroedMemory memory(bytes, pages);
        ASSERT_GE(memory.bytes(), bytes);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % 64, 0u);
        auto* begin = static_cast<unsigned char*>(memory.data());
        ASSERT_TRUE(std::all_of(begin, begin + memory.bytes(), [](unsigned char c) { return c == 0; }))
            << bytes;
        std::fill_n(begin, memory.bytes(), static_cast<unsigned char>(255));
      }
    }
  }
}

TEST(ZeroedMemoryTest, MovesLeaveNothingBehind) {
  ZeroedMemory first(1 << 20, Pages::kHuge);
  void* const place = first.data();
  ZeroedMemory second(std::move(first));
  EXPECT_EQ(second.data(), place);
  ZeroedMemory third;
  EXPECT_EQ(third.data(), nullptr);
  EXPECT_EQ(third.bytes(), 0u);
  third = std::move(second);
  EXPECT_EQ(third.data(), place);
}

}  // namespace
}  // namespace tandem
