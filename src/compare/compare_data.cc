#include "src/compare/compare_data.h"

#include <glog/logging.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/compare/comparison.h"
#include "src/util/distinct_files.h"
#include "src/util/format_version.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Of a manifest's first line.
constexpr absl::string_view kFormatLine = "format ";

// What all cells share: kernels, and files with their sizes.
absl::StatusOr<std::string> ManifestOf(FileSystem& fs, const CompareData& data, const std::string& kernels) {
  std::string text = absl::StrCat("kernels ", kernels, "\n");
  const auto add = [&](const char* use, const std::string& file) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(file));
    absl::StrAppend(&text, use, " ", file, " ", size, "\n");
    return absl::OkStatus();
  };
  for (const Day& day : data.days) {
    for (const std::string& file : day.files) TANDEM_RETURN_IF_ERROR(add("train", file));
  }
  for (const std::string& file : data.test_files) TANDEM_RETURN_IF_ERROR(add("test", file));
  return text;
}

}  // namespace

absl::StatusOr<CompareData> FindCompareData(const proto::Experiment& experiment,
                                            const CompareOptions& options) {
  const std::string& path = experiment.data().path();
  const int window = experiment.train().window_days();
  const int test_days = options.test_days;
  if (options.test.empty() == (test_days == 0))
    return ConfigError(
        "a comparison tests on files (test) or on days of the window (test_days): one of them");
  if (HasDate(path) && options.end_date.empty())
    return ConfigError("a comparison needs an end_date: data.path has days (", path, ")");
  if (!HasDate(path) && (!options.end_date.empty() || test_days != 0))
    return ConfigError(test_days != 0 ? "test_days" : "end_date", ": data.path has no {date} (", path,
                       "); it is read whole, and tested on files (test)");
  if (test_days < 0 || (test_days > 0 && test_days >= window))
    return ConfigError("test_days ", test_days, ": the window has ", window,
                       " days (train.window_days), and some must be left to train on");
  CompareData data;
  std::vector<std::string> missing;
  if (HasDate(path)) {
    TANDEM_ASSIGN_OR_RETURN(data.days,
                            FindWindow(*options.file_system, path, options.end_date, window, &missing));
  } else {
    TANDEM_ASSIGN_OR_RETURN(data.days, FindDays(*options.file_system, path, "", "", &missing));
  }
  if (!missing.empty())
    LOG(WARNING) << "data.path: days of the window without a file: " << DayRanges(missing);
  if (test_days > 0) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Day> test,
                            FindWindow(*options.file_system, path, options.end_date, test_days, &missing));
    data.days.erase(std::find_if(data.days.begin(), data.days.end(),
                                 [&](const Day& day) { return day.date >= test[0].date; }),
                    data.days.end());
    if (data.days.empty()) return DataError("test_days: no day of the window is left to train on");
    for (const Day& day : test)
      data.test_files.insert(data.test_files.end(), day.files.begin(), day.files.end());
    data.test = absl::StrCat(test.front().date, "..", test.back().date);
    return data;
  }
  data.test = absl::StrJoin(options.test, ",");
  TANDEM_ASSIGN_OR_RETURN(data.test_files, FindFiles(*options.file_system, options.test));
  if (std::find(data.test_files.begin(), data.test_files.end(), "-") != data.test_files.end())
    return ConfigError("test: standard input can be read only once; name files");
  const auto is_test_file = [&](const std::string& file) {
    return std::any_of(data.test_files.begin(), data.test_files.end(),
                       [&](const std::string& test) { return AreOneFile(*options.file_system, file, test); });
  };
  for (const Day& day : data.days) {
    for (const std::string& file : day.files) {
      if (is_test_file(file)) return ConfigError("test: ", file, " is a file of the training window");
    }
  }
  return data;
}

absl::StatusOr<RunDirectory> ClaimCompareDirectory(FileSystem& fs, const std::string& run_dir, bool resume,
                                                   const CompareData& data, const std::string& kernels) {
  TANDEM_ASSIGN_OR_RETURN(const std::string manifest, ManifestOf(fs, data, kernels));
  const std::string path = run_dir + "/manifest.txt";
  TANDEM_ASSIGN_OR_RETURN(RunDirectory directory, RunDirectory::Open(fs, run_dir, resume, "manifest.txt"));
  TANDEM_RETURN_IF_ERROR(directory.Claim(fs));
  if (directory.fresh()) {
    TANDEM_RETURN_IF_ERROR(
        WriteFileAtomically(fs, path, absl::StrCat(kFormatLine, kFormatVersion, "\n", manifest)));
    return directory;
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string before, fs.ReadFile(path));
  std::vector<std::string> then = absl::StrSplit(before, '\n'), now = absl::StrSplit(manifest, '\n');
  int format = kFormatOfUnversionedCells;
  if (absl::StartsWith(then[0], kFormatLine) &&
      absl::SimpleAtoi(absl::string_view(then[0]).substr(kFormatLine.size()), &format))
    then.erase(then.begin());
  TANDEM_RETURN_IF_ERROR(CheckFormatVersion(format, path));
  for (size_t i = 0; i < std::max(then.size(), now.size()); ++i) {
    const std::string a = i < then.size() ? then[i] : "", b = i < now.size() ? now[i] : "";
    if (a == b) continue;
    return ConfigError("resume: ", path, " has '", a, "', this comparison '", b,
                       "' (kernels, or a file and its size); a comparison keeps its data and kernels");
  }
  return directory;
}

}  // namespace tandem
