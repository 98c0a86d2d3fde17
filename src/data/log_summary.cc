#include "tandem/log_summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "config/experiment.pb.h"
#include "tandem/reader.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kChunkLines = 16384;

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
  explicit LogReader(const proto::Experiment& experiment) : data_(experiment.data()) {
    for (const proto::Feature& feature : experiment.feature()) {
      const proto::Sparse& sparse = feature.sparse();
      if (!sparse.multi_valued() && !sparse.weighted() && !sparse.has_sequence()) continue;
      (feature.sparse().weighted() ? weighted_ : multi_valued_)
          .insert(feature.has_column() ? feature.column() : feature.name());
    }
  }

  absl::Status Read(const std::string& file) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<LineReader> lines,
                            LineReader::Open(file, data_.max_line_bytes()));
    LineChunk chunk;
    std::vector<std::string> columns(data_.column().begin(), data_.column().end());
    if (data_.header()) {
      TANDEM_RETURN_IF_ERROR(lines->Read(1, &chunk));
      if (chunk.lines.empty()) return absl::OkStatus();
      columns = absl::StrSplit(chunk.lines[0], data_.delimiter()[0]);
    }
    std::vector<Column*> summaries;
    summaries.reserve(columns.size());
    for (const std::string& column : columns) summaries.push_back(Find(column));
    for (;;) {
      TANDEM_RETURN_IF_ERROR(lines->Read(kChunkLines, &chunk));
      if (chunk.lines.empty()) return absl::OkStatus();
      for (const absl::string_view line : chunk.lines) AddLine(line, summaries);
    }
  }

  LogSummary Summary() const {
    LogSummary summary{rows_, malformed_, {}};
    for (const auto& column : columns_) summary.columns.push_back(column->Summary());
    return summary;
  }

 private:
  Column* Find(const std::string& name) {
    for (const auto& column : columns_) {
      if (column->name == name) return column.get();
    }
    columns_.push_back(std::make_unique<Column>());
    columns_.back()->name = name;
    columns_.back()->multi_valued = multi_valued_.contains(name) || weighted_.contains(name);
    return columns_.back().get();
  }

  bool Missing(absl::string_view cell) const {
    if (cell.empty()) return true;
    for (const std::string& text : data_.missing_value()) {
      if (cell == text) return true;
    }
    return false;
  }

  void AddLine(absl::string_view line, const std::vector<Column*>& columns) {
    ++rows_;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, data_.delimiter()[0]);
    if (cells.size() != columns.size()) {
      ++malformed_;
      return;
    }
    for (size_t c = 0; c < cells.size(); ++c) AddCell(cells[c], columns[c]);
  }

  void AddCell(absl::string_view cell, Column* column) {
    ++column->cells;
    if (Missing(cell)) {
      ++column->missing;
      return;
    }
    if (!column->multi_valued) {
      AddValue(cell, column);
      return;
    }
    for (absl::string_view item : absl::StrSplit(cell, data_.multi_value_separator()[0], absl::SkipEmpty())) {
      if (weighted_.contains(column->name)) item = item.substr(0, item.rfind(data_.weight_separator()[0]));
      AddValue(item, column);
    }
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

  const proto::Data& data_;
  absl::flat_hash_set<std::string> multi_valued_, weighted_;
  std::vector<std::unique_ptr<Column>> columns_;
  int64_t rows_ = 0;
  int64_t malformed_ = 0;
};

absl::Status CheckFormat(const proto::Data& data) {
  if (data.delimiter().size() != 1) return ConfigError("data.delimiter: one byte");
  if (!data.header() && data.column().empty())
    return ConfigError("data.header is false: data.column must name the columns");
  return absl::OkStatus();
}

}  // namespace

double ColumnSummary::coverage() const {
  return static_cast<double>(cells - missing) / std::max<double>(1, static_cast<double>(cells));
}

double ColumnSummary::values_per_row() const {
  return static_cast<double>(values) / std::max<double>(1, static_cast<double>(cells));
}

absl::StatusOr<LogSummary> SummarizeLog(const proto::Experiment& experiment,
                                        const std::vector<std::string>& files) {
  TANDEM_RETURN_IF_ERROR(CheckFormat(experiment.data()));
  LogReader reader(experiment);
  for (const std::string& file : files) TANDEM_RETURN_IF_ERROR(reader.Read(file));
  return reader.Summary();
}

std::string LogSummaryText(const LogSummary& log) {
  std::string text = absl::StrFormat("%d rows, %d of them with another number of columns than the header\n\n",
                                     log.rows, log.malformed_rows);
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
  return report.dump(2) + "\n";
}

}  // namespace tandem
