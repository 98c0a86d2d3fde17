#include "src/tune/row_losses.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "src/config/methods.h"
#include "src/metrics/log_loss.h"
#include "src/train/validation.h"
#include "tandem/metrics.h"
#include "tandem/predictor.h"
#include "tandem/records.h"
#include "tandem/score_files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::string_view BytesOf(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

absl::Status ReadNumbers(RecordReader* reader, std::vector<float>* numbers) {
  TANDEM_ASSIGN_OR_RETURN(const absl::string_view bytes, reader->Next());
  numbers->resize(bytes.size() / sizeof(float));
  if (!numbers->empty()) std::memcpy(numbers->data(), bytes.data(), numbers->size() * sizeof(float));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RowLosses> MeasureRowLosses(FileSystem& fs, const proto::Experiment& experiment,
                                           const std::vector<Day>& days, int part, const std::string& model,
                                           const Kernels* kernels) {
  PredictorOptions options;
  options.towers = HasStudent(experiment.model()) ? TowerChoice::kStudent : TowerChoice::kTeacher;
  // As the log has them, like the validation.
  options.data_overrides = {"data.negative_keep_rate=1"};
  options.kernels = kernels;
  options.file_system = &fs;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor, Predictor::Load(model, options));
  TANDEM_ASSIGN_OR_RETURN(const Validation validation,
                          Validation::Create(experiment, TrainedParts::kAll, days, part));
  std::vector<std::string> files;
  for (const Day& day : validation.held_out().days)
    files.insert(files.end(), day.files.begin(), day.files.end());
  ScoreFilesOptions rows;
  rows.choice = validation.held_out().choice;
  rows.judged = true;
  rows.threads = 1;
  TANDEM_ASSIGN_OR_RETURN(const std::vector<TowerLogs> logs, ScoreFiles({predictor.get()}, files, rows));
  // Rows are compared one by one: none may be missing.
  if (logs[0].not_finite > 0) return DataError(logs[0].not_finite, " held-out rows have no finite score");
  const ScoreLog& log = predictor->has_student() ? logs[0].student : logs[0].teacher;
  RowLosses losses;
  losses.weights = log.weights();
  losses.losses.reserve(log.rows());
  for (int64_t row = 0; row < log.rows(); ++row) {
    const double loss = LogLossOf(log.probabilities()[row], log.labels()[row] > 0.5f);
    losses.losses.push_back(static_cast<float>(loss));
  }
  losses.auc = ComputeMetrics(log, /*with_groups=*/false).auc;
  return losses;
}

absl::Status WriteRowLosses(FileSystem& fs, const RowLosses& losses, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordWriter> writer, RecordWriter::Create(fs, path));
  TANDEM_RETURN_IF_ERROR(writer->Append(BytesOf(losses.losses)));
  TANDEM_RETURN_IF_ERROR(writer->Append(BytesOf(losses.weights)));
  TANDEM_RETURN_IF_ERROR(writer->Close());
  return fs.SyncFiles({path});
}

absl::StatusOr<RowLosses> ReadRowLosses(FileSystem& fs, const std::string& path) {
  RowLosses losses;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<RecordReader> reader, RecordReader::Open(fs, path));
  TANDEM_RETURN_IF_ERROR(ReadNumbers(reader.get(), &losses.losses));
  TANDEM_RETURN_IF_ERROR(ReadNumbers(reader.get(), &losses.weights));
  TANDEM_RETURN_IF_ERROR(reader->ExpectEnd());
  if (losses.losses.size() != losses.weights.size())
    return ModelError(path, ": ", losses.losses.size(), " losses of ", losses.weights.size(), " rows");
  return losses;
}

double MeanLoss(const RowLosses& losses) {
  double sum = 0, weights = 0;
  for (size_t row = 0; row < losses.losses.size(); ++row) {
    sum += static_cast<double>(losses.weights[row]) * losses.losses[row];
    weights += losses.weights[row];
  }
  return sum / weights;
}

Gain GainOf(const std::vector<RowLosses>& base, const std::vector<RowLosses>& other, bool same_rows) {
  CHECK_EQ(base.size(), other.size());
  CHECK(!base.empty());
  const auto rounds = static_cast<double>(base.size());
  // A row's difference and weight; where the rows are the same, the mean over the rounds.
  std::vector<double> differences, weights, of_rounds;
  double sum = 0, weight = 0;
  for (size_t round = 0; round < base.size(); ++round) {
    const size_t rows = base[round].losses.size(), first = same_rows ? 0 : differences.size();
    CHECK_EQ(other[round].losses.size(), rows);
    if (round == 0 || !same_rows) {
      differences.resize(first + rows, 0);
      weights.insert(weights.end(), base[round].weights.begin(), base[round].weights.end());
    }
    CHECK_EQ(differences.size(), first + rows);
    for (size_t row = 0; row < rows; ++row) {
      const double difference = static_cast<double>(base[round].losses[row]) - other[round].losses[row];
      differences[first + row] += same_rows ? difference / rounds : difference;
      sum += base[round].weights[row] * static_cast<double>(base[round].losses[row]);
      weight += base[round].weights[row];
    }
    of_rounds.push_back(MeanLoss(base[round]) - MeanLoss(other[round]));
  }
  Gain gain;
  gain.rounds = static_cast<int>(base.size());
  gain.rows = static_cast<int64_t>(differences.size());
  double total = 0, of_all = 0, squares = 0, between = 0;
  for (size_t row = 0; row < differences.size(); ++row) {
    total += weights[row] * differences[row];
    of_all += weights[row];
  }
  gain.gain = total / of_all;
  gain.base = sum / weight;
  gain.other = gain.base - gain.gain;
  for (size_t row = 0; row < differences.size(); ++row) {
    const double deviation = weights[row] * (differences[row] - gain.gain);
    squares += deviation * deviation;
  }
  const double of_rows = squares / (of_all * of_all);
  for (const double of_round : of_rounds) between += (of_round - gain.gain) * (of_round - gain.gain);
  const double of_means = rounds > 1 ? between / (rounds * (rounds - 1)) : 0;
  gain.error = std::sqrt(same_rows ? of_rows + of_means : std::max(of_rows, of_means));
  return gain;
}

}  // namespace tandem
