// A model that should not be served: a run that trained to its end, and whose metrics speak against what came
// out (docs/poor_models.md).
//
//   RunOptions options;
//   TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, options));
//   if (!summary.verdict.empty()) ...                       // why
//
// The model is whole, and can be looked at. What would serve it (ExportBundle, LearnOnline) refuses with a
// PoorModelError unless its options accept it.
//
// Thread-safe: functions that keep nothing.
#ifndef TANDEM_POOR_MODEL_H_
#define TANDEM_POOR_MODEL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tandem {

// Exit code of the command line, beside those of tandem/status.h.
inline constexpr int kExitPoorModel = 5;

// kFailedPrecondition.
inline absl::Status PoorModelError(const std::string& model, const std::string& verdict) {
  return absl::FailedPreconditionError(
      absl::StrCat(model, ": should not be served: ", verdict,
                   "; accept_poor_model takes it all the same (docs/poor_models.md)"));
}

}  // namespace tandem

#endif  // TANDEM_POOR_MODEL_H_
