// The rate's schedule.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"
#include "tests/support/text_proto.h"

namespace tandem {
namespace {

double Factor(const std::string& text, int64_t step) {
  return ScheduleFactor(ParseText<proto::Schedule>(text), step);
}

TEST(Schedule, IsConstantByDefault) {
  EXPECT_EQ(1, Factor("", 1));
  EXPECT_EQ(1, Factor("", 1000000));
}

TEST(Schedule, WarmsUpLinearly) {
  EXPECT_DOUBLE_EQ(0.25, Factor("warmup_steps: 4", 1));
  EXPECT_DOUBLE_EQ(0.75, Factor("warmup_steps: 4", 3));
  EXPECT_EQ(1, Factor("warmup_steps: 4", 4));
  EXPECT_EQ(1, Factor("warmup_steps: 4", 5));
}

TEST(Schedule, DecaysLinearlyFromTheEndOfTheWarmUp) {
  const std::string text = "warmup_steps: 4 decay: LINEAR decay_steps: 10 final: 0.2";
  EXPECT_DOUBLE_EQ(0.5, Factor(text, 2));
  EXPECT_EQ(1, Factor(text, 5));
  EXPECT_DOUBLE_EQ(1 - 0.8 * 0.3, Factor(text, 8));
  EXPECT_DOUBLE_EQ(0.2, Factor(text, 15));
  EXPECT_DOUBLE_EQ(0.2, Factor(text, 400));
}

TEST(Schedule, DecaysAlongACosine) {
  const std::string text = "decay: COSINE decay_steps: 8 final: 0.5";
  EXPECT_EQ(1, Factor(text, 1));
  EXPECT_DOUBLE_EQ(0.5 + 0.5 * (1 + std::sqrt(0.5)) / 2, Factor(text, 3));
  EXPECT_DOUBLE_EQ(0.75, Factor(text, 5));
  EXPECT_DOUBLE_EQ(0.5, Factor(text, 9));
  EXPECT_DOUBLE_EQ(0.5, Factor(text, 90));
}

TEST(Schedule, DecaysExponentiallyWithoutEnd) {
  const std::string text = "decay: EXPONENTIAL decay_steps: 10 final: 0.25";
  EXPECT_EQ(1, Factor(text, 1));
  EXPECT_DOUBLE_EQ(0.5, Factor(text, 6));
  EXPECT_DOUBLE_EQ(0.25, Factor(text, 11));
  EXPECT_DOUBLE_EQ(0.0625, Factor(text, 21));
}

TEST(Schedule, ReachesZeroExactlyWhereNothingIsToBeLeft) {
  EXPECT_EQ(0, Factor("decay: LINEAR decay_steps: 10", 11));
  EXPECT_EQ(0, Factor("decay: COSINE decay_steps: 10", 11));
}

}  // namespace
}  // namespace tandem
