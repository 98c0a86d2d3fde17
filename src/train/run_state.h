// Where a checkpoint's run stood, read as what somebody else may have written.
//
//   TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ParseRunState(text, path));
//   TANDEM_RETURN_IF_ERROR(CheckCanGoOn(experiment, state, path));
//
// Errors are ModelErrors that name the file and the counter.
#ifndef TANDEM_SRC_TRAIN_RUN_STATE_H_
#define TANDEM_SRC_TRAIN_RUN_STATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"

namespace tandem {

// Each counter within the bounds of its kind: none is negative, none so large that a sum of a few leaves its
// integer, places are of days that are named.
absl::StatusOr<proto::RunState> ParseRunState(absl::string_view text, const std::string& path);

// Whether a run of this configuration can have stood there.
absl::Status CheckCanGoOn(const proto::Experiment& experiment, const proto::RunState& state,
                          const std::string& path);

// Of any message of counters, and those in it: no integer is negative, and none of 32 bits more than 10^9, of
// 64 bits more than 10^15; no double is NaN.
absl::Status CheckCounters(const google::protobuf::Message& message, const std::string& path);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_STATE_H_
