// Begins the profile that a run or a scoring was asked for.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Profile> profile,
//                           StartProfile(ProfiledCommand::kTrain, /*threads=*/2, kernels, Clock::Default()));
#ifndef TANDEM_SRC_TRAIN_START_PROFILE_H_
#define TANDEM_SRC_TRAIN_START_PROFILE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "src/util/profile.h"
#include "tandem/clock.h"
#include "tandem/kernels.h"

namespace tandem {

// Measures the machine's peaks, a tenth of a second, and starts. `threads` as runtime.threads; `clock`
// outlives the profile. A ConfigError where the process has a profile already. Not for two threads at once.
absl::StatusOr<std::unique_ptr<Profile>> StartProfile(ProfiledCommand command, int threads,
                                                      const Kernels& kernels, Clock& clock);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_START_PROFILE_H_
