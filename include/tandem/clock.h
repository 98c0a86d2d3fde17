// Time through one small interface, so that what waits can be tested without waiting.
//
//   const double begun = clock.Now();
//   while (!ready() && clock.Now() - begun < 10) clock.Sleep(0.02);
//
// Times are in seconds. What measures the speed of the machine itself goes past it. Thread-safe.
#ifndef TANDEM_CLOCK_H_
#define TANDEM_CLOCK_H_

#include <condition_variable>
#include <mutex>

namespace tandem {

class Clock {
 public:
  virtual ~Clock() = default;
  // The machine's; lives as long as the program.
  static Clock& Default();

  // Since a moment of no meaning; never goes back.
  virtual double Now() = 0;
  // Since 1970, UTC: what a calendar says. It may be set, and go back.
  virtual double SinceEpoch() = 0;
  // Waits so long; 0 or less: not at all.
  virtual void Sleep(double seconds) = 0;
  // Waits until `changed` is notified or Now() reaches `deadline`, or for less: the caller looks and, if need
  // be, waits again. `lock` is held before and after.
  virtual void WaitUntil(double deadline, std::condition_variable* changed,
                         std::unique_lock<std::mutex>* lock) = 0;
};

}  // namespace tandem

#endif  // TANDEM_CLOCK_H_
