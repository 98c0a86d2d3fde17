// Counts the allocations of the whole program: for tests of code that promises to make none.
//
//   const int64_t before = AllocationCount();
//   ...
//   EXPECT_EQ(AllocationCount() - before, 0);
//
// A test that calls it gets counting replacements of operator new.
#ifndef TANDEM_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
#define TANDEM_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace tandem {

int64_t AllocationCount();

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
