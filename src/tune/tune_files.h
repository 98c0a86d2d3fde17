// Names of what a tuning's directory holds that is no run's.
//
//   if (fs.Exists(GivenPath(run_dir))) ...
#ifndef TANDEM_SRC_TUNE_TUNE_FILES_H_
#define TANDEM_SRC_TUNE_TUNE_FILES_H_

#include <string>

namespace tandem {

// The configuration as it was given. Not config.pbtxt: the directory is no run that `train` could go on with.
constexpr char kGivenFile[] = "given.pbtxt";

inline std::string GivenPath(const std::string& run_dir) { return run_dir + "/" + kGivenFile; }

}  // namespace tandem

#endif  // TANDEM_SRC_TUNE_TUNE_FILES_H_
