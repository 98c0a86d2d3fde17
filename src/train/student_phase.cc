#include "src/train/student_phase.h"

#include <algorithm>
#include <cmath>

#include "tandem/experiment.pb.h"
#include "tandem/state.pb.h"

namespace tandem {
namespace {

int64_t WindowBatches(const proto::RunState& state) {
  int64_t window = 0;
  for (const int64_t batches : state.day_batches()) window += batches;
  return window;
}

}  // namespace

StudentPhase::StudentPhase(const proto::Experiment& experiment, TrainedParts parts)
    : epochs_(experiment.train().epochs()),
      passes_(parts == TrainedParts::kAll ? PlanOf(experiment).phase_passes : 0) {}

int StudentPhase::last_pass() const { return epochs_ + static_cast<int>(std::ceil(passes_)); }

bool StudentPhase::Begun(const proto::RunState& state) {
  return state.step() > state.joint_steps() + state.distilled_steps();
}

int64_t StudentPhase::Batches(const proto::RunState& state) const {
  return std::max<int64_t>(1, std::llround(passes_ * static_cast<double>(WindowBatches(state))));
}

LogPosition StudentPhase::Start(const proto::RunState& state) const {
  int64_t skipped = static_cast<int64_t>(std::ceil(passes_)) * WindowBatches(state) - Batches(state);
  LogPosition start;
  start.pass = epochs_;
  while (start.day < state.day_batches_size() && skipped >= state.day_batches(start.day))
    skipped -= state.day_batches(start.day++);
  if (start.day == state.day_batches_size()) return {start.pass + 1, 0, 0, 0};
  start.batch = static_cast<int>(skipped);
  return start;
}

}  // namespace tandem
