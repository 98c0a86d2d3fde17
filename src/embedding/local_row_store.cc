#include "src/embedding/local_row_store.h"

#include <glog/logging.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "src/util/profile.h"
#include "tandem/random.h"
#include "tandem/row_store_factory.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Keys whose place in the index is asked for ahead of their turn.
constexpr size_t kPrefetchKeys = 16;
// The same of rows to update, which are read whole, slots included.
constexpr uint32_t kPrefetchUpdates = 6;
// Rows that a worker updates at a time.
constexpr int kRowsPerTask = 256;

}  // namespace

LocalRowStore::LocalRowStore(const proto::Experiment& experiment, const Schema& schema, bool trained)
    : spec_(experiment, trained), infos_(schema.tables()), knots_(infos_.size()) {
  const RowShape& shape = spec_.shape;
  EmbeddingTable::Layout layout;
  layout.width = shape.width;
  layout.slots = shape.slots;
  layout.extra = shape.slow ? shape.dim : 0;
  layout.updates = shape.updates;
  layout.last_steps = shape.last_steps;
  layout.scratch = trained && spec_.l2_whole_table;
  layout.days = shape.last_days;
  if (shape.slow) {
    for (double left = 1; left > 1e-9 && slow_left_.size() < kMostSlowLeft; left *= spec_.slow_decay)
      slow_left_.push_back(static_cast<float>(left));
  }
  for (const Field& field : schema.fields()) {
    if (field.knots.size() > 1 && field.knots_slope > 0) PlaceKnots(schema, field);
  }
  for (size_t t = 0; t < infos_.size(); ++t) {
    EmbeddingTable& table = tables_.emplace_back(layout);
    if (!trained) continue;
    float* weights = table.row(EmbeddingTable::kOovRow);
    spec_.optimizer->Initialize(shape.width, weights, weights + shape.width, shape.width);
  }
}

// At equal distances, on a scale of mean 0 and deviation `knots_slope`.
void LocalRowStore::PlaceKnots(const Schema& schema, const Field& field) {
  KnotLine& line = knots_[field.table];
  line.key = schema.Key(field.table, "line");
  const auto last = static_cast<double>(field.knots.size() - 1);
  for (size_t k = 0; k < field.knots.size(); ++k) {
    const double place = std::sqrt(3.0) * (2 * static_cast<double>(k) / last - 1);
    line.places.emplace(schema.Key(field.table, KnotId(field.knots[k])), field.knots_slope * place);
  }
}

// The line's direction is a function of (seed, table).
void LocalRowStore::AddLine(int table, uint64_t seed, double place, int dim, float* vector) const {
  const Random random(seed, RandomPurpose::kKnotLine, {knots_[table].key});
  for (int d = 0; d < dim; ++d) vector[d] += static_cast<float>(place * random.Normal(d));
}

void LocalRowStore::InitializeRow(int table, uint64_t key, float* weights) const {
  const RowShape& shape = spec_.shape;
  constexpr int kAtATime = 64;
  double normal[kAtATime];
  const int vectors = static_cast<int>(spec_.seeds.size()), dim = shape.dim / vectors;
  const auto knot = knots_[table].places.find(key);
  const double place = knot == knots_[table].places.end() ? 0 : knot->second;
  for (int v = 0; v < vectors; ++v) {
    const Random random(spec_.seeds[v], RandomPurpose::kRow, {key});
    float* const vector = weights + v * dim;
    for (int first = 0; first < dim; first += kAtATime) {
      const int n = std::min(kAtATime, dim - first);
      random.Normals(first, n, normal);
      for (int d = 0; d < n; ++d) vector[first + d] = static_cast<float>(spec_.init_deviation * normal[d]);
    }
    if (place != 0) AddLine(table, spec_.seeds[v], place, dim, vector);
  }
  if (spec_.trained) spec_.optimizer->Initialize(shape.width, weights, weights + shape.width, shape.width);
  if (shape.slow) std::copy_n(weights, shape.dim, weights + shape.slow_at);
}

float* LocalRowStore::InsertRow(int table_index, uint64_t key) {
  EmbeddingTable& table = tables_[table_index];
  const int64_t rows_before = table.rows();
  float* weights = table.row(table.Insert(key));
  if (table.rows() > rows_before) InitializeRow(table_index, key, weights);
  return weights;
}

absl::Status LocalRowStore::Read(absl::Span<TableRows> tables) const {
  for (size_t t = 0; t < tables.size(); ++t) {
    const EmbeddingTable& table = tables_[t];
    TableRows& asked = tables[t];
    const size_t n = asked.keys.size();
    asked.rows.resize(n + 1);
    asked.rows[0] = table.row(EmbeddingTable::kOovRow);
    for (size_t i = 0; i < n; ++i) {
      if (i + kPrefetchKeys < n) table.PrefetchKey(asked.keys[i + kPrefetchKeys]);
      asked.rows[i + 1] = table.row(table.Find(asked.keys[i]));
    }
  }
  return ReadAgain(tables);
}

// Rows stay where they are.
absl::Status LocalRowStore::ReadAgain(absl::Span<TableRows> tables) const {
  // Not trained, the copies were brought up to date when they were loaded.
  if (!spec_.shape.slow || !spec_.trained) return absl::OkStatus();
  for (size_t t = 0; t < tables.size(); ++t) FindSlowLeft(static_cast<int>(t), &tables[t]);
  return absl::OkStatus();
}

void LocalRowStore::FindSlowLeft(int table, TableRows* asked) const {
  asked->slow_left.resize(asked->rows.size());
  for (size_t place = 0; place < asked->rows.size(); ++place)
    asked->slow_left[place] = SlowLeft(step_ - tables_[table].last_step(asked->rows[place]));
}

absl::Status LocalRowStore::Admit(const AdmitStep& step, RowDemand* demand, Workers* workers) {
  CHECK(spec_.trained);
  TANDEM_RETURN_IF_ERROR(CheckStep(step.step));
  int64_t held = 0;
  for (const EmbeddingTable& table : tables_) held += table.rows() + table.pending();
  const bool full = step.max_rows > 0 && held >= step.max_rows;
  workers->ForEach(static_cast<int>(tables_.size()), [&](int table, int /*worker*/) {
    AdmitTable(table, step, full, demand->Keys(table));
    demand->Found(table);
  });
  return absl::OkStatus();
}

// Tables that were restored, and the run that goes on with them, may say different things of themselves.
absl::Status LocalRowStore::CheckStep(int64_t step) const {
  const bool decays = spec_.weight_decay > 0;
  const bool goes_on = decays ? static_cast<int64_t>(decay_log_.size()) == step : step > step_;
  if (!spec_.shape.last_steps || (goes_on && step <= std::numeric_limits<uint32_t>::max()))
    return absl::OkStatus();
  return ModelError("the tables were left at step ",
                    decays ? static_cast<int64_t>(decay_log_.size()) - 1 : step_, ", and can't take step ",
                    step, " of the run: they belong to different runs, or the ", "checkpoint is damaged");
}

void LocalRowStore::AdmitTable(int table_index, const AdmitStep& step, bool full, TableRows* asked) {
  EmbeddingTable& table = tables_[table_index];
  const size_t n = asked->keys.size();
  const bool counts = spec_.min_count > 1 && infos_[table_index].ids;
  asked->rows.resize(n + 1);
  asked->rows[0] = table.row(EmbeddingTable::kOovRow);
  asked->waiting.clear();
  if (full || counts) asked->waiting.resize(n, 0);
  asked->refused = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t key = asked->keys[i];
    if (i + kPrefetchKeys < n) table.PrefetchKey(asked->keys[i + kPrefetchKeys]);
    if (full || counts) {
      const uint32_t occurrences = asked->occurrences[i];
      uint32_t count = 0;
      const uint32_t row = full ? table.Find(key) : table.Count(key, occurrences, &count);
      asked->rows[i + 1] = table.row(row);
      if (row != EmbeddingTable::kOovRow) continue;
      if (full) asked->refused += occurrences;
      if (full || count < spec_.min_count) {
        asked->waiting[i] = occurrences;
        continue;
      }
      // The occurrence that is the min_count-th is the row's first.
      const uint32_t before = count - occurrences;
      asked->waiting[i] = before + 1 < spec_.min_count ? spec_.min_count - 1 - before : 0;
    }
    const int64_t rows_before = table.rows();
    float* const row = table.row(table.Insert(key));
    asked->rows[i + 1] = row;
    if (table.rows() == rows_before) continue;
    InitializeRow(table_index, key, row);
    if (spec_.shape.last_steps) table.last_step(row) = static_cast<uint32_t>(step.step - 1);
  }
  if (spec_.shape.last_days && step.day > 0) {
    for (const uint64_t key : asked->keys) table.RaiseDay(key, step.day);
  }
  if (spec_.weight_decay > 0) DecayReadRows(table_index, step.step, asked);
  asked->slow_left.clear();
  if (step.reads_slow && spec_.shape.slow) FindSlowLeft(table_index, asked);
}

// Brings the rows up to date that an occurrence reads.
void LocalRowStore::DecayReadRows(int table_index, int64_t step, TableRows* asked) {
  const EmbeddingTable& table = tables_[table_index];
  const auto decay = [&](uint32_t place) {
    auto* const row = const_cast<float*>(asked->rows[place]);  // one of this store's own
    ApplyDecay(table.last_step(row), step - 1, row);
    table.last_step(row) = static_cast<uint32_t>(step - 1);
  };
  bool reads_default = asked->hides;
  for (uint32_t i = 0; i < asked->keys.size(); ++i) {
    const uint32_t shown = asked->shown.empty() ? asked->occurrences[i] : asked->shown[i];
    const uint32_t waiting = asked->waiting.empty() ? 0 : asked->waiting[i];
    reads_default = reads_default || waiting > 0;
    if (shown > waiting) decay(i + 1);
  }
  if (reads_default) decay(0);
}

void LocalRowStore::UpdateRow(const EmbeddingTable& table, float* weights, const LearnStep& step,
                              float* gradient) const {
  const RowShape& shape = spec_.shape;
  const int dim = shape.dim, width = shape.width;
  float* slow = shape.slow ? weights + shape.slow_at : nullptr;
  if (slow != nullptr) {
    const float left = SlowLeft(step.step - 1 - table.last_step(weights));
    if (left != 1) {
      for (int d = 0; d < dim; ++d) slow[d] = weights[d] + left * (slow[d] - weights[d]);
    }
    table.last_step(weights) = static_cast<uint32_t>(step.step);
  }
  if (spec_.l2 > 0) {
    const auto l2 = static_cast<float>(spec_.l2);
    for (int i = 0; i < width; ++i) gradient[i] += l2 * weights[i];
  }
  if (spec_.weight_decay > 0) {
    ApplyDecay(step.step - 1, step.step, weights);
    table.last_step(weights) = static_cast<uint32_t>(step.step);
  }
  UpdateStep update{step.rate_scale, step.step};
  if (shape.updates) update.step = ++table.updates(weights);
  const int student_part = shape.student_linear ? 1 : 0;
  const int main_part = width - student_part;
  float* slots = weights + width;
  spec_.optimizer->Update(update, main_part, gradient, weights, slots, width);
  if (student_part > 0) {
    update.rate_scale = step.student_scale;
    spec_.optimizer->Update(update, student_part, gradient + main_part, weights + main_part,
                            slots + main_part, width);
  }
  if (slow == nullptr) return;
  const auto decay = static_cast<float>(spec_.slow_decay);
  for (int d = 0; d < dim; ++d) slow[d] = weights[d] + decay * (slow[d] - weights[d]);
}

absl::Status LocalRowStore::Learn(const LearnStep& step, absl::Span<const TableRows> tables,
                                  const RowGradients& gradients, Workers* workers) {
  StageTimer timer(Stage::kEmbeddingUpdate);
  CHECK(spec_.trained);
  CHECK_EQ(tables.size(), tables_.size());
  step_ = step.step;
  if (spec_.weight_decay > 0) {
    CHECK_EQ(static_cast<int64_t>(decay_log_.size()), step.step);
    decay_log_.push_back(decay_log_.back() +
                         std::log1p(-spec_.optimizer->rate() * step.rate_scale * spec_.weight_decay));
  }
  // Rows of a table that the batch doesn't touch have a gradient of their own only where L2 is over the whole
  // table.
  const bool whole = spec_.l2_whole_table;
  tasks_.clear();
  for (size_t t = 0; t < tables_.size(); ++t) {
    const std::vector<const float*>& rows = tables[t].rows;
    timer.AddUnits(whole ? tables_[t].rows() : gradients.rows(static_cast<int>(t)));
    const size_t count = whole ? tables_[t].rows() : rows.size();
    for (size_t begin = 0; begin < count; begin += kRowsPerTask) tasks_.emplace_back(t, begin);
    // A row's word is its place, trusted only where that place names the row: so nothing has to be cleared
    // from batch to batch.
    for (size_t place = 0; whole && place < rows.size(); ++place)
      tables_[t].scratch(const_cast<float*>(rows[place])) = static_cast<uint32_t>(place);
  }
  gradients_.resize(workers->size());
  for (std::vector<float>& gradient : gradients_) gradient.resize(spec_.shape.width);
  std::atomic<int> not_finite{-1};
  workers->ForEach(static_cast<int>(tasks_.size()), [&](int task, int worker) {
    const int t = tasks_[task].first;
    const uint32_t begin = tasks_[task].second;
    EmbeddingTable& table = tables_[t];
    const std::vector<const float*>& rows = tables[t].rows;
    float* const gradient = gradients_[worker].data();
    if (whole) {
      const auto end = static_cast<uint32_t>(std::min<int64_t>(table.rows(), begin + kRowsPerTask));
      for (uint32_t r = begin; r < end; ++r) {
        float* const row = table.row(r);
        const uint32_t place = table.scratch(row);
        const bool read = place < rows.size() && rows[place] == row;
        const RowGradients::Kind kind = read ? gradients.Get(t, place, gradient) : RowGradients::Kind::kNone;
        if (kind == RowGradients::Kind::kNotFinite) {
          not_finite = t;
          continue;
        }
        if (kind == RowGradients::Kind::kNone) std::fill_n(gradient, spec_.shape.width, 0.0f);
        UpdateRow(table, row, step, gradient);
      }
      return;
    }
    const auto end = static_cast<uint32_t>(std::min<size_t>(rows.size(), begin + kRowsPerTask));
    for (uint32_t place = begin; place < end; ++place) {
      if (place + kPrefetchUpdates < end) table.Prefetch(rows[place + kPrefetchUpdates]);
      const RowGradients::Kind kind = gradients.Get(t, place, gradient);
      if (kind == RowGradients::Kind::kFinite) {
        UpdateRow(table, const_cast<float*>(rows[place]), step, gradient);
      } else if (kind == RowGradients::Kind::kNotFinite) {
        not_finite = t;
      }
    }
  });
  if (not_finite >= 0) {
    return absl::InternalError(absl::StrCat("step ", step.step, ": a gradient of embedding table '",
                                            infos_[not_finite].name,
                                            "' isn't finite; a lower rate or train.clip_norm may help"));
  }
  return absl::OkStatus();
}

void LocalRowStore::ApplyDecay(int64_t last_step, int64_t step, float* weights) const {
  if (last_step == step) return;
  const auto left = static_cast<float>(std::exp(decay_log_[step] - decay_log_[last_step]));
  for (int i = 0; i < spec_.shape.width; ++i) weights[i] *= left;
}

absl::StatusOr<int64_t> RowStore::Expire(uint32_t /*day*/, int /*days*/) {
  return absl::UnimplementedError(
      "the row store of this run (RunOptions::row_stores) drops no rows: embedding.expire_days must be 0 "
      "with it");
}

// Not those of numbers, whose knots are few and don't come anew.
absl::StatusOr<int64_t> LocalRowStore::Expire(uint32_t day, int days) {
  CHECK(spec_.shape.last_days);
  int64_t dropped = 0;
  const auto gone = static_cast<uint32_t>(days);
  for (size_t t = 0; t < tables_.size(); ++t) {
    if (days > 0 && infos_[t].ids) dropped += tables_[t].DropBefore(day >= gone ? day - gone + 1 : 0, day);
  }
  return dropped;
}

absl::StatusOr<StoreState> LocalRowStore::State() const {
  StoreState state;
  for (const EmbeddingTable& table : tables_) {
    state.tables.push_back({table.rows(), table.pending()});
    state.bytes += table.bytes();
  }
  state.step = step_;
  state.decay_log = decay_log_;
  return state;
}

absl::Status LocalRowStore::Restore(const StoreState& state) {
  step_ = state.step;
  decay_log_ = state.decay_log;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> LocalRowStore::Keys(int table, int64_t most) const {
  std::vector<uint64_t> keys;
  tables_[table].VisitInOrder(
      [&](uint64_t key, uint32_t /*row*/) {
        if (static_cast<int64_t>(keys.size()) < most) keys.push_back(key);
      },
      nullptr);
  return keys;
}

absl::Status LocalRowStore::Export(int table_index,
                                   absl::FunctionRef<absl::Status(const RowBlock&)> take) const {
  const EmbeddingTable& table = tables_[table_index];
  const RowShape& shape = spec_.shape;
  const int floats = shape.whole_floats();
  RowBlock block;
  const auto add = [&](uint64_t key, uint32_t number) {
    const float* row = table.row(number);
    block.keys.push_back(key);
    block.floats.insert(block.floats.end(), row, row + floats);
    if (shape.updates) block.updates.push_back(table.updates(row));
    if (shape.last_steps) block.last_steps.push_back(table.last_step(row));
    if (shape.last_days)
      block.last_days.push_back(block.kind == RowBlock::Kind::kOovRow ? 0 : table.Day(key));
  };
  absl::Status status;
  const auto flush = [&] {
    if (status.ok() && !block.keys.empty()) status = take(block);
    block.Clear();
  };
  block.kind = RowBlock::Kind::kOovRow;
  add(0, EmbeddingTable::kOovRow);
  flush();
  block.kind = RowBlock::Kind::kRows;
  table.VisitInOrder(
      [&](uint64_t key, uint32_t row) {
        if (!status.ok()) return;
        add(key, row);
        if (block.rows() == kBlockRows) flush();
      },
      nullptr);
  flush();
  block.kind = RowBlock::Kind::kPending;
  table.VisitInOrder(nullptr, [&](uint64_t key, uint32_t count) {
    block.keys.push_back(key);
    block.counts.push_back(count);
    if (shape.last_days) block.last_days.push_back(table.Day(key));
    if (block.rows() == kBlockRows) flush();
  });
  flush();
  return status;
}

absl::Status LocalRowStore::Import(int table_index, const RowBlock& block) {
  EmbeddingTable& table = tables_[table_index];
  if (block.kind == RowBlock::Kind::kPending) {
    for (size_t i = 0; i < block.keys.size(); ++i) {
      if (table.Find(block.keys[i]) != EmbeddingTable::kOovRow)
        return ModelError("table '", infos_[table_index].name,
                          "': an id has a row and waits for one; the file ",
                          "is damaged. Nothing was loaded.");
      table.SetPending(block.keys[i], block.counts[i]);
      if (spec_.shape.last_days) table.RaiseDay(block.keys[i], block.last_days[i]);
    }
    return absl::OkStatus();
  }
  const RowShape& shape = spec_.shape;
  const int floats = shape.whole_floats();
  for (size_t i = 0; i < block.keys.size(); ++i) {
    float* const row = table.row(block.kind == RowBlock::Kind::kOovRow ? EmbeddingTable::kOovRow
                                                                       : table.Insert(block.keys[i]));
    std::copy_n(block.floats.data() + i * floats, floats, row);
    if (shape.updates) table.updates(row) = block.updates[i];
    if (shape.last_steps) table.last_step(row) = block.last_steps[i];
    if (shape.last_days && block.kind == RowBlock::Kind::kRows)
      table.RaiseDay(block.keys[i], block.last_days[i]);
  }
  return absl::OkStatus();
}

std::unique_ptr<RowStore> MakeLocalRowStore(const proto::Experiment& experiment, const Schema& schema,
                                            bool trained) {
  return std::make_unique<LocalRowStore>(experiment, schema, trained);
}

}  // namespace tandem
