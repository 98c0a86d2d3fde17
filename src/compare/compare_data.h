// What a comparison trains and tests on, and the note of it in the comparison's directory.
#ifndef TANDEM_SRC_COMPARE_COMPARE_DATA_H_
#define TANDEM_SRC_COMPARE_COMPARE_DATA_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/train/run_directory.h"
#include "tandem/compare.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct CompareData {
  std::vector<Day> days;  // to train on
  std::vector<std::string> test_files;
  std::string test;  // as a phrase
};

// By end_date, test and test_days of the options. No file is in both parts. ConfigErrors name the option,
// DataErrors what was looked for.
absl::StatusOr<CompareData> FindCompareData(const proto::Experiment& experiment,
                                            const CompareOptions& options);

// Claims run_dir: a new comparison wants a fresh directory, a resumed one that of the same files, of the same
// sizes, and of the same kernels.
absl::StatusOr<RunDirectory> ClaimCompareDirectory(FileSystem& fs, const std::string& run_dir, bool resume,
                                                   const CompareData& data, const std::string& kernels);

}  // namespace tandem

#endif  // TANDEM_SRC_COMPARE_COMPARE_DATA_H_
