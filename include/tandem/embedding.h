// The shared embedding layer: from bags of keys to the vectors that both towers read, and back.
//
//   EmbeddingLayer embedding(experiment, schema, /*trained=*/true);
//   BatchRows rows;
//   embedding.Resolve(batch, step, &workers, &rows);                 // training: admits new ids
//   embedding.Gather(batch, rows, first_row, x, linear);   // a shard; x: [shard rows, fields * dim]
//   embedding.Update(batch, rows, gradients, step, /*rate_scale=*/1, /*student_scale=*/1, &workers);
//
//   embedding.Lookup(batch, &rows);                                  // scoring: changes nothing
//
// A field's vector is e = sum_i c_i E[id_i] over its bag (tandem/batch.h); so dE[id_i] += c_i de. Duplicate
// ids of a batch are merged: a row's gradient is the sum over its occurrences in (field, row, place) order,
// and the row is updated once.
//
// A row holds D floats, then one linear weight for each tower that has a linear part, zero at first. The
// linear sums leave sequences out: their table is often that of the target, whose weights would count them
// twice. First values are a function of (seed, table, id). An id gets its row at its min_count-th occurrence;
// till then, and for the occurrences that id_dropout hides, the table's default row serves and learns.
//
// With embedding.slow_copy, a row also keeps a slow average of its vector: after step t
//   slow_t = E_t + d (slow_{t-1} - E_t),
// from slow = E at first; rows that a step leaves alone are brought up to date when they are read,
// slow_t = E + d^(t - s) (slow_s - E), which is the same.
//
// Threads: Lookup and Gather from any thread while nothing else runs; Resolve, Update from one, which share
// the work out to `workers` with results that don't depend on their number.
#ifndef TANDEM_EMBEDDING_H_
#define TANDEM_EMBEDDING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/embedding_table.h"
#include "tandem/files.h"
#include "tandem/matrix.h"
#include "tandem/optimizer.h"
#include "tandem/sample.h"
#include "tandem/threads.h"

namespace tandem {

namespace proto {
class EmbeddingHeader;
class Experiment;
}  // namespace proto

// Table rows of a batch's occurrences, field by field, in the order of FieldBags::keys. Reused from batch to
// batch.
struct BatchRows {
  std::vector<std::vector<uint32_t>> fields;
};

// What a tower reads of the layer: the fields, in schema order, and which copy of the rows.
struct EmbeddingView {
  std::vector<int> fields;
  bool slow = false;
};

// The linear sums of a shard's or a batch's rows; null where the tower has no linear part (or isn't there).
struct LinearSums {
  float* teacher = nullptr;
  float* student = nullptr;
};

// Gradients of a whole batch with respect to what Gather wrote.
struct EmbeddingGradients {
  ConstMatrix d_x;                          // [rows, fields * dim]
  const float* d_teacher_linear = nullptr;  // [rows]: the gradient of the tower's logit
  const float* d_student_linear = nullptr;
};

// What a loaded layer goes on with.
enum class EmbeddingLoad {
  kResume,          // the same run: every bit of state
  kContinue,        // a new run, counted from step 0, that keeps the optimizer's slots
  kReset,           // weights alone: the optimizer starts anew
  kContinueServed,  // as kContinue, from what is evaluated and served
  kServed,          // what is evaluated and served: averaged weights and the slow copy, where there are; the
                    // optimizer starts anew, or there is none (scoring)
};

class EmbeddingLayer {
 public:
  // `experiment` is validated; `schema` is its own, and must outlive the layer. `trained`: with optimizer
  // slots. Without, the layer can only be loaded and read.
  EmbeddingLayer(const proto::Experiment& experiment, const Schema& schema, bool trained);
  ~EmbeddingLayer();

  int fields() const { return static_cast<int>(schema_.fields().size()); }
  // All fields of the layer's own tower, as trained.
  const EmbeddingView& all_fields() const { return all_fields_; }
  int dim() const { return dim_; }
  int64_t rows() const;
  // Bytes of the rows that serving needs: weights alone, without slots and index.
  int64_t weight_bytes() const;
  // Bytes in use, slots and index included.
  int64_t bytes() const;
  const std::vector<EmbeddingTable>& tables() const { return tables_; }

  // The weights of an id's own row (with the default first values if it had none): for values that come from
  // elsewhere.
  float* InsertRow(int table, uint64_t key);

  // Once the tables hold `rows` rows and counted ids, Resolve admits and counts no more: ids without a row
  // are served by the default row. Looked at before a batch, whose ids may go beyond; 0: no bound.
  void set_max_rows(int64_t rows) { max_rows_ = rows; }
  // Occurrences so far that got no row for that reason.
  int64_t ids_refused() const;

  // Finds the rows of a training batch: counts and admits ids, applies id_dropout, and brings lazily decayed
  // rows up to date. `step` counts from 1.
  void Resolve(const Batch& batch, int64_t step, Workers* workers, BatchRows* rows);
  // Finds the rows of a batch to score.
  void Lookup(const Batch& batch, BatchRows* rows) const;
  // Pools rows [first_row, first_row + x.rows) of the batch into x, [rows, view's fields * dim], and sums
  // their linear weights over the view's fields. The slow copy is that after the last Update.
  void Gather(const Batch& batch, const BatchRows& rows, int first_row, const EmbeddingView& view, Matrix x,
              const LinearSums& linear) const;
  // The same of all fields, as they are trained.
  void Gather(const Batch& batch, const BatchRows& rows, int first_row, Matrix x,
              const LinearSums& linear) const {
    Gather(batch, rows, first_row, all_fields_, x, linear);
  }

  // One optimizer step on every row that Resolve found (on every row of the tables with l2_scope TABLE).
  // `rate_scale` multiplies the rate of everything but the student's linear weights, `student_scale` that of
  // those. kInternal when a gradient isn't finite: names the field's table and the step.
  absl::Status Update(const Batch& batch, const BatchRows& rows, const EmbeddingGradients& gradients,
                      int64_t step, double rate_scale, double student_scale, Workers* workers);

  // Writes all tables to one record file, rows in key order. With `slots` false only what scoring needs:
  // weights, with pending decay applied. `model_id` ties the file to the graph it belongs to.
  absl::Status Save(FileSystem& fs, const std::string& path, const std::string& model_id, bool slots) const;
  // Fills an empty layer from what Save wrote. Tables are matched by name; a table of the file that the
  // schema lacks is skipped, a table that the file lacks stays empty (features may have changed: the caller
  // decides whether they may). Damage is a ModelError, and so is another model's file.
  absl::Status Load(FileSystem& fs, const std::string& path, const std::string& model_id, EmbeddingLoad how);

 private:
  struct Merged;  // the distinct rows of a batch in one table, with their occurrences

  uint32_t Admit(int table, uint64_t key);
  void InitializeRow(uint64_t key, float* weights) const;
  void ResolveTable(int table, const Batch& batch, int64_t step, BatchRows* rows);
  void MergeOccurrences(int table, const Batch& batch, const BatchRows& rows);
  int student_column() const { return dim_ + (teacher_linear_ ? 1 : 0); }
  // One field of Gather. kDim is dim(), or 0 where it isn't a common one; and so in RowGradient.
  template <int kDim>
  void GatherField(int field, const Batch& batch, const BatchRows& rows, int first_row, float* x,
                   int x_stride, int x_rows, const LinearSums& linear) const;
  // The same of the slow copy.
  template <int kDim>
  void GatherSlowField(int field, const Batch& batch, const BatchRows& rows, int first_row, float* x,
                       int x_stride, int x_rows, const LinearSums& linear) const;
  // Adds up the gradients of one row's occurrences; false when the sum isn't finite.
  template <int kDim>
  bool RowGradient(const Merged& merged, uint32_t unique, const EmbeddingGradients& gradients,
                   float* gradient) const;
  void UpdateRow(EmbeddingTable* table, uint32_t row, int64_t step, double rate_scale, double student_scale,
                 float* gradient) const;
  // Multiplies the weights by what decay leaves of them over the steps after the row's last one, up to
  // `step`.
  void ApplyDecay(int64_t last_step, int64_t step, float* weights) const;
  // What is left of a difference between slow copy and row after some steps that left the row alone.
  float SlowLeft(int64_t steps) const {
    return steps < static_cast<int64_t>(slow_left_.size()) ? slow_left_[steps] : 0.0f;
  }
  absl::Status SaveTable(int table, bool slots, RecordWriter* writer) const;
  absl::Status LoadTable(const std::string& path, const proto::EmbeddingHeader& file, EmbeddingLoad how,
                         RecordReader* reader);

  const Schema& schema_;
  int dim_;
  bool teacher_linear_, student_linear_;
  int width_;  // of a row's weights: dim + linear weights
  bool trained_;
  uint64_t seed_;
  double init_deviation_;
  uint32_t min_count_;
  double id_dropout_;
  double l2_;
  bool l2_whole_table_;
  double weight_decay_;
  double slow_decay_;
  bool has_teacher_, has_student_;
  bool slow_teacher_, slow_student_;  // evaluated and served on it
  bool keeps_slow_;                   // beside the row
  bool lazy_steps_;                   // the optimizer counts a row's updates
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<EmbeddingTable> tables_;
  std::vector<std::vector<int>> fields_of_table_;
  std::vector<std::unique_ptr<Merged>> merged_;
  std::vector<std::vector<float>> gradients_;  // a worker
  // Of an update: a table, and its first distinct row (or its first row).
  std::vector<std::pair<int, uint32_t>> tasks_;
  int64_t max_rows_ = 0;
  bool full_ = false;                 // of the batch at hand: no id is admitted
  std::vector<int64_t> ids_refused_;  // a table
  // decay_log_[t]: log of what weight decay leaves of a weight over steps 1..t.
  std::vector<double> decay_log_ = {0};
  std::vector<float> slow_left_;  // slow_decay_ to the power of the place, as long as it is felt
  int64_t step_ = 0;              // the last Update's
  EmbeddingView all_fields_;
  std::vector<int> column_of_field_;  // of the layer's own fields, among them
  // Fields and columns from here on are of sequences.
  int plain_fields_ = 0;
  int plain_columns_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_EMBEDDING_H_
