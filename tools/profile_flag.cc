#include "tools/profile_flag.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstring>

#include "tandem/threads.h"

DEFINE_bool(
    profile, false,
    "At the end print where the time went, by stage, with FLOPs, bytes and shares of the machine's peak; "
    "train and finetune keep it as profile.json in the run directory.");

namespace tandem {

std::unique_ptr<Profile> StartProfile(ProfiledCommand command, int threads, const Kernels& kernels) {
  if (!FLAGS_profile) return nullptr;
  threads = ThreadsOf(threads);
  const bool wide = std::strcmp(kernels.name(), "avx512") == 0;
  // Threads beyond the cores at hand take turns: what each of them does in its own is no peak of the process.
  const int at_a_time = std::min(threads, AvailableCores());
  return std::make_unique<Profile>(command, threads, MeasureMachinePeak(at_a_time, wide));
}

}  // namespace tandem
