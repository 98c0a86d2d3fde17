// What an online student begins as: finding it, and the experiment it makes.
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "src/train/checkpoint_state.h"
#include "src/train/checkpoint_verdict.h"
#include "src/util/paths.h"
#include "tandem/checkpoint.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/model_directory.h"
#include "tandem/online.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Midnight after the day.
absl::StatusOr<double> EndOfDay(const std::string& date) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(date, &day)) return ModelError("last day '", date, "' is not a day");
  return static_cast<double>(absl::ToUnixSeconds(absl::FromCivil(day + 1, absl::UTCTimeZone())));
}

}  // namespace

absl::StatusOr<Base> FindBase(FileSystem& fs, const std::string& init_from) {
  Base base;
  TANDEM_ASSIGN_OR_RETURN(base.checkpoint, ResolveModel(fs, init_from));
  if (IsBundle(fs, base.checkpoint)) {
    const std::string bundle = base.checkpoint;
    TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, bundle));
    TANDEM_ASSIGN_OR_RETURN(const std::string bundle_id, ReadModelId(fs, bundle));
    const std::string beside = ParentPath(bundle) + "/checkpoint";
    if (!fs.Exists(beside)) {
      return ConfigError("init_from: ", bundle, " is a bundle without the checkpoint it was exported from (",
                         beside, "); name a run, a checkpoint, or the bundle that a daily run published");
    }
    TANDEM_ASSIGN_OR_RETURN(base.checkpoint, ResolveModel(fs, beside));
    TANDEM_ASSIGN_OR_RETURN(base.id, ReadModelId(fs, base.checkpoint));
    if (base.id != bundle_id) {
      return ModelError(bundle, ": of model ", bundle_id, ", but the checkpoint beside it is of model ",
                        base.id);
    }
    base.published = true;
  } else {
    TANDEM_ASSIGN_OR_RETURN(base.id, ReadModelId(fs, base.checkpoint));
  }
  TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs, base.checkpoint));
  TANDEM_ASSIGN_OR_RETURN(const proto::RunState state, ReadJudgedRunState(fs, base.checkpoint));
  base.days.assign(state.day().begin(), state.day().end());
  base.verdict = state.verdict().reason();
  const std::string last_day = LastDayOf(state);
  if (!last_day.empty()) {
    TANDEM_ASSIGN_OR_RETURN(base.cut, EndOfDay(last_day));
  }
  return base;
}

proto::Experiment OnlineExperiment(proto::Experiment experiment) {
  // Of all distillation there is left what the log itself holds.
  proto::Distill distill;
  distill.set_lr_multiplier(experiment.model().distill().lr_multiplier());
  if (ReadsStoredLogits(experiment)) {
    const proto::Distill of_method = DistillOf(experiment);
    *distill.mutable_stored_logits() = of_method.stored_logits();
    distill.set_student_label_weight(of_method.student_label_weight());
    distill.set_logit_weight(of_method.logit_weight());
    distill.set_logit_loss(of_method.logit_loss());
    distill.set_temperature(of_method.temperature());
  }
  if (experiment.data().unlabelled() == proto::Data::USE_TEACHER)
    experiment.mutable_data()->set_unlabelled(proto::Data::DROP);
  experiment = StudentAlone(std::move(experiment));
  proto::Model& model = *experiment.mutable_model();
  model.clear_teacher();
  model.clear_committee();
  model.mutable_distill()->Swap(&distill);
  // What learns is what is served.
  experiment.mutable_embedding()->clear_slow_copy();
  proto::Train& train = *experiment.mutable_train();
  train.clear_schedule();
  train.clear_average_decay();
  // Of a few rows at a time an orthogonal step makes too much.
  const proto::Optimizer of_student = WithoutMuon(OptimizerOf(experiment, model.student()));
  *train.mutable_optimizer() = of_student;
  model.mutable_student()->clear_optimizer();
  proto::Online& online = *experiment.mutable_online();
  const auto choose = [](const proto::Optimizer& own, double multiplier, proto::Optimizer* optimizer) {
    if (own.kind_case() != proto::Optimizer::KIND_NOT_SET) *optimizer = own;
    ScaleRate(multiplier, optimizer);
  };
  ResolveDefaults(&experiment);
  choose(online.optimizer(), online.lr_multiplier(), train.mutable_optimizer());
  choose(online.embedding_optimizer(), online.embedding_lr_multiplier(),
         experiment.mutable_embedding()->mutable_optimizer());
  // Carried out: what an online run's model is handed on with says so no more.
  online.clear_optimizer();
  online.clear_embedding_optimizer();
  online.set_lr_multiplier(1);
  online.set_embedding_lr_multiplier(1);
  ResolveDefaults(&experiment);
  return experiment;
}

}  // namespace tandem
