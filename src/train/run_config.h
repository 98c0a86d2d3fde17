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
#include "tandem/file_system.h"

namespace tandem {

absl::Status WriteRunConfig(FileSystem& fs, const std::string& run_dir, const proto::Experiment& experiment);
// One that was edited since, or is damaged, is a ModelError.
absl::StatusOr<proto::Experiment> ReadRunConfig(FileSystem& fs, const std::string& run_dir);
// A ModelError unless a checkpoint was written with the configuration of its run, as far as anything trained
// depends on it. The names are for the message.
absl::Status CheckCheckpointConfig(const proto::Experiment& of_run, const std::string& run_name,
                                   const proto::Experiment& of_checkpoint, const std::string& checkpoint);
// The same of what lies in a run's directory, and that its config.pbtxt is as it was written; a run without
// one, and a checkpoint that can't be read, are for others to judge.
absl::Status CheckRunConfig(FileSystem& fs, const std::string& run_dir, const std::string& checkpoint);
// A resumed run keeps its config: a ConfigError names the first setting that differs. Those that may
// (runtime, the daily gate) don't count, nor what the caller has made equal; `but_for` says so: ", but for
// runtime".
absl::Status CheckSameConfig(const std::string& run_dir, const proto::Experiment& before,
                             const proto::Experiment& now, const std::string& but_for = "");

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_CONFIG_H_
