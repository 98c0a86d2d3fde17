// What a run's directory holds, by its names: what writes it and what looks for it say the same.
//
//   if (fs.Exists(RunConfigPath(run_dir))) ...
//   TANDEM_ASSIGN_OR_RETURN(const std::string metrics, fs.ReadFile(RunMetricsPath(run_dir)));
//
// checkpoints/ has tandem/checkpoint.h (StepDirectory), the rest docs/file_formats.md.
#ifndef TANDEM_SRC_TRAIN_RUN_FILES_H_
#define TANDEM_SRC_TRAIN_RUN_FILES_H_

#include <string>

namespace tandem {

constexpr char kRunConfigFile[] = "config.pbtxt", kRunMetricsFile[] = "metrics.jsonl";

inline std::string RunConfigPath(const std::string& run_dir) { return run_dir + "/" + kRunConfigFile; }
inline std::string RunMetricsPath(const std::string& run_dir) { return run_dir + "/" + kRunMetricsFile; }
inline std::string RunProfilePath(const std::string& run_dir) { return run_dir + "/profile.json"; }
inline std::string RunQuarantinePath(const std::string& run_dir) { return run_dir + "/quarantine"; }

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_FILES_H_
