// Where the rows of the embedding tables are: in this process, or wherever a RowStore of yours keeps them.
//
//   class MyRowStore : public RowStore { ... };          // docs/row_stores.md goes through what one owes
//
//   EmbeddingLayer embedding(experiment, schema, std::move(store));
//
// A layer (tandem/embedding.h) knows what a field is: it merges a batch's duplicates, pools, and chooses
// which copy of a row a tower reads. A store knows what a row is: its first value, when its id is admitted,
// the optimizer and its slots, decay, the slow copy. Between them go distinct keys and rows, then the same
// keys' gradients.
//
// A step: Admit (new ids get rows, rows are handed out), any number of threads pool them, Learn. Scoring:
// Read. At the end of a day Expire, with embedding.expire_days. Beyond that only whole tables are moved, to
// and from checkpoints. Equal calls must have equal bits as results, those of a LocalRowStore: a store
// elsewhere had best keep one there and pass its calls on.
//
// A failure is a Status that names the store and what to do. It ends the step, or the request: a run leaves
// its last checkpoint as it was, and a store made anew is filled from it. Nothing is asked of a store that
// failed in Admit or Learn but to be destroyed.
//
// Threads: Read and ReadAgain from any thread while nothing else runs; all else from one.
#ifndef TANDEM_ROW_STORE_H_
#define TANDEM_ROW_STORE_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/row_block.h"
#include "tandem/row_reader.h"
#include "tandem/row_shape.h"
#include "tandem/row_training.h"
#include "tandem/table_rows.h"
#include "tandem/threads.h"

namespace tandem {

// Reads rows and learns.
class RowStore : public RowReader {
 public:
  // Most rows of a block.
  static constexpr int64_t kBlockRows = 65536;

  // The rows of a batch to train on: counts and admits ids, and brings lazily decayed rows up to date.
  virtual absl::Status Admit(const AdmitStep& step, RowDemand* demand, Workers* workers) = 0;
  // One optimizer step on every row that has a gradient (on every row with l2_scope TABLE). `tables` are what
  // Admit answered. kInternal when a gradient isn't finite: names the table and the step.
  virtual absl::Status Learn(const LearnStep& step, absl::Span<const TableRows> tables,
                             const RowGradients& gradients, Workers* workers) = 0;

  // A day of the log has ended: drops the rows and counted keys of ids that Admit last asked for `days` days
  // before it or earlier, and says how many. A day that isn't known becomes `day`. With `days` 0 nothing
  // goes.
  virtual absl::StatusOr<int64_t> Expire(uint32_t day, int days);

  virtual absl::StatusOr<StoreState> State() const = 0;
  // The first keys of a table that have a row, in their order.
  virtual absl::StatusOr<std::vector<uint64_t>> Keys(int table, int64_t most) const = 0;
  // All of a table: the OOV row, then rows and pending keys in key order. Ends at take's first failure.
  virtual absl::Status Export(int table, absl::FunctionRef<absl::Status(const RowBlock&)> take) const = 0;
  // Fills an empty store: what Export hands out; and the step and decay of a State.
  virtual absl::Status Import(int table, const RowBlock& block) = 0;
  virtual absl::Status Restore(const StoreState& state) = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_STORE_H_
