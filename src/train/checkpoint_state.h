// What a checkpoint holds beside the model: where its run stands.
//
//   TANDEM_RETURN_IF_ERROR(SaveCheckpoint(fs, StepDirectory(run_dir, 400), model, state, progress));
//   TANDEM_RETURN_IF_ERROR(LoadCheckpoint(fs, newest, EmbeddingLoad::kResume, &model, &state, &progress));
//
// Not of the public headers: who calls the library sees models, and a run goes on by TrainRun.
#ifndef TANDEM_SRC_TRAIN_CHECKPOINT_STATE_H_
#define TANDEM_SRC_TRAIN_CHECKPOINT_STATE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/checkpoint.h"
#include "tandem/metrics.h"
#include "tandem/state.pb.h"

namespace tandem {

// Scores of the day in progress, first pass only.
struct DayProgress {
  ScoreLog teacher, student;
};

// `more` (may be null) writes files of the caller's own into the directory it is handed.
absl::Status SaveCheckpoint(FileSystem& fs, const std::string& path, const DualModel& model,
                            const proto::RunState& state, const DayProgress& progress,
                            const std::function<absl::Status(const std::string& aside)>& more = nullptr);

// LoadCheckpoint of tandem/checkpoint.h. `state` and `progress` may be null.
absl::Status LoadCheckpoint(FileSystem& fs, const std::string& path, EmbeddingLoad how, DualModel* model,
                            proto::RunState* state, DayProgress* progress);

// Where the checkpoint's run stood, its counters within bounds; the caller has verified the directory.
absl::StatusOr<proto::RunState> ReadRunState(FileSystem& fs, const std::string& path);

// The last day of which something was trained on, "" for a log without days.
std::string LastDayOf(const proto::RunState& state);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_CHECKPOINT_STATE_H_
