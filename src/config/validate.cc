#include "src/config/validate.h"

#include "absl/strings/match.h"
#include "src/config/methods.h"
#include "src/config/optimizers.h"
#include "src/config/ranges.h"
#include "src/config/teachers.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {

namespace {

absl::Status CheckSchedule(const proto::Schedule& schedule, const char* key) {
  const std::string& decay = proto::Schedule::Decay_Name(schedule.decay());
  if (schedule.decay() != proto::Schedule::CONSTANT && schedule.decay_steps() == 0) {
    return ConfigError(key, ".decay_steps: 0; decay ", decay, " needs more than 0");
  }
  if (schedule.decay() == proto::Schedule::EXPONENTIAL && (schedule.final() <= 0 || schedule.final() >= 1)) {
    return ConfigError(key, ".final: ", schedule.final(), "; decay ", decay,
                       " needs more than 0 and less than 1");
  }
  return absl::OkStatus();
}

absl::Status CheckRowOptimizer(const proto::Optimizer& optimizer, const char* key) {
  if (!optimizer.has_muon()) return absl::OkStatus();
  return ConfigError(key, ".muon: moves the matrices of an MLP, of which there are none ",
                     absl::StartsWith(key, "online") ? "to move online" : "in a table",
                     "; accepted: sgd {}, adagrad {}, adam {}, ftrl {}");
}

absl::Status CheckMuon(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  bool moves_some = !experiment.train().optimizer().has_muon();
  std::vector<MemberConfig> towers = TeachersOf(experiment);
  if (HasStudent(model)) towers.push_back({&model.student(), 0, "model.student", 0});
  for (const MemberConfig& member : towers) {
    const proto::Tower& tower = *member.tower;
    if (&OptimizerOf(experiment, tower) == &experiment.train().optimizer()) {
      moves_some |= tower.has_mlp();
    } else if (tower.optimizer().has_muon() && !tower.has_mlp()) {
      return ConfigError(member.key, ".optimizer.muon: the tower has no mlp, whose matrices it would move");
    }
  }
  if (moves_some) return absl::OkStatus();
  return ConfigError(
      "train.optimizer.muon: no tower that it is for has an mlp, whose matrices it would move");
}

absl::Status CheckOptimizers(const proto::Experiment& experiment) {
  const proto::Online& online = experiment.online();
  TANDEM_RETURN_IF_ERROR(CheckRowOptimizer(experiment.embedding().optimizer(), "embedding.optimizer"));
  TANDEM_RETURN_IF_ERROR(CheckRowOptimizer(online.optimizer(), "online.optimizer"));
  TANDEM_RETURN_IF_ERROR(CheckRowOptimizer(online.embedding_optimizer(), "online.embedding_optimizer"));
  return CheckMuon(experiment);
}

absl::Status CheckValidation(const proto::Experiment& experiment) {
  if (!experiment.train().has_validation()) return absl::OkStatus();
  const proto::Validation& validation = experiment.train().validation();
  const std::string& path = experiment.data().path();
  if (validation.rows_case() == proto::Validation::ROWS_NOT_SET)
    return ConfigError("train.validation: of no rows; one of share and days says which");
  if (!validation.has_days()) return absl::OkStatus();
  if (!path.empty() && !absl::StrContains(path, "{date"))
    return ConfigError(
        "train.validation.days: data.path has no {date} (", path,
        "); train.validation.share takes a share of the rows, clear=train.validation holds out none");
  if (validation.days() >= experiment.train().window_days())
    return ConfigError("train.validation.days: ", validation.days(), "; must be less than train.window_days ",
                       experiment.train().window_days(), ", of which they are the last");
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateTrain(const proto::Experiment& experiment) {
  const proto::Distill& distill = experiment.model().distill();
  TANDEM_RETURN_IF_ERROR(CheckSchedule(experiment.train().schedule(), "train.schedule"));
  TANDEM_RETURN_IF_ERROR(CheckSchedule(distill.schedule(), "model.distill.schedule"));
  if (distill.phase().decay() == proto::Schedule::EXPONENTIAL) {
    return ConfigError(
        "model.distill.phase.decay: EXPONENTIAL has no end to reach; must be CONSTANT, LINEAR or COSINE");
  }
  TANDEM_RETURN_IF_ERROR(CheckValidation(experiment));
  return CheckOptimizers(experiment);
}

absl::Status ValidateExperiment(const proto::Experiment& experiment) {
  TANDEM_RETURN_IF_ERROR(CheckRanges(experiment, ""));
  std::vector<const proto::Feature*> features;
  TANDEM_RETURN_IF_ERROR(ValidateFeatures(experiment, &features));
  TANDEM_RETURN_IF_ERROR(ValidateData(experiment, features));
  TANDEM_RETURN_IF_ERROR(ValidateModel(experiment));
  TANDEM_RETURN_IF_ERROR(ValidateTransformers(experiment, features));
  TANDEM_RETURN_IF_ERROR(ValidateTrain(experiment));
  TANDEM_RETURN_IF_ERROR(ValidateLevers(experiment, features));
  TANDEM_RETURN_IF_ERROR(ValidateOnline(experiment.online(), experiment.data()));
  return ValidateDaily(experiment.daily());
}

}  // namespace tandem
