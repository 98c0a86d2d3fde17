// What low precision does to a student's metrics.
//
//   TANDEM_ASSIGN_OR_RETURN(const std::optional<PrecisionReport> report, ReadPrecisionReport(fs, "bundle"));
//   if (report.has_value()) std::cout << PrecisionTable(*report);
//
//   12345 rows          auc   logloss      copc
//   f32            0.750213  0.512345  1.003121
//   int8           0.750198  0.512351  1.003020
//   change        -0.000015 +0.000006 -0.000101
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_PRECISION_REPORT_H_
#define TANDEM_PRECISION_REPORT_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/metrics.h"
#include "tandem/precision.h"

namespace tandem {

struct PrecisionReport {
  Precision precision = Precision::kF32;  // that is served
  Metrics f32, served;                    // of the same rows
  // The kernel variants whose scores these are.
  std::string f32_kernels, served_kernels;
};

// What a bundle says of its precision; nothing for a checkpoint or a bundle in float32. The caller has
// verified the directory.
absl::StatusOr<std::optional<PrecisionReport>> ReadPrecisionReport(FileSystem& fs,
                                                                   const std::string& directory);

// The table above; "nan" stands for what is undefined.
std::string PrecisionTable(const PrecisionReport& report);

}  // namespace tandem

#endif  // TANDEM_PRECISION_REPORT_H_
