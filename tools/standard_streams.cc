#include "tools/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tandem/status.h"

namespace tandem {
namespace {

// Written once, before there are threads.
bool standard_output_was_closed = false;

bool IsClosed(int descriptor) { return fcntl(descriptor, F_GETFD) < 0 && errno == EBADF; }

}  // namespace

void OpenClosedStreams() {
  standard_output_was_closed = IsClosed(STDOUT_FILENO);
  // In rising order: open gives the lowest that is free.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!IsClosed(descriptor)) continue;
    if (open("/dev/null", O_WRONLY) != descriptor) std::_Exit(kExitInternal);
  }
}

bool StandardOutputWasClosed() { return standard_output_was_closed; }

int FinishStandardOutput(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  std::fprintf(stderr, "tandem: standard output: cannot write: %s; what was printed is not whole\n",
               std::strerror(errno));
  return exit_code == kExitDone ? kExitInternal : exit_code;
}

}  // namespace tandem
