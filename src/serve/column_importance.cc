#include "tandem/column_importance.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <utility>

#include "absl/types/span.h"
#include "src/serve/labelled_rows.h"
#include "src/serve/row_sample.h"
#include "tandem/experiment.pb.h"
#include "tandem/random.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

constexpr int kPieceRows = 1024;

// What the bits of a Random are for.
enum Draw : uint64_t { kSample, kPermutation };

// The 0.975 quantile of Student's t.
double StudentsT(int degrees) {
  constexpr double kQuantiles[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                   2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  constexpr int kCount = sizeof(kQuantiles) / sizeof(kQuantiles[0]);
  return degrees <= kCount ? kQuantiles[degrees - 1] : 1.96 + 2.46 / degrees;
}

// A column that the model reads.
struct Column {
  std::string name;
  std::vector<std::string> features;
  std::vector<bool> reads;  // a field each
};

std::vector<Column> ColumnsOf(const Schema& schema) {
  std::vector<Column> columns;
  for (size_t f = 0; f < schema.fields().size(); ++f) {
    const Field& field = schema.fields()[f];
    auto found = std::find_if(columns.begin(), columns.end(),
                              [&](const Column& column) { return column.name == field.column; });
    if (found == columns.end()) {
      columns.push_back({field.column, {}, std::vector<bool>(schema.fields().size())});
      found = columns.end() - 1;
    }
    found->reads[f] = true;
    const std::string& feature = field.sequence.empty() ? field.name : field.sequence;
    if (found->features.empty() || found->features.back() != feature) found->features.push_back(feature);
  }
  return columns;
}

void AppendBag(const FieldBags& from, int row, FieldBags* to) {
  const auto copy = [&](const auto& source, auto* target) {
    target->insert(target->end(), source.begin() + from.offsets[row], source.begin() + from.offsets[row + 1]);
  };
  copy(from.keys, &to->keys);
  copy(from.coefficients, &to->coefficients);
  to->offsets.push_back(static_cast<uint32_t>(to->keys.size()));
}

// Fisher and Yates.
std::vector<int> Permutation(int rows, const Random& random) {
  std::vector<int> from(rows);
  std::iota(from.begin(), from.end(), 0);
  for (int row = rows - 1; row > 0; --row) std::swap(from[row], from[random.Bits(row) % (row + 1)]);
  return from;
}

struct Figures {
  std::optional<Metrics> teacher, student;
};

// The rows that are held, scored with one column permuted or with none.
class HeldRows {
 public:
  HeldRows(const Predictor& predictor, Batch rows, std::vector<float> weights)
      : predictor_(predictor), rows_(std::move(rows)), weights_(std::move(weights)) {}

  // `column` null: as they are. Thread-safe.
  absl::StatusOr<Figures> Measure(const Column* column, const Random& random) const {
    std::vector<int> from;
    if (column != nullptr) from = Permutation(rows_.rows(), random);
    ScoreLog teacher, student;
    Batch piece(predictor_.fields());
    Scores scores;
    for (int first = 0; first < rows_.rows(); first += kPieceRows) {
      const int end = std::min(rows_.rows(), first + kPieceRows);
      piece.Clear();
      for (int row = first; row < end; ++row)
        AppendMixed(column, row, from.empty() ? row : from[row], &piece);
      TANDEM_RETURN_IF_ERROR(predictor_.Score(piece, &scores));
      Append(first, scores.teacher, &teacher);
      Append(first, scores.student, &student);
    }
    Figures figures;
    if (predictor_.has_teacher()) figures.teacher = ComputeMetrics(teacher, /*with_groups=*/false);
    if (predictor_.has_student()) figures.student = ComputeMetrics(student, /*with_groups=*/false);
    return figures;
  }

  int64_t size() const { return rows_.rows(); }

 private:
  // Row `row` with the cell of `column` that row `other` has.
  void AppendMixed(const Column* column, int row, int other, Batch* piece) const {
    piece->labels.push_back(rows_.labels[row]);
    piece->weights.push_back(rows_.weights[row]);
    piece->groups.push_back(rows_.groups[row]);
    for (size_t f = 0; f < rows_.fields.size(); ++f) {
      const bool permuted = column != nullptr && column->reads[f];
      AppendBag(rows_.fields[f], permuted ? other : row, &piece->fields[f]);
    }
  }

  void Append(int first, const std::vector<float>& scores, ScoreLog* log) const {
    for (size_t i = 0; i < scores.size(); ++i)
      log->Add(scores[i], rows_.labels[first + i], weights_[first + i], rows_.groups[first + i]);
  }

  const Predictor& predictor_;
  Batch rows_;
  std::vector<float> weights_;
};

absl::StatusOr<HeldRows> ReadRows(const Predictor& predictor, const std::vector<std::string>& files,
                                  const ImportanceOptions& options, Workers* workers, int64_t* rows_read) {
  LabelledRows rows(predictor, files, workers);
  RowSample sample(predictor.fields(), options.max_rows,
                   Random(options.seed, RandomPurpose::kShuffle, {kSample}));
  Batch block(predictor.fields());
  for (;;) {
    TANDEM_ASSIGN_OR_RETURN(const bool more, rows.Next(&block));
    if (!more) break;
    sample.Add(block);
  }
  *rows_read = rows.rows();
  Batch held = sample.Take();
  std::vector<float> weights(held.rows());
  for (int row = 0; row < held.rows(); ++row) weights[row] = rows.Weight(held, row);
  return HeldRows(predictor, std::move(held), std::move(weights));
}

// Of metric `metric`, times `sign`, over the permutations.
std::optional<MeanLoss> LossOf(const Metrics& before, const std::vector<const Metrics*>& after,
                               std::optional<double> Metrics::*metric, double sign) {
  if (!(before.*metric).has_value()) return std::nullopt;
  MeanLoss loss;
  const double count = static_cast<double>(after.size());
  for (const Metrics* one : after) {
    if (!(one->*metric).has_value()) return std::nullopt;
    loss.mean += sign * (*(before.*metric) - *(one->*metric)) / count;
  }
  double squares = 0;
  for (const Metrics* one : after) {
    const double difference = sign * (*(before.*metric) - *(one->*metric)) - loss.mean;
    squares += difference * difference;
  }
  const double deviation = std::sqrt(squares / (count - 1));
  loss.error = StudentsT(static_cast<int>(after.size()) - 1) * deviation * std::sqrt(1 + 1 / count);
  return loss;
}

std::optional<TowerImportance> TowerOf(const Figures& before, absl::Span<const Figures> after,
                                       std::optional<Metrics> Figures::*tower) {
  if (!(before.*tower).has_value()) return std::nullopt;
  std::vector<const Metrics*> metrics;
  for (const Figures& one : after) metrics.push_back(&*(one.*tower));
  TowerImportance importance;
  importance.auc = LossOf(*(before.*tower), metrics, &Metrics::auc, 1);
  importance.logloss = LossOf(*(before.*tower), metrics, &Metrics::logloss, -1);
  return importance;
}

bool IsMoreImportant(const ColumnImportance& a, const ColumnImportance& b) {
  const auto mean = [](const std::optional<MeanLoss>& loss) { return loss.has_value() ? loss->mean : 0; };
  const double auc_a = mean(a.served().auc), auc_b = mean(b.served().auc);
  return auc_a != auc_b ? auc_a > auc_b : mean(a.served().logloss) > mean(b.served().logloss);
}

absl::Status CheckOptions(const ImportanceOptions& options) {
  if (options.repeats < 2)
    return ConfigError("repeats is ", options.repeats,
                       ": at least 2, error bars come from their differences");
  if (options.max_rows < 2) return ConfigError("max_rows is ", options.max_rows, ": at least 2");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelImportance> MeasureImportance(const Predictor& predictor,
                                                  const std::vector<std::string>& files,
                                                  const ImportanceOptions& options) {
  TANDEM_RETURN_IF_ERROR(CheckOptions(options));
  Workers workers(predictor.experiment().runtime().threads());
  ModelImportance importance;
  TANDEM_ASSIGN_OR_RETURN(const HeldRows rows,
                          ReadRows(predictor, files, options, &workers, &importance.rows_read));
  importance.rows = rows.size();
  importance.repeats = options.repeats;
  importance.seed = options.seed;
  const std::vector<Column> columns = ColumnsOf(predictor.schema());
  const int permutations = static_cast<int>(columns.size()) * options.repeats;
  // The last one is of the rows as they are.
  std::vector<Figures> figures(permutations + 1);
  absl::Status status;
  std::mutex mutex;
  int done = 0;
  workers.ForEach(permutations + 1, [&](int task, int /*worker*/) {
    const uint64_t column = task / options.repeats, repeat = task % options.repeats;
    absl::StatusOr<Figures> measured =
        rows.Measure(task < permutations ? &columns[column] : nullptr,
                     Random(options.seed, RandomPurpose::kShuffle, {kPermutation, column, repeat}));
    const std::lock_guard<std::mutex> lock(mutex);
    if (measured.ok()) figures[task] = *std::move(measured);
    status.Update(measured.status());
    ++done;
    if (options.progress) options.progress(done, permutations + 1);
  });
  TANDEM_RETURN_IF_ERROR(status);
  const Figures& before = figures.back();
  importance.teacher = before.teacher;
  importance.student = before.student;
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto after = absl::MakeConstSpan(figures).subspan(c * options.repeats, options.repeats);
    importance.columns.push_back({columns[c].name, columns[c].features,
                                  TowerOf(before, after, &Figures::teacher),
                                  TowerOf(before, after, &Figures::student)});
  }
  std::stable_sort(importance.columns.begin(), importance.columns.end(), IsMoreImportant);
  return importance;
}

}  // namespace tandem
