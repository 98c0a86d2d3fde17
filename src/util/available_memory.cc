#include "src/util/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

namespace tandem {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// "max", or a file that isn't there: no limit.
double LimitIn(const char* path) {
  std::ifstream file(path);
  double bytes = 0;
  return file >> bytes && bytes > 0 ? bytes : kNoLimit;
}

double LimitOf(__rlimit_resource_t resource) {
  rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
             ? static_cast<double>(limit.rlim_cur)
             : kNoLimit;
}

}  // namespace

double AvailableMemory() {
  const double pages = static_cast<double>(sysconf(_SC_PHYS_PAGES));
  const double machine = pages > 0 ? pages * static_cast<double>(sysconf(_SC_PAGESIZE)) : kNoLimit;
  return std::min({machine, LimitIn("/sys/fs/cgroup/memory.max"),
                   LimitIn("/sys/fs/cgroup/memory/memory.limit_in_bytes"), LimitOf(RLIMIT_AS),
                   LimitOf(RLIMIT_DATA)});
}

}  // namespace tandem
