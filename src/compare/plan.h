// What is to be compared: the rows that the options ask for, each with its configuration.
//
//   TANDEM_ASSIGN_OR_RETURN(std::vector<PlannedRow> rows, PlanRows(options));
//
// Rows are checked against each other: all are trained on the same days and measured alike, and what trains
// the same is one row.
#ifndef TANDEM_SRC_COMPARE_PLAN_H_
#define TANDEM_SRC_COMPARE_PLAN_H_

#include <vector>

#include "absl/status/statusor.h"
#include "src/compare/comparison.h"
#include "tandem/compare.h"
#include "tandem/experiment.pb.h"

namespace tandem {

// A row without its cells, and the configuration that comes of it: resolved, valid, the seed not chosen.
struct PlannedRow {
  CompareRow row;
  proto::Experiment experiment;
};

// The first two are TEACHER_ALONE and STUDENT_ALONE; then methods, variants, and the frontier's pairs. A
// ConfigError that names the row or the option.
absl::StatusOr<std::vector<PlannedRow>> PlanRows(const CompareOptions& options);

}  // namespace tandem

#endif  // TANDEM_SRC_COMPARE_PLAN_H_
