#include "tandem/log_summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/config/validate.h"
#include "src/data/file_kind.h"
#include "src/util/json_text.h"
#include "tandem/batch.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/row_decoder.h"
#include "tandem/sample_format.h"
#include "tandem/schema.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kChunkRows = 16384;

// Mean and deviation by Welford's recurrence (Knuth, TAOCP 2, 4.2.2).
struct Column {
  std::string name;
  bool multi_valued = false;
  int64_t cells = 0;
  int64_t missing = 0;
  int64_t values = 0;
  int64_t numbers = 0;
  double mean = 0;
  double squares = 0;
  double least = 0;
  double greatest = 0;
  absl::flat_hash_set<uint64_t> distinct;

  void AddNumber(double number) {
    least = numbers == 0 ? number : std::min(least, number);
    greatest = numbers == 0 ? number : std::max(greatest, number);
    ++numbers;
    const double delta = number - mean;
    mean += delta / static_cast<double>(numbers);
    squares += delta * (number - mean);
  }
  ColumnSummary Summary() const {
    ColumnSummary summary{name, cells, missing, values, static_cast<int64_t>(distinct.size()), {}};
    if (numbers > 0 && numbers == values && !multi_valued)
      summary.numbers = {mean, std::sqrt(squares / static_cast<double>(numbers)), least, greatest};
    return summary;
  }
};

class LogReader {
 public:
  LogReader(FileSystem& fs, const proto::Experiment& experiment)
      : fs_(fs), data_(experiment.data()), format_(MakeSampleFormat(experiment.data())) {
    for (const proto::Feature& feature : experiment.feature()) {
      const proto::Sparse& sparse = feature.sparse();
      if (!sparse.multi_valued() && !sparse.weighted() && !sparse.has_sequence()) continue;
      (feature.sparse().weighted() ? lists_.weighted : lists_.plain)
          .insert(feature.has_column() ? feature.column() : feature.name());
    }
    LearnWhatTrainingReads(experiment);
  }

  absl::Status Read(const std::string& path) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<SampleFile> file, format_->Open(fs_, path));
    if (!file->head().has_value()) return absl::OkStatus();
    const std::unique_ptr<CellReader> reader = format_->MakeCellReader(lists_, *file->head());
    const std::unique_ptr<const RowDecoder> decoder = DecoderOf(*file->head(), path);
    std::vector<Column*> columns;
    std::vector<int64_t> cells;
    int64_t rows = 0;
    bool looked = false;
    const auto meet_columns = [&] {
      while (columns.size() < reader->columns().size())
        columns.push_back(Find(reader->columns()[columns.size()]));
      cells.resize(columns.size());
    };
    meet_columns();
    for (RawRows chunk;;) {
      TANDEM_RETURN_IF_ERROR(file->Read(kChunkRows, &chunk));
      if (!std::exchange(looked, true))
        TANDEM_RETURN_IF_ERROR(CheckIsText(path, FirstBytes(*file->head(), chunk), data_));
      if (chunk.rows.empty()) break;
      for (size_t r = 0; r < chunk.rows.size(); ++r) {
        const absl::string_view row = chunk.rows[r];
        const RowFault known = chunk.Fault(static_cast<int>(r));
        const RowFault fault = known != RowFault::kNone ? known : reader->Read(row);
        if (IsPassedOver(fault)) continue;
        ++rows_;
        if (fault == RowFault::kHeader) {
          return DataError(path, ":", chunk.Number(static_cast<int>(r)),
                           ": a header line with other columns than the file's first, or in another order; "
                           "the rows behind it belong into a file of their own");
        }
        if (fault != RowFault::kNone || !Trains(decoder.get(), row)) {
          ++malformed_;
          continue;
        }
        ++rows;
        meet_columns();
        for (const CellReader::Cell& cell : reader->cells()) {
          ++cells[cell.column];
          AddCell(cell, columns[cell.column]);
        }
      }
    }
    // Where rows name their columns, one that isn't named is a missing cell.
    for (size_t c = 0; c < columns.size(); ++c) {
      columns[c]->cells += rows - cells[c];
      columns[c]->missing += rows - cells[c];
    }
    return absl::OkStatus();
  }

  LogSummary Summary() const {
    LogSummary summary{rows_, malformed_, only_format_, {}};
    for (const auto& column : columns_) summary.columns.push_back(column->Summary());
    return summary;
  }

 private:
  static std::string FirstBytes(const std::string& head, const RawRows& chunk) {
    std::string bytes = head;
    for (const absl::string_view row : chunk.rows) {
      if (bytes.size() >= kTextBytes) break;
      absl::StrAppend(&bytes, row.substr(0, kTextBytes), "\n");
    }
    return bytes;
  }
  // Sets schema_, or only_format_.
  void LearnWhatTrainingReads(proto::Experiment experiment) {
    if (experiment.feature().empty()) {
      only_format_ = "the configuration names no features";
      return;
    }
    if (experiment.data().path().empty()) experiment.mutable_data()->set_path("-");  // it isn't opened
    ResolveDefaults(&experiment);
    const absl::Status valid = ValidateExperiment(experiment);
    if (valid.ok()) {
      schema_.emplace(experiment);
      scratch_ = Batch(static_cast<int>(schema_->fields().size()));
    } else {
      only_format_ = std::string(valid.message());
    }
  }

  // Null where there is none.
  std::unique_ptr<const RowDecoder> DecoderOf(absl::string_view head, const std::string& path) {
    if (!schema_.has_value()) return nullptr;
    absl::StatusOr<std::unique_ptr<const RowDecoder>> decoder =
        format_->MakeDecoder(*schema_, {RowUse::kTrain}, head, path);
    if (decoder.ok()) return *std::move(decoder);
    if (only_format_.empty()) only_format_ = std::string(decoder.status().message());
    return nullptr;
  }

  // Whether training takes the row. Without a decoder any that the format takes.
  bool Trains(const RowDecoder* decoder, absl::string_view row) {
    if (decoder == nullptr) return true;
    scratch_.Clear();
    return decoder->Decode(row, &scratch_, nullptr) == RowFault::kNone;
  }

  Column* Find(const std::string& name) {
    for (const auto& column : columns_) {
      if (column->name == name) return column.get();
    }
    columns_.push_back(std::make_unique<Column>());
    columns_.back()->name = name;
    return columns_.back().get();
  }

  bool Missing(absl::string_view cell) const {
    if (cell.empty()) return true;
    for (const std::string& text : data_.missing_value()) {
      if (cell == text) return true;
    }
    return false;
  }

  void AddCell(const CellReader::Cell& cell, Column* column) const {
    ++column->cells;
    column->multi_valued |= cell.list;
    if (Missing(cell.text)) {
      ++column->missing;
      return;
    }
    for (const absl::string_view value : cell.values) AddValue(value, column);
  }

  static void AddValue(absl::string_view value, Column* column) {
    ++column->values;
    column->distinct.insert(XXH3_64bits(value.data(), value.size()));
    double number = 0;
    const std::from_chars_result result = std::from_chars(value.data(), value.data() + value.size(), number);
    if (result.ec == std::errc() && result.ptr == value.data() + value.size() && std::isfinite(number)) {
      column->AddNumber(number);
    }
  }

  FileSystem& fs_;
  const proto::Data& data_;
  const std::unique_ptr<const SampleFormat> format_;
  ListColumns lists_;
  std::optional<Schema> schema_;  // of what is trained with
  Batch scratch_{0};
  std::string only_format_;
  std::vector<std::unique_ptr<Column>> columns_;
  int64_t rows_ = 0;
  int64_t malformed_ = 0;
};

}  // namespace

double ColumnSummary::coverage() const {
  return static_cast<double>(cells - missing) / std::max<double>(1, static_cast<double>(cells));
}

double ColumnSummary::values_per_row() const {
  return static_cast<double>(values) / std::max<double>(1, static_cast<double>(cells));
}

absl::StatusOr<LogSummary> SummarizeLog(FileSystem& fs, const proto::Experiment& experiment,
                                        const std::vector<std::string>& files) {
  std::vector<const proto::Feature*> features;
  for (const proto::Feature& feature : experiment.feature()) features.push_back(&feature);
  TANDEM_RETURN_IF_ERROR(ValidateFormat(experiment.data(), features));
  LogReader reader(fs, experiment);
  for (const std::string& file : files) TANDEM_RETURN_IF_ERROR(reader.Read(file));
  return reader.Summary();
}

std::string LogSummaryText(const LogSummary& log) {
  std::string text = absl::StrFormat("%d rows, %d of them malformed", log.rows, log.malformed_rows);
  if (!log.only_format.empty()) absl::StrAppend(&text, ", by their format alone: ", log.only_format);
  absl::StrAppend(&text, "\n\n");
  absl::StrAppendFormat(&text, "%-24s %9s %10s %10s %9s %14s %14s %12s %12s\n", "column", "coverage",
                        "distinct", "missing", "per row", "mean", "deviation", "least", "greatest");
  for (const ColumnSummary& column : log.columns) {
    absl::StrAppendFormat(&text, "%-24s %8.2f%% %10d %10d %9.2f", column.name, 100 * column.coverage(),
                          column.distinct, column.missing, column.values_per_row());
    if (column.numbers.has_value()) {
      absl::StrAppendFormat(&text, " %14.9g %14.9g %12.6g %12.6g", column.numbers->mean,
                            column.numbers->deviation, column.numbers->least, column.numbers->greatest);
    }
    text += '\n';
  }
  return text;
}

std::string LogSummaryJson(const LogSummary& log) {
  nlohmann::ordered_json report;
  report["rows"] = log.rows;
  report["malformed_rows"] = log.malformed_rows;
  if (!log.only_format.empty()) report["only_format"] = log.only_format;
  for (const ColumnSummary& column : log.columns) {
    nlohmann::ordered_json item = {{"column", column.name},
                                   {"coverage", column.coverage()},
                                   {"distinct", column.distinct},
                                   {"missing", column.missing},
                                   {"values_per_row", column.values_per_row()}};
    if (column.numbers.has_value()) {
      item["mean"] = column.numbers->mean;
      item["deviation"] = column.numbers->deviation;
      item["least"] = column.numbers->least;
      item["greatest"] = column.numbers->greatest;
    }
    report["columns"].push_back(std::move(item));
  }
  return JsonText(report, 2) + "\n";
}

}  // namespace tandem
