#include "tools/profile_flag.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstring>
#include <thread>

DEFINE_bool(
    profile, false,
    "At the end print where the time went, by stage, with FLOPs, bytes and shares of the machine's peak; "
    "a run keeps it as profile.json.");

namespace tandem {

std::unique_ptr<Profile> StartProfile(ProfiledCommand command, int threads, const Kernels& kernels) {
  if (!FLAGS_profile) return nullptr;
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const bool wide = std::strcmp(kernels.name(), "avx512") == 0;
  return std::make_unique<Profile>(command, threads, MeasureMachinePeak(threads, wide));
}

}  // namespace tandem
