#include "src/train/first_logit.h"

#include <glog/logging.h>

#include <cmath>

#include "absl/strings/str_format.h"
#include "src/config/methods.h"
#include "src/util/progress.h"
#include "tandem/experiment.pb.h"
#include "tandem/loss.h"

namespace tandem {

double BaseRateLogit(const LabelSums& labels) {
  if (labels.rows == 0 || labels.weight <= 0) return 0;
  const double half = 0.5 * labels.weight / static_cast<double>(labels.rows);
  return std::log((labels.positives + half) / (labels.weight - labels.positives + half));
}

void BeginAtBaseRate(const proto::Experiment& experiment, const LogEvent& event, bool in_phase,
                     const proto::RunState& state, DualModel* model) {
  if (experiment.train().first_logit() != proto::Train::BASE_RATE || state.joint_steps() > 0) return;
  const bool first = state.step() == 0;
  const bool of_teacher = PlanOf(experiment).teacher && event.batch.labelled() && !in_phase;
  if (!first && !of_teacher) return;
  const double logit = BaseRateLogit(event.block_labels);
  const DenseParameters student = model->student_parameters(), adapters = model->adapter_parameters();
  model->Initialize(logit);
  if (!first) {
    model->student_parameters() = student;
    model->adapter_parameters() = adapters;
    model->Prepare();
  }
  if (event.block_labels.rows == 0) return;
  LOG(INFO) << "of the first " << FormatCount(event.block_labels.rows) << " rows with a label "
            << absl::StrFormat("%.4g %% are positive: the towers begin there", 100 * Sigmoid(logit));
}

}  // namespace tandem
