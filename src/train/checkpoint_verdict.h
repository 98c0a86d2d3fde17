// What speaks against serving a checkpoint, whether its run came to its end or not.
//
//   TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadJudgedRunState(fs, checkpoint));
//   if (state.has_verdict()) return PoorModelError(checkpoint, state.verdict().reason());
//
// A run writes its verdicts at the ends of days and of validated passes. A checkpoint in between, the last of
// a run that was stopped or killed, is judged by the scores of its day so far, as that day's end would. Where
// held-out rows have judged before, they keep the last word.
#ifndef TANDEM_SRC_TRAIN_CHECKPOINT_VERDICT_H_
#define TANDEM_SRC_TRAIN_CHECKPOINT_VERDICT_H_

#include <string>

#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/state.pb.h"

namespace tandem {

// ReadRunState, with that verdict. The caller has verified the directory.
absl::StatusOr<proto::RunState> ReadJudgedRunState(FileSystem& fs, const std::string& checkpoint);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_CHECKPOINT_VERDICT_H_
