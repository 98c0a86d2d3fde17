// The factor of the rate at a step: warm-up, then decay.
#include <algorithm>
#include <cmath>

#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"

namespace tandem {

double ScheduleFactor(const proto::Schedule& schedule, int64_t step) {
  constexpr double kPi = 3.14159265358979323846;
  const int64_t warmup = schedule.warmup_steps();
  if (step <= warmup) return static_cast<double>(step) / static_cast<double>(warmup);
  if (schedule.decay_steps() <= 0) return 1;

  const double elapsed = static_cast<double>(step - 1 - warmup) / static_cast<double>(schedule.decay_steps());
  const double progress = std::min(1.0, elapsed);
  const double end = schedule.final();
  switch (schedule.decay()) {
    case proto::Schedule::CONSTANT:
      return 1;
    case proto::Schedule::LINEAR:
      return 1 + (end - 1) * progress;
    case proto::Schedule::COSINE:
      return end + (1 - end) * (1 + std::cos(kPi * progress)) / 2;
    case proto::Schedule::EXPONENTIAL:
      return std::pow(end, elapsed);
  }
  return 1;
}

}  // namespace tandem
