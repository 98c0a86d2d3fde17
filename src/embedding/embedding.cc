#include "tandem/embedding.h"

#include <glog/logging.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <utility>

#include "src/config/methods.h"
#include "src/util/profile.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"

namespace tandem {
namespace {

// Rows of a batch whose memory is asked for ahead of their turn.
constexpr uint32_t kPrefetchRows = 16;
// The same for updates, which read whole rows, slots included.
constexpr uint32_t kPrefetchUpdates = 6;
// Distinct rows that a worker updates at a time.
constexpr int kRowsPerTask = 256;

// Calls f with the dimension as a constant where it is a common one, so that loops over it unroll into
// registers; else with 0.
template <int n>
struct Constant {
  static constexpr int value = n;
};
template <class F>
void WithDim(int dim, const F& f) {
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

struct EmbeddingLayer::Merged {
  struct Occurrence {
    uint32_t sample;
    uint32_t column;  // of the field, among the layer's own
    float coefficient;
  };
  std::vector<uint32_t> rows;     // distinct, in the order of their first occurrence
  std::vector<uint32_t> offsets;  // occurrences of rows[u]: [offsets[u], offsets[u + 1])
  std::vector<uint32_t> next;     // scratch
  std::vector<Occurrence> occurrences;
};

EmbeddingLayer::EmbeddingLayer(const proto::Experiment& experiment, const Schema& schema, bool trained)
    : schema_(schema),
      dim_(experiment.embedding().dim()),
      teacher_linear_(HasTeacher(experiment.model()) && experiment.model().teacher().linear()),
      student_linear_(HasStudent(experiment.model()) && experiment.model().student().linear() &&
                      !PlanOf(experiment).own_embedding),
      width_(dim_ + (teacher_linear_ ? 1 : 0) + (student_linear_ ? 1 : 0)),
      trained_(trained),
      seed_(experiment.train().seed()),
      init_deviation_(experiment.embedding().init_deviation()),
      min_count_(experiment.embedding().min_count()),
      id_dropout_(experiment.embedding().id_dropout()),
      l2_(experiment.embedding().l2()),
      l2_whole_table_(l2_ > 0 && experiment.embedding().l2_scope() == proto::Embedding::TABLE),
      weight_decay_(experiment.embedding().weight_decay()),
      slow_decay_(experiment.embedding().slow_copy().decay()),
      has_teacher_(HasTeacher(experiment.model())),
      has_student_(HasStudent(experiment.model())),
      slow_teacher_(TeacherReadsSlowCopy(experiment)),
      slow_student_(StudentReadsSlowCopy(experiment)),
      keeps_slow_((slow_teacher_ || slow_student_) &&
                  (trained || slow_teacher_ != has_teacher_ || slow_student_ != has_student_)),
      lazy_steps_(experiment.embedding().optimizer().has_adam()),
      optimizer_(MakeOptimizer(experiment.embedding().optimizer())) {
  EmbeddingTable::Layout layout;
  layout.width = width_;
  if (keeps_slow_) layout.extra = dim_;
  if (trained) {
    layout.slots = optimizer_->slots();
    layout.updates = lazy_steps_;
    layout.last_steps = weight_decay_ > 0 || keeps_slow_;
    layout.scratch = true;
  }
  fields_of_table_.resize(schema.tables().size());
  column_of_field_.assign(schema.fields().size(), -1);
  for (int f = 0; f < fields(); ++f) {
    if (schema.fields()[f].teacher_only && !has_teacher_) continue;
    fields_of_table_[schema.fields()[f].table].push_back(f);
    column_of_field_[f] = static_cast<int>(all_fields_.fields.size());
    all_fields_.fields.push_back(f);
    if (!schema.fields()[f].sequence.empty()) continue;
    plain_fields_ = f + 1;
    plain_columns_ = column_of_field_[f] + 1;
  }
  if (keeps_slow_) {
    for (double left = 1; left > 1e-9; left *= slow_decay_) slow_left_.push_back(static_cast<float>(left));
  }
  for (size_t t = 0; t < schema.tables().size(); ++t) {
    EmbeddingTable& table = tables_.emplace_back(layout);
    ids_refused_.push_back(0);
    merged_.push_back(std::make_unique<Merged>());
    if (trained) {
      float* weights = table.row(EmbeddingTable::kDefaultRow);
      optimizer_->Initialize(width_, weights, weights + width_, width_);
    }
  }
}

EmbeddingLayer::~EmbeddingLayer() = default;

int64_t EmbeddingLayer::rows() const {
  int64_t total = 0;
  for (const EmbeddingTable& table : tables_) total += table.rows();
  return total;
}

int64_t EmbeddingLayer::weight_bytes() const { return rows() * width_ * static_cast<int64_t>(sizeof(float)); }

int64_t EmbeddingLayer::bytes() const {
  int64_t total = 0;
  for (const EmbeddingTable& table : tables_) total += table.bytes();
  return total;
}

void EmbeddingLayer::InitializeRow(uint64_t key, float* weights) const {
  const Random random(seed_, RandomPurpose::kRow, {key});
  constexpr int kAtATime = 64;
  double normal[kAtATime];
  for (int first = 0; first < dim_; first += kAtATime) {
    const int n = std::min(kAtATime, dim_ - first);
    random.Normals(first, n, normal);
    for (int d = 0; d < n; ++d) weights[first + d] = static_cast<float>(init_deviation_ * normal[d]);
  }
  if (trained_) optimizer_->Initialize(width_, weights, weights + width_, width_);
  if (keeps_slow_) std::copy_n(weights, dim_, weights + width_ * (trained_ ? 1 + optimizer_->slots() : 1));
}

float* EmbeddingLayer::InsertRow(int table_index, uint64_t key) {
  EmbeddingTable& table = tables_[table_index];
  const int64_t rows_before = table.rows();
  float* weights = table.row(table.Insert(key));
  if (table.rows() > rows_before) InitializeRow(key, weights);
  return weights;
}

int64_t EmbeddingLayer::ids_refused() const {
  return std::accumulate(ids_refused_.begin(), ids_refused_.end(), int64_t{0});
}

uint32_t EmbeddingLayer::Admit(int table_index, uint64_t key) {
  EmbeddingTable& table = tables_[table_index];
  if (full_) {
    const uint32_t row = table.Find(key);
    if (row == EmbeddingTable::kDefaultRow) ++ids_refused_[table_index];
    return row;
  }
  if (min_count_ > 1 && schema_.tables()[table_index].ids) {
    uint32_t count = 0;
    const uint32_t row = table.Count(key, &count);
    if (row != EmbeddingTable::kDefaultRow || count < min_count_) return row;
  }
  const int64_t rows_before = table.rows();
  const uint32_t row = table.Insert(key);
  if (table.rows() > rows_before) InitializeRow(key, table.row(row));
  return row;
}

void EmbeddingLayer::ResolveTable(int table_index, const Batch& batch, int64_t step, BatchRows* rows) {
  EmbeddingTable& table = tables_[table_index];
  const bool hides = id_dropout_ > 0 && schema_.tables()[table_index].ids;
  for (const int f : fields_of_table_[table_index]) {
    const std::vector<uint64_t>& keys = batch.fields[f].keys;
    std::vector<uint32_t>& found = rows->fields[f];
    found.resize(keys.size());
    const Random random(seed_, RandomPurpose::kIdDropout,
                        {static_cast<uint64_t>(f), static_cast<uint64_t>(step)});
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kPrefetchRows < keys.size()) table.PrefetchKey(keys[i + kPrefetchRows]);
      const int64_t rows_before = table.rows();
      found[i] = Admit(table_index, keys[i]);
      if (table.layout().last_steps && table.rows() > rows_before)
        table.last_step(found[i]) = static_cast<uint32_t>(step - 1);
      if (hides && random.UniformDouble(i) < id_dropout_) found[i] = EmbeddingTable::kDefaultRow;
    }
  }
  MergeOccurrences(table_index, batch, *rows);
  if (weight_decay_ == 0) return;
  for (const uint32_t row : merged_[table_index]->rows) {
    ApplyDecay(table.last_step(row), step - 1, table.row(row));
    table.last_step(row) = static_cast<uint32_t>(step - 1);
  }
}

void EmbeddingLayer::Resolve(const Batch& batch, int64_t step, Workers* workers, BatchRows* rows) {
  CHECK(trained_);
  int64_t held = 0;
  for (const EmbeddingTable& table : tables_) held += table.rows() + table.pending();
  full_ = max_rows_ > 0 && held >= max_rows_;
  rows->fields.resize(batch.fields.size());
  workers->ForEach(static_cast<int>(tables_.size()),
                   [&](int table, int /*worker*/) { ResolveTable(table, batch, step, rows); });
}

void EmbeddingLayer::MergeOccurrences(int table_index, const Batch& batch, const BatchRows& rows) {
  EmbeddingTable& table = tables_[table_index];
  Merged& merged = *merged_[table_index];
  merged.rows.clear();
  merged.next.clear();
  size_t occurrences = 0;
  // The table's scratch word of a row is its place in merged.rows, trusted only where that place names the
  // row: so nothing has to be cleared from batch to batch.
  for (const int f : fields_of_table_[table_index]) {
    const std::vector<uint32_t>& found = rows.fields[f];
    for (size_t i = 0; i < found.size(); ++i) {
      if (i + kPrefetchRows < found.size()) __builtin_prefetch(&table.scratch(found[i + kPrefetchRows]));
      const uint32_t row = found[i];
      uint32_t& place = table.scratch(row);
      if (place >= merged.rows.size() || merged.rows[place] != row) {
        place = static_cast<uint32_t>(merged.rows.size());
        merged.rows.push_back(row);
        merged.next.push_back(0);
      }
      ++merged.next[place];
    }
    occurrences += rows.fields[f].size();
  }
  merged.offsets.resize(merged.rows.size() + 1);
  merged.offsets[0] = 0;
  for (size_t u = 0; u < merged.rows.size(); ++u) {
    merged.offsets[u + 1] = merged.offsets[u] + merged.next[u];
    merged.next[u] = merged.offsets[u];
  }
  merged.occurrences.resize(occurrences);
  for (const int f : fields_of_table_[table_index]) {
    const FieldBags& bags = batch.fields[f];
    const auto column = static_cast<uint32_t>(column_of_field_[f]);
    for (int sample = 0; sample < batch.rows(); ++sample) {
      for (uint32_t i = bags.offsets[sample]; i < bags.offsets[sample + 1]; ++i) {
        const uint32_t place = table.scratch(rows.fields[f][i]);
        merged.occurrences[merged.next[place]++] = {static_cast<uint32_t>(sample), column,
                                                    bags.coefficients[i]};
      }
    }
  }
}

void EmbeddingLayer::Lookup(const Batch& batch, BatchRows* rows) const {
  rows->fields.resize(batch.fields.size());
  for (const int f : all_fields_.fields) {
    const EmbeddingTable& table = tables_[schema_.fields()[f].table];
    const std::vector<uint64_t>& keys = batch.fields[f].keys;
    std::vector<uint32_t>& found = rows->fields[f];
    found.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i + kPrefetchRows < keys.size()) table.PrefetchKey(keys[i + kPrefetchRows]);
      // All values of a number's field have one key.
      found[i] = i > 0 && keys[i] == keys[i - 1] ? found[i - 1] : table.Find(keys[i]);
    }
  }
}

template <int kDim>
void EmbeddingLayer::GatherField(int field, const Batch& batch, const BatchRows& rows, int first_row,
                                 float* x, int x_stride, int x_rows, const LinearSums& linear) const {
  const int dim = kDim > 0 ? kDim : dim_;
  const EmbeddingTable& table = tables_[schema_.fields()[field].table];
  const FieldBags& bags = batch.fields[field];
  const uint32_t* found = rows.fields[field].data();
  const uint32_t* offsets = bags.offsets.data() + first_row;
  const float* coefficients = bags.coefficients.data();
  const uint32_t end = offsets[x_rows];
  for (int r = 0; r < x_rows; ++r) {
    float* out = x + static_cast<int64_t>(r) * x_stride;
    float registers[kDim > 0 ? kDim : 1];
    float* sum = kDim > 0 ? registers : out;
    for (int d = 0; d < dim; ++d) sum[d] = 0;
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i) {
      if (i + kPrefetchRows < end) table.Prefetch(found[i + kPrefetchRows], width_);
      const float* weights = table.row(found[i]);
      const float c = coefficients[i];
      for (int d = 0; d < dim; ++d) sum[d] += c * weights[d];
      if (linear.teacher != nullptr) linear.teacher[r] += c * weights[dim];
      if (linear.student != nullptr) linear.student[r] += c * weights[student_column()];
    }
    if (kDim == 0) continue;
    for (int d = 0; d < dim; ++d) out[d] = sum[d];
  }
}

template <int kDim>
void EmbeddingLayer::GatherSlowField(int field, const Batch& batch, const BatchRows& rows, int first_row,
                                     float* x, int x_stride, int x_rows, const LinearSums& linear) const {
  const int dim = kDim > 0 ? kDim : dim_;
  const EmbeddingTable& table = tables_[schema_.fields()[field].table];
  const FieldBags& bags = batch.fields[field];
  const uint32_t* found = rows.fields[field].data();
  const uint32_t* offsets = bags.offsets.data() + first_row;
  const float* coefficients = bags.coefficients.data();
  const uint32_t end = offsets[x_rows];
  for (int r = 0; r < x_rows; ++r) {
    float* out = x + static_cast<int64_t>(r) * x_stride;
    float registers[kDim > 0 ? kDim : 1];
    float* sum = kDim > 0 ? registers : out;
    for (int d = 0; d < dim; ++d) sum[d] = 0;
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i) {
      if (i + kPrefetchRows < end) {
        table.Prefetch(found[i + kPrefetchRows], width_);
        table.PrefetchExtra(found[i + kPrefetchRows]);
      }
      const float* weights = table.row(found[i]);
      const float* slow = table.extra(found[i]);
      const float c = coefficients[i];
      // Not trained: the copy was brought up to date when it was loaded.
      const float left = trained_ ? SlowLeft(step_ - table.last_step(found[i])) : 1;
      if (left == 1) {
        for (int d = 0; d < dim; ++d) sum[d] += c * slow[d];
      } else {
        for (int d = 0; d < dim; ++d) sum[d] += c * (weights[d] + left * (slow[d] - weights[d]));
      }
      if (linear.teacher != nullptr) linear.teacher[r] += c * weights[dim];
      if (linear.student != nullptr) linear.student[r] += c * weights[student_column()];
    }
    if (kDim == 0) continue;
    for (int d = 0; d < dim; ++d) out[d] = sum[d];
  }
}

void EmbeddingLayer::Gather(const Batch& batch, const BatchRows& rows, int first_row,
                            const EmbeddingView& view, Matrix x, const LinearSums& linear) const {
  CHECK_EQ(x.cols, static_cast<int>(view.fields.size()) * dim_);
  if (linear.teacher != nullptr) std::fill_n(linear.teacher, x.rows, 0.0f);
  if (linear.student != nullptr) std::fill_n(linear.student, x.rows, 0.0f);
  const bool slow = view.slow && keeps_slow_;
  WithDim(dim_, [&](auto dim) {
    for (size_t i = 0; i < view.fields.size(); ++i) {
      const LinearSums sums = view.fields[i] < plain_fields_ ? linear : LinearSums();
      float* column = x.data + static_cast<int64_t>(i) * dim_;
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

template <int kDim>
bool EmbeddingLayer::RowGradient(const Merged& merged, uint32_t unique, const EmbeddingGradients& gradients,
                                 float* gradient) const {
  const int dim = kDim > 0 ? kDim : dim_;
  float registers[kDim > 0 ? kDim : 1];
  float* sum = kDim > 0 ? registers : gradient;
  for (int d = 0; d < dim; ++d) sum[d] = 0;
  const auto plain_columns = static_cast<uint32_t>(plain_columns_);
  float teacher_sum = 0, student_sum = 0;
  const Merged::Occurrence* occurrences = merged.occurrences.data();
  const uint32_t end = merged.offsets[unique + 1];
  for (uint32_t o = merged.offsets[unique]; o < end; ++o) {
    const Merged::Occurrence& occurrence = occurrences[o];
    const float c = occurrence.coefficient;
    const float* d_field = gradients.d_x.row(static_cast<int>(occurrence.sample)) + occurrence.column * dim;
    for (int d = 0; d < dim; ++d) sum[d] += c * d_field[d];
    if (occurrence.column >= plain_columns) continue;
    if (gradients.d_teacher_linear != nullptr)
      teacher_sum += c * gradients.d_teacher_linear[occurrence.sample];
    if (gradients.d_student_linear != nullptr)
      student_sum += c * gradients.d_student_linear[occurrence.sample];
  }
  if (kDim > 0) {
    for (int d = 0; d < dim; ++d) gradient[d] = sum[d];
  }
  if (teacher_linear_) gradient[dim] = teacher_sum;
  if (student_linear_) gradient[student_column()] = student_sum;
  float zero = 0;  // NaN as soon as one of them isn't finite
  for (int i = 0; i < width_; ++i) zero += 0 * gradient[i];
  return zero == 0;
}

void EmbeddingLayer::UpdateRow(EmbeddingTable* table, uint32_t row, int64_t step, double rate_scale,
                               double student_scale, float* gradient) const {
  float* weights = table->row(row);
  float* slow = keeps_slow_ ? table->extra(row) : nullptr;
  if (slow != nullptr) {
    const float left = SlowLeft(step - 1 - table->last_step(row));
    if (left != 1) {
      for (int d = 0; d < dim_; ++d) slow[d] = weights[d] + left * (slow[d] - weights[d]);
    }
    table->last_step(row) = static_cast<uint32_t>(step);
  }
  if (l2_ > 0) {
    const auto l2 = static_cast<float>(l2_);
    for (int i = 0; i < width_; ++i) gradient[i] += l2 * weights[i];
  }
  if (weight_decay_ > 0) {
    ApplyDecay(step - 1, step, weights);
    table->last_step(row) = static_cast<uint32_t>(step);
  }
  UpdateStep update{rate_scale, step};
  if (lazy_steps_) update.step = ++table->updates(row);
  const int student_part = student_linear_ ? 1 : 0;
  const int main_part = width_ - student_part;
  float* slots = weights + width_;
  optimizer_->Update(update, main_part, gradient, weights, slots, width_);
  if (student_part > 0) {
    update.rate_scale = student_scale;
    optimizer_->Update(update, student_part, gradient + main_part, weights + main_part, slots + main_part,
                       width_);
  }
  if (slow == nullptr) return;
  const auto decay = static_cast<float>(slow_decay_);
  for (int d = 0; d < dim_; ++d) slow[d] = weights[d] + decay * (slow[d] - weights[d]);
}

absl::Status EmbeddingLayer::Update(const Batch& batch, const BatchRows& rows,
                                    const EmbeddingGradients& gradients, int64_t step, double rate_scale,
                                    double student_scale, Workers* workers) {
  StageTimer timer(Stage::kEmbeddingUpdate);
  CHECK(trained_);
  CHECK_EQ(gradients.d_x.rows, batch.rows());
  CHECK_EQ(rows.fields.size(), batch.fields.size());
  step_ = step;
  if (weight_decay_ > 0) {
    CHECK_EQ(static_cast<int64_t>(decay_log_.size()), step);
    decay_log_.push_back(decay_log_.back() + std::log1p(-optimizer_->rate() * rate_scale * weight_decay_));
  }
  // Rows of a table that the batch doesn't touch have a gradient of their own only where L2 is over the whole
  // table.
  tasks_.clear();
  for (size_t t = 0; t < tables_.size(); ++t) {
    const size_t count = l2_whole_table_ ? tables_[t].rows() : merged_[t]->rows.size();
    timer.AddUnits(static_cast<int64_t>(count));
    for (size_t begin = 0; begin < count; begin += kRowsPerTask) tasks_.emplace_back(t, begin);
  }
  gradients_.resize(workers->size());
  for (std::vector<float>& gradient : gradients_) gradient.resize(width_);
  std::atomic<int> not_finite{-1};
  workers->ForEach(static_cast<int>(tasks_.size()), [&](int task, int worker) {
    const int t = tasks_[task].first;
    const uint32_t begin = tasks_[task].second;
    EmbeddingTable& table = tables_[t];
    const Merged& merged = *merged_[t];
    float* gradient = gradients_[worker].data();
    const auto update = [&](uint32_t unique, uint32_t row) {
      bool finite = true;
      if (unique == ~0u) {
        std::fill_n(gradient, width_, 0.0f);
      } else {
        WithDim(dim_, [&](auto dim) {
          finite = RowGradient<decltype(dim)::value>(merged, unique, gradients, gradient);
        });
      }
      if (!finite) {
        not_finite = t;
        return;
      }
      UpdateRow(&table, row, step, rate_scale, student_scale, gradient);
    };
    if (l2_whole_table_) {
      const auto end = static_cast<uint32_t>(std::min<int64_t>(table.rows(), begin + kRowsPerTask));
      for (uint32_t row = begin; row < end; ++row) {
        const uint32_t place = table.scratch(row);
        update(place < merged.rows.size() && merged.rows[place] == row ? place : ~0u, row);
      }
    } else {
      const auto end = static_cast<uint32_t>(std::min<size_t>(merged.rows.size(), begin + kRowsPerTask));
      for (uint32_t unique = begin; unique < end; ++unique) {
        if (unique + kPrefetchUpdates < end) {
          table.Prefetch(merged.rows[unique + kPrefetchUpdates], table.row_floats());
        }
        update(unique, merged.rows[unique]);
      }
    }
  });
  if (not_finite >= 0) {
    return absl::InternalError(absl::StrCat("step ", step, ": a gradient of embedding table '",
                                            schema_.tables()[not_finite].name,
                                            "' isn't finite; a lower rate or train.clip_norm may help"));
  }
  return absl::OkStatus();
}

void EmbeddingLayer::ApplyDecay(int64_t last_step, int64_t step, float* weights) const {
  if (last_step == step) return;
  const auto left = static_cast<float>(std::exp(decay_log_[step] - decay_log_[last_step]));
  for (int i = 0; i < width_; ++i) weights[i] *= left;
}

}  // namespace tandem
