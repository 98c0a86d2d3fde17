// `tandem synth`: writes a synthetic log of daily files, and prints as one JSON object what a perfect model
// would reach on it.
//
//   tandem synth --output=logs --days=31 --rows_per_day=20000 --seed=1 --holdout_rows=20000
#ifndef TANDEM_TOOLS_SYNTH_H_
#define TANDEM_TOOLS_SYNTH_H_

#include "absl/status/status.h"
#include "src/data/synthetic_log.h"

namespace tandem {

absl::Status Synth(const SyntheticOptions& options);

}  // namespace tandem

#endif  // TANDEM_TOOLS_SYNTH_H_
