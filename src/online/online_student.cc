#include "src/online/online_student.h"

#include <utility>

#include "src/config/optimizers.h"
#include "src/train/checkpoint_state.h"
#include "src/train/tower_kernels.h"
#include "tandem/checkpoint.h"
#include "tandem/experiment.pb.h"
#include "tandem/feature_change.h"
#include "tandem/status.h"

namespace tandem {

absl::StatusOr<BaseStudent> LoadBaseStudent(FileSystem& fs, const Base& base,
                                            const proto::Experiment& experiment, const Kernels& kernels) {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, VerifyAndReadExperiment(fs, base.checkpoint));
  if (before.model().method() == proto::TEACHER_ALONE)
    return ConfigError("init_from: ", base.checkpoint,
                       " has a teacher only; a student is what learns online");
  BaseStudent student;
  student.keeps_optimizer =
      !experiment.online().reset_optimizer() &&
      SharesState(OptimizerOf(before, before.model().student()), experiment.train().optimizer()) &&
      SharesState(before.embedding().optimizer(), experiment.embedding().optimizer());
  student.model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/true);
  {
    const DualModel alone(OnlineExperiment(before), kernels, /*trained=*/false);
    TANDEM_RETURN_IF_ERROR(CheckCanContinue(alone, *student.model, student.keeps_optimizer));
    if (!SameOrder(alone.schema(), student.model->schema())) {
      return ConfigError("the features differ from those of ", base.checkpoint,
                         "; an online student keeps its base's features");
    }
  }
  proto::RunState state;
  TANDEM_RETURN_IF_ERROR(LoadCheckpoint(
      fs, base.checkpoint, student.keeps_optimizer ? EmbeddingLoad::kContinueServed : EmbeddingLoad::kServed,
      student.model.get(), &state, nullptr));
  if (student.keeps_optimizer) student.optimizer_steps = state.student_optimizer_steps();
  return student;
}

void StartOver(const Base& base, const BaseStudent& student, bool has_cut, proto::RunState* run,
               proto::OnlineState* stream) {
  proto::RunState fresh_run;
  fresh_run.set_step(run->step());
  fresh_run.set_joint_steps(run->step());
  fresh_run.set_student_optimizer_steps(student.optimizer_steps);
  fresh_run.set_rows_trained(0);
  fresh_run.set_kernels(TowerKernels(student.model->experiment().train(), student.model->kernels()).name());
  fresh_run.set_base_id(base.id);
  for (const std::string& day : base.days) fresh_run.add_day(day);
  *run = std::move(fresh_run);
  proto::OnlineState fresh;
  fresh.mutable_day_start()->Swap(stream->mutable_day_start());
  if (has_cut) fresh.set_cut(*base.cut);
  *stream = std::move(fresh);
}

absl::StatusOr<OwnStudent> LoadOwnStudent(FileSystem& fs, const std::string& checkpoint,
                                          const proto::Experiment& experiment, const Kernels& kernels) {
  OwnStudent student;
  student.model = std::make_unique<DualModel>(experiment, kernels, /*trained=*/true);
  TANDEM_RETURN_IF_ERROR(
      LoadCheckpoint(fs, checkpoint, EmbeddingLoad::kResume, student.model.get(), &student.run, nullptr));
  return student;
}

}  // namespace tandem
