// A batch made up to time a model with, rather than read from a log.
#ifndef TANDEM_SRC_SERVE_KNOWN_ROWS_H_
#define TANDEM_SRC_SERVE_KNOWN_ROWS_H_

#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/predictor.h"

namespace tandem {

// Rows of one id a field, which the tables hold, so that the look-ups are real ones. Collects all keys: it
// takes as long as reading the tables once.
absl::StatusOr<Batch> RowsOfKnownIds(const Predictor& predictor, int rows);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_KNOWN_ROWS_H_
