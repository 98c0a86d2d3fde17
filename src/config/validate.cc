#include "src/config/validate.h"

#include "src/config/ranges.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {

absl::Status ValidateTrain(const proto::Train& train) {
  if (train.student_steps() != 1) {
    return ConfigError("train.student_steps: ", train.student_steps(), " is not supported yet; must be 1");
  }
  if (train.average_decay() != 0) {
    return ConfigError("train.average_decay: ", train.average_decay(), " is not supported yet; must be 0");
  }
  const proto::Schedule& schedule = train.schedule();
  const std::string& decay = proto::Schedule::Decay_Name(schedule.decay());
  if (schedule.decay() != proto::Schedule::CONSTANT && schedule.decay_steps() == 0) {
    return ConfigError("train.schedule.decay_steps: 0; decay ", decay, " needs more than 0");
  }
  if (schedule.decay() == proto::Schedule::EXPONENTIAL && (schedule.final() <= 0 || schedule.final() >= 1)) {
    return ConfigError("train.schedule.final: ", schedule.final(), "; decay ", decay,
                       " needs more than 0 and less than 1");
  }
  return absl::OkStatus();
}

absl::Status ValidateExperiment(const proto::Experiment& experiment) {
  TANDEM_RETURN_IF_ERROR(CheckRanges(experiment, ""));
  std::vector<const proto::Feature*> features;
  TANDEM_RETURN_IF_ERROR(ValidateFeatures(experiment, &features));
  TANDEM_RETURN_IF_ERROR(ValidateData(experiment.data(), features));
  TANDEM_RETURN_IF_ERROR(ValidateModel(experiment.model()));
  TANDEM_RETURN_IF_ERROR(ValidateTrain(experiment.train()));
  TANDEM_RETURN_IF_ERROR(ValidateOnline(experiment.online(), experiment.data()));
  return ValidateDaily(experiment.daily());
}

}  // namespace tandem
