// Where the rows of the embedding tables are: in this process, or wherever a RowStore of yours keeps them.
//
//   std::unique_ptr<RowStore> store = MakeLocalRowStore(experiment, schema, /*trained=*/true);
//   EmbeddingLayer embedding(experiment, schema, std::move(store));
//
//   RunOptions options;
//   options.row_stores = [&](const RowStoreRequest& request) -> absl::StatusOr<std::unique_ptr<RowStore>> {
//     return NewMyRowStore(request);                     // docs/row_stores.md goes through what one owes
//   };
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
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/schema.h"
#include "tandem/threads.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// How rows lie in memory. A function of the configuration, but for `slow_at`, which is the store's own.
struct RowShape {
  bool trained = false;  // with what training needs
  // A row that was read begins with its weights: `dim` floats (of all vectors that lie side by side, where
  // there is a committee), then one linear weight for each tower that has a linear part: the teachers', and
  // the student's last.
  int dim = 0;
  int teacher_linear = 0;
  bool student_linear = false;
  int width = 0;  // of all weights
  // Where its slow copy, `dim` floats, begins; 0: there is none.
  int slow_at = 0;

  // A whole row, as checkpoints hold it: weights, `slots` times as many floats of the optimizer's, the slow
  // copy; and the words.
  int slots = 0;
  bool slow = false;
  bool updates = false;     // a count of the row's updates
  bool last_steps = false;  // the step that it was brought up to date for
  bool last_days = false;   // the day that Admit last asked for it; of counted keys as well
  int whole_floats() const { return width * (1 + slots) + (slow ? dim : 0); }
};

// Rows of one table: the keys that are asked for, and the store's answer. Memory is kept from batch to batch.
struct TableRows {
  TableRows() = default;
  TableRows(TableRows&&) = default;
  TableRows& operator=(TableRows&&) = default;

  // Another's keys, and its rows for as long as that one has them, or ReadAgain reads them anew.
  void Refer(const TableRows& other) {
    keys = other.keys;
    rows = other.rows;
    slow_left = other.slow_left;
  }
  // Whether the row at a place is a key's own.
  bool has_row(uint32_t place) const { return rows[place] != rows[0]; }

  // Asked: distinct keys. Of training also how often each occurs in the batch; its occurrences up to the last
  // one that isn't hidden (embedding.id_dropout), empty where all count; whether some is.
  std::vector<uint64_t> keys;
  std::vector<uint32_t> occurrences;
  std::vector<uint32_t> shown;
  bool hides = false;

  // Answered, a place each: rows[0] is the OOV row, rows[i + 1] that of keys[i], the OOV row where it
  // has none. Valid until the store learns, drops rows, or `memory` is changed; those of a LocalRowStore stay
  // where they are, and what it learns is seen through them.
  std::vector<const float*> rows;
  // What is left of the difference between slow copy and row: a place's slow vector is E + left (slow - E).
  // Empty: all of it, the copies are up to date.
  std::vector<float> slow_left;
  // Of training: the first so many occurrences of keys[i] are the OOV row's, for it wasn't admitted yet;
  // empty: none of any key. And the occurrences of keys that were refused a row (AdmitStep::max_rows).
  std::vector<uint32_t> waiting;
  int64_t refused = 0;
  // For the store to put rows in that aren't in memory anyway.
  std::vector<float> memory;
};

// Reads rows.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual const RowShape& shape() const = 0;
  // Answers all tables, in the schema's order; some may ask for nothing. Changes no row.
  virtual absl::Status Read(absl::Span<TableRows> tables) const = 0;
  // The same keys after the store has learned. `tables` hold an answer, or refer to one.
  virtual absl::Status ReadAgain(absl::Span<TableRows> tables) const { return Read(tables); }
};

// What is asked of a store in training. From any thread, for different tables at the same time, each once:
// Keys, then Found when its TableRows are answered. So the layer's work on a table goes on beside the
// store's.
class RowDemand {
 public:
  virtual ~RowDemand() = default;
  virtual TableRows* Keys(int table) = 0;
  virtual void Found(int table) = 0;
};

struct AdmitStep {
  int64_t step = 1;  // from 1
  // Once the tables hold so many rows and counted ids, no id is admitted or counted any more. Looked at
  // before the step, whose ids may go beyond; 0: no bound.
  int64_t max_rows = 0;
  // Whether slow copies will be read before the store learns.
  bool reads_slow = false;
  // The day of the log that the batch is of, since 1970-01-01; 0: none, and nothing is noted.
  uint32_t day = 0;
};

struct LearnStep {
  int64_t step = 1;
  // Multiplies the rate of everything but the student's linear weights, and of those.
  double rate_scale = 1, student_scale = 1;
};

// The gradients of the rows that a step handed out, added up over their occurrences. From any thread.
class RowGradients {
 public:
  enum class Kind {
    kNone,  // no occurrence was this row's: it isn't updated
    kFinite,
    kNotFinite
  };
  virtual ~RowGradients() = default;
  // Rows of the table that have a gradient.
  virtual int64_t rows(int table) const = 0;
  // gradient: [width]. `place` as in TableRows::rows.
  virtual Kind Get(int table, uint32_t place, float* gradient) const = 0;
};

struct TableSize {
  int64_t rows = 1;     // the OOV row included
  int64_t pending = 0;  // keys that are counted and have no row yet
};

struct StoreState {
  std::vector<TableSize> tables;
  int64_t bytes = 0;  // in use, slots and index included
  int64_t step = 0;   // the last that was learned from
  // [t]: the logarithm of what weight decay leaves of a weight over the steps 1 ... t.
  std::vector<double> decay_log = {0};
};

// Some rows, as checkpoints hold them.
struct RowBlock {
  enum class Kind { kOovRow, kRows, kPending };
  Kind kind = Kind::kRows;
  std::vector<uint64_t> keys;  // of the OOV row: one, 0
  // kOovRow and kRows: [keys, whole_floats], and the words that RowShape says.
  std::vector<float> floats;
  std::vector<uint32_t> updates, last_steps;
  // kPending: the occurrences so far.
  std::vector<uint32_t> counts;
  // Of all kinds where there are last_days; 0: not known, or the OOV row's.
  std::vector<uint32_t> last_days;

  int64_t rows() const { return static_cast<int64_t>(keys.size()); }
  void Clear() {
    keys.clear();
    floats.clear();
    updates.clear();
    last_steps.clear();
    counts.clear();
    last_days.clear();
  }
};

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

// What a store is wanted for; valid during the call.
struct RowStoreRequest {
  // Validated; of a student with tables of its own that of the student alone.
  const proto::Experiment& experiment;
  const Schema& schema;  // of it
  bool trained;          // with slots; else the store is filled once, and read
  bool of_student;       // the tables that a student has for itself
};

// Makes empty stores. Null stands for local ones.
using RowStoreFactory =
    std::function<absl::StatusOr<std::unique_ptr<RowStore>>(const RowStoreRequest& request)>;

// Tables in this process: rows are handed out where they lie. The arguments needn't outlive it.
std::unique_ptr<RowStore> MakeLocalRowStore(const proto::Experiment& experiment, const Schema& schema,
                                            bool trained);

}  // namespace tandem

#endif  // TANDEM_ROW_STORE_H_
