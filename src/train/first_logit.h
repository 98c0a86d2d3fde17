// What a tower says before its first step: the log odds of the base rate, so that the first steps needn't
// look for it (train.first_logit).
//
//   BeginAtBaseRate(experiment, event, in_phase, state, &model);        // before each step
#ifndef TANDEM_SRC_TRAIN_FIRST_LOGIT_H_
#define TANDEM_SRC_TRAIN_FIRST_LOGIT_H_

#include "tandem/batch_source.h"
#include "tandem/dual_model.h"
#include "tandem/state.pb.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// log(p / (1 - p)) of p = (positives + m / 2) / (weight + m), m the mean weight of a row: half a positive and
// half a negative more, so that it is finite whatever the labels are. 0 without rows, or where none weighs.
double BaseRateLogit(const LabelSums& labels);

// Of a run that begins anew, before it learns the event's batch: the model's first values again, now that the
// first rows are read. A teacher that sat out rows without a label begins at its own first ones, as if there
// had been no others. Later steps change nothing.
void BeginAtBaseRate(const proto::Experiment& experiment, const LogEvent& event, bool in_phase,
                     const proto::RunState& state, DualModel* model);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_FIRST_LOGIT_H_
