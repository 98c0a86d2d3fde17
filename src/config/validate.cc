#include "src/config/validate.h"

#include "src/config/ranges.h"
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

}  // namespace

absl::Status ValidateTrain(const proto::Train& train) {
  TANDEM_RETURN_IF_ERROR(CheckSchedule(train.schedule(), "train.schedule"));
  TANDEM_RETURN_IF_ERROR(CheckSchedule(train.student_schedule(), "train.student_schedule"));
  if (train.student_phase().decay() == proto::Schedule::EXPONENTIAL) {
    return ConfigError(
        "train.student_phase.decay: EXPONENTIAL has no end to reach; must be CONSTANT, LINEAR or COSINE");
  }
  return absl::OkStatus();
}

absl::Status ValidateExperiment(const proto::Experiment& experiment) {
  TANDEM_RETURN_IF_ERROR(CheckRanges(experiment, ""));
  std::vector<const proto::Feature*> features;
  TANDEM_RETURN_IF_ERROR(ValidateFeatures(experiment, &features));
  TANDEM_RETURN_IF_ERROR(ValidateData(experiment.data(), features));
  TANDEM_RETURN_IF_ERROR(ValidateModel(experiment));
  TANDEM_RETURN_IF_ERROR(ValidateTransformers(experiment, features));
  TANDEM_RETURN_IF_ERROR(ValidateTrain(experiment.train()));
  TANDEM_RETURN_IF_ERROR(ValidateLevers(experiment, features));
  TANDEM_RETURN_IF_ERROR(ValidateOnline(experiment.online(), experiment.data()));
  return ValidateDaily(experiment.daily());
}

}  // namespace tandem
