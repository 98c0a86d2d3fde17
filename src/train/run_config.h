// config.pbtxt of a run: the experiment that it was begun with, fully resolved, and keeps. Alike for train,
// finetune, daily and online.
//
//   TANDEM_ASSIGN_OR_RETURN(proto::Experiment before, ReadRunConfig(fs, "run"));
//   TANDEM_RETURN_IF_ERROR(CheckSameConfig("run", before, experiment));
#ifndef TANDEM_SRC_TRAIN_RUN_CONFIG_H_
#define TANDEM_SRC_TRAIN_RUN_CONFIG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/experiment.pb.h"
#include "tandem/files.h"

namespace tandem {

absl::Status WriteRunConfig(FileSystem& fs, const std::string& run_dir, const proto::Experiment& experiment);
absl::StatusOr<proto::Experiment> ReadRunConfig(FileSystem& fs, const std::string& run_dir);
// A resumed run keeps its config: a ConfigError names the first setting that differs. Those that may
// (runtime, the daily gate) don't count, nor what the caller has made equal; `but_for` says so: ", but for
// runtime".
absl::Status CheckSameConfig(const std::string& run_dir, const proto::Experiment& before,
                             const proto::Experiment& now, const std::string& but_for = "");

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_CONFIG_H_
