// The branchless search for a bucket against the standard library.
#include "src/data/bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tandem {
namespace {

TEST(BucketTest, IsTheUpperBound) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (int size = 0; size <= 150; ++size) {
    // 0, 1, 1, 2, 3, 3, 4, ...: some boundaries twice.
    std::vector<double> boundaries;
    for (int i = 0; i < size; ++i) boundaries.push_back(std::floor((2 * i + 1) / 3.0));
    std::vector<double> numbers = {-kInfinity, kInfinity, std::nan(""), -0.0};
    for (int i = -2; i <= 2 * size; ++i) numbers.push_back(i * 0.5);
    for (const double number : numbers) {
      EXPECT_EQ(Bucket(boundaries, number),
                static_cast<size_t>(std::upper_bound(boundaries.begin(), boundaries.end(), number) -
                                    boundaries.begin()))
          << number << " of " << size;
    }
  }
}

}  // namespace
}  // namespace tandem
