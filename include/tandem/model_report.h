// One page that answers: what did this model learn, from what, and how well? Data and days, learning curves,
// metrics, calibration, scores, users seen and unseen, importance of columns, sizes and times, the method; a
// verdict in words above all of it.
//
//   ReportOptions options;
//   options.model = "run";
//   options.input = files;                                   // rows that training hasn't seen
//   TANDEM_ASSIGN_OR_RETURN(const std::string html, MakeModelReport(options));
//
// The page needs nothing beside it and nothing from elsewhere. Without `input` it tells what the run noted of
// itself, and says what is missing.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_MODEL_REPORT_H_
#define TANDEM_MODEL_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/clock.h"
#include "tandem/column_importance.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"

namespace tandem {

struct ReportOptions {
  // A run, a checkpoint or a bundle; the last two have no learning curves.
  std::string model;
  // Labelled files to judge it on. Not standard input: they are read twice.
  std::vector<std::string> input;
  // `data.*` overrides of how samples are read.
  std::vector<std::string> data_overrides;
  ImportanceOptions importance;
  // Whether scoring times are measured, some seconds; they are no function of the model.
  bool times = true;
  // The day on the page; "": today, UTC.
  std::string date;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

// The page's HTML. Errors as those of Predictor::Load, ScoreFiles and MeasureImportance; a ConfigError for
// standard input.
absl::StatusOr<std::string> MakeModelReport(const ReportOptions& options);

}  // namespace tandem

#endif  // TANDEM_MODEL_REPORT_H_
