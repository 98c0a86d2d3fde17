#include "src/train/run_checkpoints.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/train/divergence.h"
#include "src/train/replay.h"
#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kReplayFile[] = "/replay.bin";
// In the student phase a day's end is no reason for a checkpoint when the last one is younger: it would write
// a table that stands still, for seconds of the student's work.
constexpr double kSecondsInPhase = 30;
// The time between two checkpoints, in times of writing one, where batches cross days.
constexpr double kTimesOfWriting = 30;
constexpr int kProofRows = 64;

}  // namespace

RunCheckpoints::RunCheckpoints(FileSystem& fs, Clock& clock, const proto::Experiment& experiment,
                               const Schema& schema, const RunOptions& options)
    : fs_(fs),
      clock_(clock),
      experiment_(experiment),
      schema_(schema),
      options_(options),
      rows_(static_cast<int>(schema.fields().size())) {}

void RunCheckpoints::NoteRows(const Batch& batch) {
  rows_.Clear();
  rows_.AppendRows(batch, 0, std::min(batch.rows(), kProofRows));
}

bool RunCheckpoints::DueAfterDay(bool in_phase) const {
  double least = options_.seconds_between_checkpoints;
  if (in_phase) least = std::max(least, kSecondsInPhase);
  // Where days are small, what is kept of them must not cost more than they do.
  if (experiment_.train().batches_cross_days()) least = std::max(least, kTimesOfWriting * cost_);
  return clock_.Now() - written_at_ >= least;
}

std::string RunCheckpoints::Path(const proto::RunState& state) const {
  return StepDirectory(options_.run_dir, state.step());
}

absl::StatusOr<bool> RunCheckpoints::Write(const DualModel& model, const Replay* replay,
                                           const proto::RunState& state, const DayProgress& day) {
  written_at_ = clock_.Now();
  const std::string path = Path(state);
  if (fs_.Exists(path)) return false;
  const auto save_replay = [&](const std::string& aside) {
    return replay == nullptr ? absl::OkStatus() : replay->Save(fs_, aside + kReplayFile);
  };
  absl::Status saved = ProveByScoring(model, rows_);
  if (saved.ok()) saved = SaveCheckpoint(fs_, path, model, state, day, save_replay);
  if (!saved.ok()) return Explained(saved, absl::StrCat("step ", state.step(), ": "), schema_, rows_);
  cost_ = clock_.Now() - written_at_;
  return true;
}

absl::Status RunCheckpoints::RemoveOld(const proto::RunState& state) const {
  std::vector<int64_t> best;
  if (state.validation().has_best_step()) best.push_back(state.validation().best_step());
  return RemoveOldCheckpoints(fs_, options_.run_dir, experiment_.runtime().keep_checkpoints(), best);
}

absl::Status RunCheckpoints::LoadReplay(const std::string& checkpoint, const DualModel& model,
                                        Replay* replay) const {
  return replay->Load(fs_, checkpoint + kReplayFile, model.student_embedding());
}

}  // namespace tandem
