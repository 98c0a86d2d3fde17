// A clock that stands still until a test moves it. A Sleep moves it, too: what waits goes on at once.
//
//   ManualClock clock;
//   clock.Advance(3600);
//
// Thread-safe.
#ifndef TANDEM_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define TANDEM_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <chrono>
#include <mutex>

#include "tandem/clock.h"

namespace tandem {

class ManualClock : public Clock {
 public:
  void Advance(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    now_ += seconds;
  }

  double Now() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return now_;
  }
  // 2026-01-02, noon, in the beginning.
  double SinceEpoch() override { return Now() - kBegin + 1767355200; }
  void Sleep(double seconds) override {
    if (seconds > 0) Advance(seconds);
  }
  // Looks at the clock a thousand times a second: whoever moves it knows nothing of who waits.
  void WaitUntil(double deadline, std::condition_variable* changed,
                 std::unique_lock<std::mutex>* lock) override {
    if (Now() < deadline) changed->wait_for(*lock, std::chrono::milliseconds(1));
  }

 private:
  std::mutex mutex_;
  static constexpr double kBegin = 1000;
  double now_ = kBegin;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_MANUAL_CLOCK_H_
