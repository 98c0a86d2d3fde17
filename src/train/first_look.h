// A first look at the window, before a run begins: the knots that its configuration leaves to it, and whether
// anything is held out.
//
//   TANDEM_RETURN_IF_ERROR(FindKnots(options, &experiment));      // what the run then keeps
//   TANDEM_RETURN_IF_ERROR(CheckHeldOut(fs, experiment, schema, validation.learned()));
#ifndef TANDEM_SRC_TRAIN_FIRST_LOOK_H_
#define TANDEM_SRC_TRAIN_FIRST_LOOK_H_

#include "absl/status/status.h"
#include "src/train/held_out_scorer.h"
#include "tandem/file_system.h"
#include "tandem/run.h"
#include "tandem/schema.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Fills the knots that piecewise features lack: those of the run that is resumed, else those of the model
// that it starts from, else quantiles of the rows that it will learn from (src/data/number_sample.h), at
// most 2^18 a feature. A function of the configuration and the log; the threads change nothing. A
// DataError where a column holds no number.
absl::Status FindKnots(const RunOptions& options, proto::Experiment* experiment);

// A DataError where a share of the rows is to be held out, and the log has none that is.
absl::Status CheckHeldOut(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema,
                          const HeldOutLog& learned);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_FIRST_LOOK_H_
