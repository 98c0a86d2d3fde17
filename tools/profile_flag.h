// --profile: what `train`, `finetune` and `predict` share of it.
#ifndef TANDEM_TOOLS_PROFILE_FLAG_H_
#define TANDEM_TOOLS_PROFILE_FLAG_H_

#include <gflags/gflags_declare.h>

#include <memory>

#include "src/util/profile.h"
#include "tandem/kernels.h"

DECLARE_bool(profile);

namespace tandem {

// With --profile measures the machine's peaks and starts a profile; else null. `threads` as runtime.threads.
std::unique_ptr<Profile> StartProfile(ProfiledCommand command, int threads, const Kernels& kernels);

}  // namespace tandem

#endif  // TANDEM_TOOLS_PROFILE_FLAG_H_
