// Rows that ask a model about what it holds, so that one whose scores aren't numbers is found before it
// serves.
#ifndef TANDEM_SRC_SERVE_PROBE_H_
#define TANDEM_SRC_SERVE_PROBE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/predictor.h"
#include "tandem/schema.h"

namespace tandem {

// One row with nothing in it, then some that have a key in every field: keys[t] are keys of table t, taken in
// turn.
Batch ProbeRows(const Schema& schema, const std::vector<std::vector<uint64_t>>& keys);

// ModelError where the predictor gives one of the rows a score that is not a number; an error of reading
// rows.
absl::Status ProveByScoring(const Predictor& predictor, const Batch& rows);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_PROBE_H_
