// RunPipeline: every item once, in order, whatever the threads; errors in their place.
#include "src/util/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace tandem {
namespace {

using testing::ElementsAreArray;

struct Item {
  int number = 0;
  int result = 0;
};

// Runs `count` items; the fill of `bad_fill` and the take of `bad_take` fail.
absl::Status RunSquares(int threads, int count, int bad_fill, int bad_take, std::vector<int>* results) {
  std::vector<Item> items(PipelineItems(threads));
  int next = 0;
  return RunPipeline(
      threads, absl::MakeSpan(items),
      [&](Item* item) -> absl::StatusOr<bool> {
        if (next == bad_fill) return absl::DataLossError("fill");
        item->number = next;
        item->result = -1;
        return next++ < count;
      },
      [&](Item* item, int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, threads);
        if (item->number % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        item->result = item->number * item->number;
      },
      [&](Item* item) -> absl::Status {
        if (static_cast<int>(results->size()) == bad_take) return absl::AbortedError("take");
        results->push_back(item->result);
        return absl::OkStatus();
      });
}

std::vector<int> Squares(int count) {
  std::vector<int> squares(count);
  for (int i = 0; i < count; ++i) squares[i] = i * i;
  return squares;
}

class PipelineTest : public testing::TestWithParam<int> {};

TEST_P(PipelineTest, TakesEveryItemInOrder) {
  for (const int count : {0, 1, 3, 500}) {
    std::vector<int> results;
    EXPECT_TRUE(RunSquares(GetParam(), count, -1, -1, &results).ok());
    EXPECT_THAT(results, ElementsAreArray(Squares(count)));
  }
}

TEST_P(PipelineTest, AnErrorOfFillingComesAfterTheItemsBeforeIt) {
  for (const int bad : {0, 1, 60}) {
    std::vector<int> results;
    EXPECT_EQ(RunSquares(GetParam(), 100, bad, -1, &results).message(), "fill");
    EXPECT_THAT(results, ElementsAreArray(Squares(bad)));
  }
}

TEST_P(PipelineTest, AnErrorOfTakingEndsIt) {
  for (const int bad : {0, 1, 60}) {
    std::vector<int> results;
    EXPECT_EQ(RunSquares(GetParam(), 100, -1, bad, &results).message(), "take");
    EXPECT_THAT(results, ElementsAreArray(Squares(bad)));
  }
}

TEST_P(PipelineTest, FillingOverlapsWithWorking) {
  std::vector<Item> items(PipelineItems(GetParam()));
  std::atomic<int> filled{0};
  bool ahead = false;
  const absl::Status status = RunPipeline(
      GetParam(), absl::MakeSpan(items),
      [&](Item*) -> absl::StatusOr<bool> { return filled.fetch_add(1) < 2; },
      // The first item isn't done before the second is filled.
      [&](Item*, int /*worker*/) {
        for (int i = 0; i < 10000 && filled < 2; ++i)
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
      },
      [&](Item*) {
        ahead = filled >= 2;
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_TRUE(ahead);
}

INSTANTIATE_TEST_SUITE_P(Threads, PipelineTest, testing::Values(1, 2, 5));

}  // namespace
}  // namespace tandem
