// The checkpoints of a run: when the next one is due, the proof that it can be served from, and which stay.
//
//   RunCheckpoints checkpoints(fs, clock, experiment, schema, options);
//   checkpoints.NoteRows(batch);                                       // after every step
//   if (checkpoints.DueAfterDay(in_phase)) ...                         // Write, before the next batch
//   TANDEM_ASSIGN_OR_RETURN(const bool written, checkpoints.Write(*model, trainer.replay(), state, day));
//
// Not thread-safe.
#ifndef TANDEM_SRC_TRAIN_RUN_CHECKPOINTS_H_
#define TANDEM_SRC_TRAIN_RUN_CHECKPOINTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/train/checkpoint_state.h"
#include "tandem/batch.h"
#include "tandem/clock.h"
#include "tandem/dual_model.h"
#include "tandem/file_system.h"
#include "tandem/run.h"
#include "tandem/schema.h"

namespace tandem {

class Replay;

class RunCheckpoints {
 public:
  // All outlive it.
  RunCheckpoints(FileSystem& fs, Clock& clock, const proto::Experiment& experiment, const Schema& schema,
                 const RunOptions& options);

  // The time from which the first one is counted.
  void Begin() { written_at_ = clock_.Now(); }
  // Some of the last step's rows: what a checkpoint must be able to score.
  void NoteRows(const Batch& batch);
  // Whether one is due at a day's end, by the time since the last.
  bool DueAfterDay(bool in_phase) const;
  // False where that step has one: a run that was resumed and has nothing left to do. Errors: kInternal where
  // the model's scores are not finite, and those of writing. Old ones are removed in RemoveOld.
  absl::StatusOr<bool> Write(const DualModel& model, const Replay* replay, const proto::RunState& state,
                             const DayProgress& day);
  // All but the newest and the best.
  absl::Status RemoveOld(const proto::RunState& state) const;
  // The replay of the checkpoint that the run goes on from.
  absl::Status LoadReplay(const std::string& checkpoint, const DualModel& model, Replay* replay) const;
  std::string Path(const proto::RunState& state) const;

 private:
  FileSystem& fs_;
  Clock& clock_;
  const proto::Experiment& experiment_;
  const Schema& schema_;
  const RunOptions& options_;
  Batch rows_;
  double written_at_ = 0, cost_ = 0;  // of the last one: when, and how many seconds
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_CHECKPOINTS_H_
