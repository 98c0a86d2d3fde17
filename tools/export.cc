// tandem export: the student's serving bundle.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <cstdio>

#include "tandem/bundle.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"

namespace tandem {
namespace {

absl::StatusOr<int> RunExport(const Invocation& /*invocation*/) {
  FileSystem& fs = FileSystem::Default();
  TANDEM_ASSIGN_OR_RETURN(const std::string checkpoint, ResolveModel(fs, FLAGS_model));
  TANDEM_ASSIGN_OR_RETURN(const Kernels* kernels, FindKernels("auto"));
  TANDEM_RETURN_IF_ERROR(ExportBundle(fs, checkpoint, *kernels, FLAGS_output));
  LOG(INFO) << "exported the student of " << checkpoint;
  std::puts(FLAGS_output.c_str());
  return kExitDone;
}

}  // namespace

Command ExportCommand() {
  return {"export",
          "writes the student alone as a bundle to serve from",
          "  tandem export --model=run --output=bundle\n\n"
          "Graph and embedding are separate files, checksummed. Prints the bundle's path. It scores with the "
          "same bits as the run.",
          {"model", "output"},
          {"model", "output"},
          {},
          RunExport};
}

}  // namespace tandem
