#include "src/train/start_profile.h"

#include <algorithm>

#include "src/util/machine_peak.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {

absl::StatusOr<std::unique_ptr<Profile>> StartProfile(ProfiledCommand command, int threads,
                                                      const Kernels& kernels, Clock& clock) {
  if (Profile::Current() != nullptr)
    return ConfigError("profile: this process takes one already, and there is one at a time");
  threads = ThreadsOf(threads);
  // Threads beyond the cores at hand take turns: what each of them does in its own is no peak of the process.
  const int at_a_time = std::min(threads, AvailableCores());
  return std::make_unique<Profile>(command, threads, MeasureMachinePeak(at_a_time, kernels.wide()), clock);
}

}  // namespace tandem
