// tandem export: the student's serving bundle.
#include "tandem/export.h"

#include <gflags/gflags.h>
#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/model_directory.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_string(
    precision, "f32",
    "Of a bundle: f32, bf16 or int8, what embedding rows and the MLP are stored and computed in. Of "
    "evaluate: f32, or bf16 for matrix products as train.precision: BF16 makes them.");
DEFINE_bool(accept_poor_model, false,
            "Take a model although its run's metrics speak against it (docs/poor_models.md).");
DEFINE_double(max_auc_loss, 0.0005, "Refuse to export in low precision when AUC on --input falls by more.");

namespace tandem {
namespace {

absl::StatusOr<int> RunExport(const Invocation& invocation) {
  TANDEM_RETURN_IF_ERROR(CheckOutputIsFolder());
  ExportOptions options;
  const absl::StatusOr<Precision> precision = ParsePrecision(FLAGS_precision);
  if (!precision.ok()) return ConfigError("--", precision.status().message());
  options.precision = *precision;
  if (options.precision == Precision::kF32) {
    const bool limited = std::any_of(invocation.flags.begin(), invocation.flags.end(),
                                     [](const auto& flag) { return flag.first == "max_auc_loss"; });
    if (!FLAGS_input.empty() || limited || !invocation.overrides.empty()) {
      return ConfigError(
          "--input, --max_auc_loss and overrides go with --precision=bf16 or int8: float32 loses nothing");
    }
  } else if (FLAGS_input.empty()) {
    return ConfigError("--precision=", FLAGS_precision,
                       " needs --input: labelled samples on which to measure what it costs");
  }
  if (!(FLAGS_max_auc_loss >= 0)) return ConfigError("--max_auc_loss=", FLAGS_max_auc_loss, ": 0 or more");
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  options.data_overrides = invocation.overrides;
  options.max_auc_loss = FLAGS_max_auc_loss;
  options.accept_poor_model = FLAGS_accept_poor_model;

  FileSystem& fs = FileSystem::Default();
  std::string checkpoint;
  std::optional<PrecisionReport> report;
  TANDEM_RETURN_IF_ERROR(WithNewest(fs, FLAGS_model, [&](const std::string& newest) -> absl::Status {
    checkpoint = newest;
    if (!FLAGS_input.empty()) {
      TANDEM_ASSIGN_OR_RETURN(options.files, FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
    }
    TANDEM_ASSIGN_OR_RETURN(report, ExportBundle(fs, checkpoint, FLAGS_output, options));
    return absl::OkStatus();
  }));
  LOG(INFO) << "exported the student of " << checkpoint;
  if (report.has_value()) std::fprintf(stderr, "%s\n", PrecisionTable(*report).c_str());
  std::puts(FLAGS_output.c_str());
  return kExitDone;
}

}  // namespace

Command ExportCommand() {
  return {
      "export",
      "writes the student alone as a bundle to serve from",
      "  tandem export --model=run --output=bundle\n"
      "  tandem export --model=run --output=bundle --precision=int8 --input='logs/2000-12-0[2-8].tsv.gz'\n\n"
      "Graph and embedding are separate files, checksummed. Prints the bundle's path. In f32 it scores "
      "with the same bits as the\nrun; bf16 and int8 take less memory and time, and what they cost in "
      "AUC, log loss and COPC is measured on --input.",
      {"model", "output", "precision", "input", "max_auc_loss", "accept_poor_model", "kernels"},
      {"model", "output"},
      {"data.", "runtime."},
      RunExport};
}

}  // namespace tandem
