#include "tandem/embedding.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

#include "src/config/methods.h"
#include "src/embedding/key_places.h"
#include "src/embedding/row_spec.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Rows of a batch whose memory is asked for ahead of their turn.
constexpr uint32_t kPrefetchRows = 16;
// The same of the gradients that a row's occurrences have.
constexpr uint32_t kPrefetchGradients = 12;
constexpr int kLineFloats = 16;
// An occurrence that id_dropout hides, till its place is known.
constexpr uint32_t kHidden = 1u << 31;

inline void PrefetchFloats(const float* x, int n) {
  for (int i = 0; i < n; i += kLineFloats) __builtin_prefetch(x + i);
}

// Calls f with the dimension as a constant where it is a common one, so that loops over it unroll into
// registers; else with 0.
template <int n>
struct Constant {
  static constexpr int value = n;
};
template <class F>
auto WithDim(int dim, const F& f) {
  switch (dim) {
    case 8:
      return f(Constant<8>());
    case 16:
      return f(Constant<16>());
    case 32:
      return f(Constant<32>());
    default:
      return f(Constant<0>());
  }
}

}  // namespace

// The occurrences of a batch's rows, and with the gradients of a step what each row learns from.
class EmbeddingLayer::Merged final : public RowGradients {
 public:
  explicit Merged(const EmbeddingLayer& layer) : layer_(layer), tables_(layer.fields_of_table_.size()) {}

  // The places of a table are known.
  void Merge(int table, const Batch& batch, const BatchRows& rows);
  void set_gradients(const EmbeddingGradients& gradients) { gradients_ = gradients; }
  // Scratch of a table: how often each of its places occurs.
  std::vector<uint32_t>* counts(int table) { return &tables_[table].next; }

  int64_t rows(int table) const override { return tables_[table].rows; }
  Kind Get(int table, uint32_t place, float* gradient) const override;

 private:
  struct Occurrence {
    uint32_t sample;
    uint32_t column;  // of the field, among the layer's own
    float coefficient;
  };
  struct Table {
    int64_t rows = 0;               // with an occurrence
    std::vector<uint32_t> offsets;  // occurrences of the row at a place: [offsets[place], offsets[place + 1])
    std::vector<uint32_t> next;     // scratch
    std::vector<Occurrence> occurrences;
  };
  // Adds up the gradients of one row's occurrences; false when the sum isn't finite. kDim as in Gather.
  template <int kDim>
  bool Sum(const Table& table, uint32_t place, float* gradient) const;

  const EmbeddingLayer& layer_;
  std::vector<Table> tables_;
  EmbeddingGradients gradients_;
};

void EmbeddingLayer::Merged::Merge(int table_index, const Batch& batch, const BatchRows& rows) {
  Table& table = tables_[table_index];
  const size_t places = table.next.size();
  table.rows = 0;
  table.offsets.resize(places + 1);
  table.offsets[0] = 0;
  for (size_t place = 0; place < places; ++place) {
    table.rows += table.next[place] > 0 ? 1 : 0;
    table.offsets[place + 1] = table.offsets[place] + table.next[place];
    table.next[place] = table.offsets[place];
  }
  table.occurrences.resize(table.offsets[places]);
  for (const int f : layer_.fields_of_table_[table_index]) {
    const FieldBags& bags = batch.fields[f];
    const std::vector<uint32_t>& found = rows.fields[f];
    const auto column = static_cast<uint32_t>(layer_.column_of_field_[f]);
    for (int sample = 0; sample < batch.rows(); ++sample) {
      for (uint32_t i = bags.offsets[sample]; i < bags.offsets[sample + 1]; ++i) {
        table.occurrences[table.next[found[i]]++] = {static_cast<uint32_t>(sample), column,
                                                     bags.coefficients[i]};
      }
    }
  }
}

template <int kDim>
bool EmbeddingLayer::Merged::Sum(const Table& table, uint32_t place, float* gradient) const {
  const RowShape& shape = layer_.shape_;
  const int dim = kDim > 0 ? kDim : shape.dim;
  float registers[kDim > 0 ? kDim : 1];
  float* sum = kDim > 0 ? registers : gradient;
  for (int d = 0; d < dim; ++d) sum[d] = 0;
  const auto plain_columns = static_cast<uint32_t>(layer_.plain_columns_);
  const int linear = shape.teacher_linear;
  float student_sum = 0;
  for (int j = 0; j < linear; ++j) gradient[dim + j] = 0;
  const Occurrence* occurrences = table.occurrences.data();
  // Those of the rows that follow are asked for, too.
  const auto all = static_cast<uint32_t>(table.occurrences.size());
  const uint32_t end = table.offsets[place + 1];
  for (uint32_t o = table.offsets[place]; o < end; ++o) {
    if (o + kPrefetchGradients < all) {
      const Occurrence& ahead = occurrences[o + kPrefetchGradients];
      PrefetchFloats(gradients_.d_x.row(static_cast<int>(ahead.sample)) + ahead.column * dim, dim);
    }
    const Occurrence& occurrence = occurrences[o];
    const float c = occurrence.coefficient;
    const float* d_field = gradients_.d_x.row(static_cast<int>(occurrence.sample)) + occurrence.column * dim;
    for (int d = 0; d < dim; ++d) sum[d] += c * d_field[d];
    if (occurrence.column >= plain_columns) continue;
    if (gradients_.d_teacher_linear != nullptr) {
      const float* d_linear = gradients_.d_teacher_linear + static_cast<int64_t>(occurrence.sample) * linear;
      for (int j = 0; j < linear; ++j) gradient[dim + j] += c * d_linear[j];
    }
    if (gradients_.d_student_linear != nullptr)
      student_sum += c * gradients_.d_student_linear[occurrence.sample];
  }
  if (kDim > 0) {
    for (int d = 0; d < dim; ++d) gradient[d] = sum[d];
  }
  if (shape.student_linear) gradient[shape.width - 1] = student_sum;
  float zero = 0;  // NaN as soon as one of them isn't finite
  for (int i = 0; i < shape.width; ++i) zero += 0 * gradient[i];
  return zero == 0;
}

RowGradients::Kind EmbeddingLayer::Merged::Get(int table_index, uint32_t place, float* gradient) const {
  const Table& table = tables_[table_index];
  if (table.offsets[place] == table.offsets[place + 1]) return Kind::kNone;
  const bool finite =
      WithDim(layer_.shape_.dim, [&](auto dim) { return Sum<decltype(dim)::value>(table, place, gradient); });
  return finite ? Kind::kFinite : Kind::kNotFinite;
}

// What a batch to train on asks of the store.
class EmbeddingLayer::Demand final : public RowDemand {
 public:
  Demand(const EmbeddingLayer& layer, const Batch& batch, int64_t step, BatchRows* rows, Merged* merged)
      : layer_(layer), batch_(batch), step_(step), rows_(*rows), merged_(*merged) {}

  TableRows* Keys(int table) override {
    layer_.AskFor</*count=*/true>(table, batch_, step_, &rows_);
    return &rows_.tables[table];
  }
  void Found(int table) override {
    layer_.GiveOovRow(table, &rows_, merged_.counts(table));
    merged_.Merge(table, batch_, rows_);
  }

 private:
  const EmbeddingLayer& layer_;
  const Batch& batch_;
  const int64_t step_;
  BatchRows& rows_;
  Merged& merged_;
};

EmbeddingLayer::EmbeddingLayer(const proto::Experiment& experiment, const Schema& schema,
                               std::unique_ptr<RowStore> store)
    : schema_(schema),
      store_(std::move(store)),
      spec_(std::make_unique<const RowSpec>(experiment, store_->shape().trained)),
      shape_(store_->shape()),
      seed_(experiment.train().seed()),
      id_dropout_(experiment.embedding().id_dropout()),
      student_reads_slow_(StudentReadsSlowCopy(experiment)),
      fields_of_table_(schema.tables().size()) {
  column_of_field_.assign(schema.fields().size(), -1);
  for (int f = 0; f < fields(); ++f) {
    if (schema.fields()[f].teacher_only && !HasTeacher(experiment.model())) continue;
    fields_of_table_[schema.fields()[f].table].push_back(f);
    column_of_field_[f] = static_cast<int>(all_fields_.fields.size());
    all_fields_.fields.push_back(f);
    if (!schema.fields()[f].sequence.empty()) continue;
    plain_fields_ = f + 1;
    plain_columns_ = column_of_field_[f] + 1;
  }
  merged_ = std::make_unique<Merged>(*this);
  max_rows_ = experiment.embedding().max_rows();
  expire_days_ = experiment.embedding().expire_days();
}

EmbeddingLayer::~EmbeddingLayer() = default;

absl::StatusOr<int64_t> EmbeddingLayer::rows() const {
  TANDEM_ASSIGN_OR_RETURN(const StoreState state, store_->State());
  int64_t total = 0;
  for (const TableSize& table : state.tables) total += table.rows;
  return total;
}

template <bool count>
void EmbeddingLayer::AskFor(int table, const Batch& batch, int64_t step, BatchRows* rows) const {
  TableRows& asked = rows->tables[table];
  asked.keys.clear();
  asked.occurrences.clear();
  asked.shown.clear();
  asked.hides = false;
  size_t occurrences = 0;
  for (const int f : fields_of_table_[table]) occurrences += batch.fields[f].keys.size();
  KeyPlaces places(&rows->scratch[table], occurrences);
  const bool hides = count && id_dropout_ > 0 && schema_.tables()[table].ids;
  for (const int f : fields_of_table_[table]) {
    const std::vector<uint64_t>& keys = batch.fields[f].keys;
    std::vector<uint32_t>& found = rows->fields[f];
    found.resize(keys.size());
    uint32_t place = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      // All values of a number's field have one key.
      if (i == 0 || keys[i] != keys[i - 1]) place = places.Of(keys[i], &asked.keys);
      found[i] = place;
      if (!count) continue;
      if (place > asked.occurrences.size()) asked.occurrences.push_back(0);
      ++asked.occurrences[place - 1];
    }
    if (!hides) continue;
    const Random random(seed_, RandomPurpose::kIdDropout,
                        {static_cast<uint64_t>(f), static_cast<uint64_t>(step)});
    for (size_t i = 0; i < keys.size(); ++i) {
      if (random.UniformDouble(i) < id_dropout_) found[i] |= kHidden;
    }
  }
  if (!hides) return;
  // In a second round, for a field's occurrences are counted after those of the fields before it.
  asked.shown.assign(asked.keys.size(), 0);
  std::vector<uint32_t>& counted = rows->scratch[table];
  std::fill_n(counted.begin(), asked.keys.size(), 0u);
  for (const int f : fields_of_table_[table]) {
    for (const uint32_t found : rows->fields[f]) {
      const uint32_t key = (found & ~kHidden) - 1;
      ++counted[key];
      if ((found & kHidden) != 0) {
        asked.hides = true;
      } else {
        asked.shown[key] = counted[key];
      }
    }
  }
}

void EmbeddingLayer::GiveOovRow(int table, BatchRows* rows, std::vector<uint32_t>* counts) const {
  const TableRows& asked = rows->tables[table];
  counts->resize(asked.keys.size() + 1);
  if (asked.waiting.empty() && !asked.hides) {
    counts->front() = 0;
    std::copy(asked.occurrences.begin(), asked.occurrences.end(), counts->begin() + 1);
    return;
  }
  std::fill(counts->begin(), counts->end(), 0u);
  std::vector<uint32_t>& met = rows->scratch[table];
  std::fill_n(met.begin(), asked.keys.size(), 0u);
  for (const int f : fields_of_table_[table]) {
    for (uint32_t& found : rows->fields[f]) {
      const uint32_t place = found & ~kHidden;
      const bool waits = !asked.waiting.empty() && ++met[place - 1] <= asked.waiting[place - 1];
      found = waits || (found & kHidden) != 0 ? BatchRows::kOovRow : place;
      ++(*counts)[found];
    }
  }
}

absl::Status EmbeddingLayer::Resolve(const Batch& batch, int64_t step, Workers* workers, BatchRows* rows) {
  CHECK(shape_.trained);
  rows->fields.resize(batch.fields.size());
  rows->tables.resize(fields_of_table_.size());
  rows->scratch.resize(fields_of_table_.size());
  Demand demand(*this, batch, step, rows, merged_.get());
  TANDEM_RETURN_IF_ERROR(store_->Admit({step, max_rows_, student_reads_slow_, day_}, &demand, workers));
  for (const TableRows& table : rows->tables) ids_refused_ += table.refused;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> EmbeddingLayer::Expire() {
  if (expire_days_ == 0) return 0;
  return store_->Expire(day_, expire_days_);
}

absl::Status EmbeddingLayer::Lookup(const Batch& batch, BatchRows* rows) const {
  rows->fields.resize(batch.fields.size());
  rows->tables.resize(fields_of_table_.size());
  rows->scratch.resize(fields_of_table_.size());
  for (size_t t = 0; t < fields_of_table_.size(); ++t)
    AskFor</*count=*/false>(static_cast<int>(t), batch, /*step=*/0, rows);
  return store_->Read(absl::MakeSpan(rows->tables));
}

void EmbeddingLayer::Merge(const Batch& batch, const BatchRows& rows) {
  for (size_t t = 0; t < fields_of_table_.size(); ++t) {
    const int table = static_cast<int>(t);
    std::vector<uint32_t>& counts = *merged_->counts(table);
    counts.assign(rows.tables[t].rows.size(), 0);
    for (const int f : fields_of_table_[t]) {
      for (const uint32_t found : rows.fields[f]) ++counts[found];
    }
    merged_->Merge(table, batch, rows);
  }
}

absl::Status EmbeddingLayer::ReadAgain(BatchRows* rows) const {
  return store_->ReadAgain(absl::MakeSpan(rows->tables));
}

absl::Status EmbeddingLayer::Holds(int table, const std::vector<uint64_t>& keys,
                                   std::vector<bool>* held) const {
  std::vector<TableRows> tables(fields_of_table_.size());
  std::vector<uint32_t> scratch, found;
  KeyPlaces places(&scratch, keys.size());
  for (const uint64_t key : keys) found.push_back(places.Of(key, &tables[table].keys));
  TANDEM_RETURN_IF_ERROR(store_->Read(absl::MakeSpan(tables)));
  held->clear();
  for (const uint32_t place : found) held->push_back(tables[table].has_row(place));
  return absl::OkStatus();
}

template <int kDim>
void EmbeddingLayer::GatherField(int field, const Batch& batch, const BatchRows& rows, int first_row,
                                 float* x, int x_stride, int x_rows, const LinearSums& linear) const {
  const int dim = kDim > 0 ? kDim : shape_.dim;
  const TableRows& table = rows.tables[schema_.fields()[field].table];
  const float* const* table_rows = table.rows.data();
  const FieldBags& bags = batch.fields[field];
  const uint32_t* found = rows.fields[field].data();
  const uint32_t* offsets = bags.offsets.data() + first_row;
  const float* coefficients = bags.coefficients.data();
  const uint32_t end = offsets[x_rows];
  const int teachers = shape_.teacher_linear;
  for (int r = 0; r < x_rows; ++r) {
    float* out = x + static_cast<int64_t>(r) * x_stride;
    float registers[kDim > 0 ? kDim : 1];
    float* sum = kDim > 0 ? registers : out;
    for (int d = 0; d < dim; ++d) sum[d] = 0;
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i) {
      if (i + kPrefetchRows < end) PrefetchFloats(table_rows[found[i + kPrefetchRows]], shape_.width);
      const float* weights = table_rows[found[i]];
      const float c = coefficients[i];
      for (int d = 0; d < dim; ++d) sum[d] += c * weights[d];
      if (linear.teacher != nullptr) {
        for (int j = 0; j < teachers; ++j) linear.teacher[r * teachers + j] += c * weights[dim + j];
      }
      if (linear.student != nullptr) linear.student[r] += c * weights[student_column()];
    }
    if (kDim == 0) continue;
    for (int d = 0; d < dim; ++d) out[d] = sum[d];
  }
}

template <int kDim>
void EmbeddingLayer::GatherSlowField(int field, const Batch& batch, const BatchRows& rows, int first_row,
                                     float* x, int x_stride, int x_rows, const LinearSums& linear) const {
  const int dim = kDim > 0 ? kDim : shape_.dim;
  const TableRows& table = rows.tables[schema_.fields()[field].table];
  const float* const* table_rows = table.rows.data();
  const FieldBags& bags = batch.fields[field];
  const uint32_t* found = rows.fields[field].data();
  const uint32_t* offsets = bags.offsets.data() + first_row;
  const float* coefficients = bags.coefficients.data();
  const uint32_t end = offsets[x_rows];
  const float* slow_left = table.slow_left.data();
  const bool lazy = !table.slow_left.empty();
  const int teachers = shape_.teacher_linear;
  for (int r = 0; r < x_rows; ++r) {
    float* out = x + static_cast<int64_t>(r) * x_stride;
    float registers[kDim > 0 ? kDim : 1];
    float* sum = kDim > 0 ? registers : out;
    for (int d = 0; d < dim; ++d) sum[d] = 0;
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i) {
      if (i + kPrefetchRows < end) {
        PrefetchFloats(table_rows[found[i + kPrefetchRows]], shape_.width);
        PrefetchFloats(table_rows[found[i + kPrefetchRows]] + shape_.slow_at, dim);
      }
      const float* weights = table_rows[found[i]];
      const float* slow = weights + shape_.slow_at;
      const float c = coefficients[i];
      const float left = lazy ? slow_left[found[i]] : 1;
      if (left == 1) {
        for (int d = 0; d < dim; ++d) sum[d] += c * slow[d];
      } else {
        for (int d = 0; d < dim; ++d) sum[d] += c * (weights[d] + left * (slow[d] - weights[d]));
      }
      if (linear.teacher != nullptr) {
        for (int j = 0; j < teachers; ++j) linear.teacher[r * teachers + j] += c * weights[dim + j];
      }
      if (linear.student != nullptr) linear.student[r] += c * weights[student_column()];
    }
    if (kDim == 0) continue;
    for (int d = 0; d < dim; ++d) out[d] = sum[d];
  }
}

void EmbeddingLayer::Gather(const Batch& batch, const BatchRows& rows, int first_row,
                            const EmbeddingView& view, Matrix x, const LinearSums& linear) const {
  CHECK_EQ(x.cols, static_cast<int>(view.fields.size()) * shape_.dim);
  if (linear.teacher != nullptr) std::fill_n(linear.teacher, x.rows * shape_.teacher_linear, 0.0f);
  if (linear.student != nullptr) std::fill_n(linear.student, x.rows, 0.0f);
  const bool slow = view.slow && shape_.slow_at > 0;
  // A field asks for all of its rows but the first ones, which the field before it does.
  const auto ask_for_first = [&](int field) {
    const FieldBags& bags = batch.fields[field];
    const float* const* table_rows = rows.tables[schema_.fields()[field].table].rows.data();
    const uint32_t* found = rows.fields[field].data();
    const uint32_t begin = bags.offsets[first_row];
    const uint32_t end = std::min(begin + kPrefetchRows, bags.offsets[first_row + x.rows]);
    for (uint32_t i = begin; i < end; ++i) {
      PrefetchFloats(table_rows[found[i]], shape_.width);
      if (slow) PrefetchFloats(table_rows[found[i]] + shape_.slow_at, shape_.dim);
    }
  };
  if (!view.fields.empty()) ask_for_first(view.fields[0]);
  WithDim(shape_.dim, [&](auto dim) {
    for (size_t i = 0; i < view.fields.size(); ++i) {
      if (i + 1 < view.fields.size()) ask_for_first(view.fields[i + 1]);
      const LinearSums sums = view.fields[i] < plain_fields_ ? linear : LinearSums();
      float* column = x.data + static_cast<int64_t>(i) * shape_.dim;
      if (slow) {
        GatherSlowField<decltype(dim)::value>(view.fields[i], batch, rows, first_row, column, x.stride,
                                              x.rows, sums);
      } else {
        GatherField<decltype(dim)::value>(view.fields[i], batch, rows, first_row, column, x.stride, x.rows,
                                          sums);
      }
    }
  });
}

absl::Status EmbeddingLayer::Update(const Batch& batch, const BatchRows& rows,
                                    const EmbeddingGradients& gradients, int64_t step, double rate_scale,
                                    double student_scale, Workers* workers) {
  CHECK(shape_.trained);
  CHECK_EQ(gradients.d_x.rows, batch.rows());
  CHECK_EQ(rows.fields.size(), batch.fields.size());
  merged_->set_gradients(gradients);
  return store_->Learn({step, rate_scale, student_scale}, rows.tables, *merged_, workers);
}

}  // namespace tandem
