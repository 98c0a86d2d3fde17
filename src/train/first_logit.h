// What a tower says before its first step: the log odds of the base rate, so that the first steps needn't
// look for it (train.first_logit).
//
//   model->Initialize(BaseRateLogit(event.block_labels));
#ifndef TANDEM_SRC_TRAIN_FIRST_LOGIT_H_
#define TANDEM_SRC_TRAIN_FIRST_LOGIT_H_

#include "tandem/batch_source.h"

namespace tandem {

// log(p / (1 - p)) of p = (positives + m / 2) / (weight + m), m the mean weight of a row: half a positive and
// half a negative more, so that it is finite whatever the labels are. 0 without rows, or where none weighs.
double BaseRateLogit(const LabelSums& labels);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_FIRST_LOGIT_H_
