// Time, and clocks whose hands are moved.
#include "tandem/clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "src/util/date.h"
#include "tests/support/manual_clock.h"

namespace tandem {
namespace {

TEST(Clock, NeverGoesBackAndSleepsAsLongAsItIsAsked) {
  Clock& clock = Clock::Default();
  const double before = clock.Now();
  clock.Sleep(0.02);
  const double after = clock.Now();
  EXPECT_GE(after - before, 0.02);
  clock.Sleep(0);
  clock.Sleep(-1e300);
  EXPECT_GE(clock.Now(), after);
}

TEST(Clock, AWaitEndsAtItsDeadline) {
  Clock& clock = Clock::Default();
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_lock<std::mutex> lock(mutex);
  const double deadline = clock.Now() + 0.02;
  while (clock.Now() < deadline) clock.WaitUntil(deadline, &changed, &lock);
  EXPECT_TRUE(lock.owns_lock());
  clock.WaitUntil(clock.Now() - 1, &changed, &lock);
}

TEST(Clock, AWaitEndsWhenItIsNotified) {
  Clock& clock = Clock::Default();
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::thread other([&] {
    const std::lock_guard<std::mutex> lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock<std::mutex> lock(mutex);
  while (!done) clock.WaitUntil(clock.Now() + 1e6, &changed, &lock);
  lock.unlock();
  other.join();
}

TEST(Clock, SaysWhichDayItIs) {
  EXPECT_GE(Today(Clock::Default()), "2026-01-01");
  ManualClock clock;
  EXPECT_EQ(Today(clock), "2026-01-02");
  clock.Advance(86400);
  EXPECT_EQ(Today(clock), "2026-01-03");
}

TEST(ManualClock, WhoWaitsSeesItMoved) {
  ManualClock clock;
  const double begun = clock.Now();
  clock.Sleep(5);
  EXPECT_DOUBLE_EQ(clock.Now(), begun + 5);
  std::mutex mutex;
  std::condition_variable changed;
  std::thread other([&] { clock.Advance(3600); });
  std::unique_lock<std::mutex> lock(mutex);
  while (clock.Now() < begun + 3600) clock.WaitUntil(begun + 3600, &changed, &lock);
  other.join();
}

}  // namespace
}  // namespace tandem
