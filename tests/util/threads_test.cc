// Workers: every task once, rounds that don't mix.
#include "tandem/threads.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace tandem {
namespace {

TEST(AvailableCoresTest, AreThoseOfTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_GE(AvailableCores(), 1);
  EXPECT_LE(AvailableCores(), CPU_COUNT(&before));
  EXPECT_EQ(ThreadsOf(0), AvailableCores());
  EXPECT_EQ(ThreadsOf(3), 3);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableCores(), 1);
  EXPECT_EQ(Workers(0).size(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

class WorkersTest : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Threads, WorkersTest, testing::Values(1, 2, 4));

TEST_P(WorkersTest, EveryTaskRunsExactlyOnce) {
  Workers workers(GetParam());
  for (int round = 0; round < 500; ++round) {
    for (const int tasks : {0, 1, 2, 3, 5, 64}) {
      // Plain ints: what tasks wrote must be seen when ForEach returns.
      std::vector<int> runs(tasks);
      workers.ForEach(tasks, [&](int task, int) { ++runs[task]; });
      ASSERT_EQ(runs, std::vector<int>(tasks, 1)) << "round " << round;
    }
  }
}

TEST_P(WorkersTest, AWorkerRunsOneTaskAtATime) {
  Workers workers(GetParam());
  ASSERT_EQ(workers.size(), GetParam());
  std::vector<std::atomic<bool>> busy(workers.size());
  std::atomic<int> clashes{0};
  for (int round = 0; round < 200; ++round) {
    workers.ForEach(50, [&](int, int worker) {
      if (worker < 0 || worker >= workers.size() || busy[worker].exchange(true)) {
        ++clashes;
        return;
      }
      busy[worker] = false;
    });
  }
  EXPECT_EQ(clashes, 0);
}

TEST_P(WorkersTest, AllWorkersTakePart) {
  Workers workers(GetParam());
  std::mutex mutex;
  std::condition_variable all_here;
  int here = 0;
  workers.ForEach(GetParam(), [&](int, int) {
    std::unique_lock<std::mutex> lock(mutex);
    ++here;
    all_here.notify_all();
    // Each waits for the others: as many tasks as workers have to run side by side.
    EXPECT_TRUE(all_here.wait_for(lock, std::chrono::seconds(60), [&] { return here == GetParam(); }));
  });
}

TEST_P(WorkersTest, RoundsDoNotMix) {
  Workers workers(GetParam());
  std::atomic<int> round{0};
  std::atomic<int> strays{0};
  for (int i = 0; i < 2000; ++i) {
    round = i;
    workers.ForEach(4, [&, i](int, int) { strays += round != i; });
  }
  EXPECT_EQ(strays, 0);
}

TEST_P(WorkersTest, WorkersThatNeverWorkedStop) {
  for (int i = 0; i < 50; ++i) Workers workers(GetParam());
}

TEST(WorkersDefaultTest, ZeroThreadsMeansOneACore) {
  Workers workers(0);
  EXPECT_GE(workers.size(), 1);
  std::atomic<int> runs{0};
  workers.ForEach(10, [&](int, int) { ++runs; });
  EXPECT_EQ(runs, 10);
}

}  // namespace
}  // namespace tandem
