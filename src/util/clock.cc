#include "tandem/clock.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace tandem {
namespace {

using Steady = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

// Longer than anything waits for; what is added to now() must not overflow.
constexpr double kLongest = 1e9;

class SteadyClock : public Clock {
 public:
  double Now() override { return Seconds(Steady::now().time_since_epoch()).count(); }

  double SinceEpoch() override {
    return Seconds(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  void Sleep(double seconds) override {
    if (seconds > 0) std::this_thread::sleep_for(Seconds(std::min(seconds, kLongest)));
  }

  void WaitUntil(double deadline, std::condition_variable* changed,
                 std::unique_lock<std::mutex>* lock) override {
    const double left = deadline - Now();
    if (left > 0) changed->wait_for(*lock, Seconds(std::min(left, kLongest)));
  }
};

}  // namespace

Clock& Clock::Default() {
  // Never destroyed: threads may still look at it at exit.
  static Clock* const clock = new SteadyClock;
  return *clock;
}

}  // namespace tandem
