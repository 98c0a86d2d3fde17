// The shared embedding layer: from bags of keys to the vectors that both towers read, and back.
//
//   EmbeddingLayer embedding(experiment, schema, MakeLocalRowStore(experiment, schema, /*trained=*/true));
//   BatchRows rows;
//   TANDEM_RETURN_IF_ERROR(embedding.Resolve(batch, step, &workers, &rows));      // training: admits new ids
//   embedding.Gather(batch, rows, first_row, x, linear);   // a shard; x: [shard rows, fields * dim]
//   TANDEM_RETURN_IF_ERROR(
//       embedding.Update(batch, rows, gradients, step, /*rate_scale=*/1, /*student_scale=*/1, &workers));
//
//   TANDEM_RETURN_IF_ERROR(embedding.Lookup(batch, &rows));                       // scoring: changes nothing
//
// A field's vector is e = sum_i c_i E[id_i] over its bag (tandem/batch.h); so dE[id_i] += c_i de. Duplicate
// ids of a batch are merged: a row is asked for once, its gradient is the sum over its occurrences in
// (field, row, place) order, and it is updated once.
//
// Where rows are, what they begin as and how they learn is the store's to know (tandem/row_store.h). A row
// has D floats (of a committee the vectors of its members, one after another: D is that of all together),
// then one linear weight for each tower that has a linear part. The linear sums leave sequences out: their
// table is often that of the target, whose weights would count them twice. Till an id has a row, and for the
// occurrences that id_dropout hides, the table's OOV row serves and learns.
//
// With embedding.slow_copy a row has a slow average of its vector beside it; a view says which a tower reads.
//
// Errors: what the store says when it can't answer. Local rows don't fail to be read.
//
// Threads: Lookup and Gather from any thread while nothing else runs; Resolve, Update from one, which share
// the work out to `workers` with results that don't depend on their number.
#ifndef TANDEM_EMBEDDING_H_
#define TANDEM_EMBEDDING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/file_system.h"
#include "tandem/matrix.h"
#include "tandem/row_store.h"
#include "tandem/schema.h"
#include "tandem/threads.h"

namespace tandem {

class EmbeddingFileReader;
class EmbeddingFileWriter;
struct RowSpec;

namespace proto {
class Experiment;
}  // namespace proto

// The rows of a batch: for every occurrence, field by field in the order of FieldBags::keys, its place among
// the rows of its table; 0 is the OOV row. Reused from batch to batch.
struct BatchRows {
  static constexpr uint32_t kOovRow = 0;

  // Whether the i-th occurrence of a field has a row of its own; `table` is the field's.
  bool has_row(int field, int table, size_t i) const { return tables[table].has_row(fields[field][i]); }

  std::vector<std::vector<uint32_t>> fields;
  std::vector<TableRows> tables;
  std::vector<std::vector<uint32_t>> scratch;  // of finding distinct keys
};

// What a tower reads of the layer: the fields, in schema order, and which copy of the rows.
struct EmbeddingView {
  std::vector<int> fields;
  bool slow = false;
};

// The linear sums of a shard's or a batch's rows; null where the tower has no linear part (or isn't there).
struct LinearSums {
  float* teacher = nullptr;  // [rows, RowShape::teacher_linear]
  float* student = nullptr;
};

// Gradients of a whole batch with respect to what Gather wrote.
struct EmbeddingGradients {
  ConstMatrix d_x;                          // [rows, fields * dim]
  const float* d_teacher_linear = nullptr;  // [rows, RowShape::teacher_linear]: of the towers' logits
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
  // `experiment` is validated; `schema` is its own, and must outlive the layer. `store` was made for them: a
  // trained one learns, another can only be loaded and read.
  EmbeddingLayer(const proto::Experiment& experiment, const Schema& schema, std::unique_ptr<RowStore> store);
  ~EmbeddingLayer();

  int fields() const { return static_cast<int>(schema_.fields().size()); }
  // All fields of the layer's own tower, as trained.
  const EmbeddingView& all_fields() const { return all_fields_; }
  int dim() const { return shape_.dim; }
  const RowShape& shape() const { return shape_; }
  RowStore& store() { return *store_; }
  const RowStore& store() const { return *store_; }
  // Rows of all tables, the OOV rows included.
  absl::StatusOr<int64_t> rows() const;

  // Once the tables hold `rows` rows and counted ids, Resolve admits and counts no more: ids without a row
  // are served by the OOV row. Looked at before a batch, whose ids may go beyond; 0: no bound.
  void set_max_rows(int64_t rows) { max_rows_ = rows; }
  // Occurrences so far that got no row for that reason.
  int64_t ids_refused() const { return ids_refused_; }

  // The day of the log that the next batches are of, since 1970-01-01; 0: none.
  void set_day(uint32_t day) { day_ = day; }
  // With embedding.expire_days, at the end of that day: drops the rows and counts of ids that no batch to
  // train on has read for so long, and says how many. Rows that were found before are not to be used any
  // more.
  absl::StatusOr<int64_t> Expire();

  // Finds the rows of a training batch: counts and admits ids, applies id_dropout, and brings lazily decayed
  // rows up to date. `step` counts from 1.
  absl::Status Resolve(const Batch& batch, int64_t step, Workers* workers, BatchRows* rows);
  // Finds the rows of a batch to score.
  absl::Status Lookup(const Batch& batch, BatchRows* rows) const;
  // Of rows that Resolve found, in another order or again: Update then learns from these occurrences. `batch`
  // and `rows` belong together; both are read in Update, too.
  void Merge(const Batch& batch, const BatchRows& rows);
  // Rows that were found in an earlier step, as they are now.
  absl::Status ReadAgain(BatchRows* rows) const;
  // Which of the keys have a row of their own.
  absl::Status Holds(int table, const std::vector<uint64_t>& keys, std::vector<bool>* held) const;
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

  // Writes all tables of a trained layer to one record file, rows in key order. `model_id` ties the file to
  // the graph it belongs to.
  absl::Status Save(FileSystem& fs, const std::string& path, const std::string& model_id) const;
  // Fills an empty layer from what Save wrote. Tables are matched by name; a table of the file that the
  // schema lacks is skipped, a table that the file lacks stays empty (features may have changed: the caller
  // decides whether they may). Damage is a ModelError, and so is another model's file.
  absl::Status Load(FileSystem& fs, const std::string& path, const std::string& model_id, EmbeddingLoad how);

 private:
  class Demand;  // a batch to train on
  class Merged;  // the distinct rows of a batch, with their occurrences and gradients

  // Asks for the distinct keys of a table; `count` their occurrences too.
  template <bool count>
  void AskFor(int table, const Batch& batch, int64_t step, BatchRows* rows) const;
  // Once they are answered: gives the OOV row its occurrences.
  void GiveOovRow(int table, BatchRows* rows, std::vector<uint32_t>* counts) const;
  int student_column() const { return shape_.width - 1; }
  // One field of Gather. kDim is dim(), or 0 where it isn't a common one.
  template <int kDim>
  void GatherField(int field, const Batch& batch, const BatchRows& rows, int first_row, float* x,
                   int x_stride, int x_rows, const LinearSums& linear) const;
  // The same of the slow copy.
  template <int kDim>
  void GatherSlowField(int field, const Batch& batch, const BatchRows& rows, int first_row, float* x,
                       int x_stride, int x_rows, const LinearSums& linear) const;
  absl::Status SaveTable(int table, const StoreState& state, EmbeddingFileWriter* writer) const;
  absl::Status LoadTable(EmbeddingFileReader* reader, EmbeddingLoad how, StoreState* state);

  const Schema& schema_;
  const std::unique_ptr<RowStore> store_;
  const std::unique_ptr<const RowSpec> spec_;
  const RowShape shape_;  // of the store's rows
  const uint64_t seed_;
  const double id_dropout_;
  const bool student_reads_slow_;
  std::vector<std::vector<int>> fields_of_table_;
  std::unique_ptr<Merged> merged_;
  int64_t max_rows_ = 0;
  int expire_days_ = 0;
  uint32_t day_ = 0;
  int64_t ids_refused_ = 0;
  EmbeddingView all_fields_;
  std::vector<int> column_of_field_;  // of the layer's own fields, among them
  // Fields and columns from here on are of sequences.
  int plain_fields_ = 0;
  int plain_columns_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_EMBEDDING_H_
