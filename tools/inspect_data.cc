#include "tools/inspect_data.h"

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "config/experiment.pb.h"
#include "tandem/experiment.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tools/common.h"

namespace tandem {
namespace {

constexpr int kChunkLines = 16384;

// Mean and deviation by Welford's recurrence (Knuth, TAOCP 2, 4.2.2).
struct ColumnSummary {
  std::string name;
  bool multi_valued = false;
  int64_t cells = 0;
  int64_t missing = 0;
  int64_t values = 0;  // ids of all bags
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
  bool numeric() const { return numbers > 0 && numbers == values && !multi_valued; }
  double deviation() const { return std::sqrt(squares / static_cast<double>(numbers)); }
};

class DataSummary {
 public:
  explicit DataSummary(const proto::Experiment& experiment) : data_(experiment.data()) {
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
    std::vector<ColumnSummary*> summaries;
    summaries.reserve(columns.size());
    for (const std::string& column : columns) summaries.push_back(Find(column));
    for (;;) {
      TANDEM_RETURN_IF_ERROR(lines->Read(kChunkLines, &chunk));
      if (chunk.lines.empty()) return absl::OkStatus();
      for (const absl::string_view line : chunk.lines) AddLine(line, summaries);
    }
  }

  std::string Text(bool json) const;

 private:
  ColumnSummary* Find(const std::string& name) {
    for (const auto& column : columns_) {
      if (column->name == name) return column.get();
    }
    columns_.push_back(std::make_unique<ColumnSummary>());
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

  void AddLine(absl::string_view line, const std::vector<ColumnSummary*>& columns) {
    ++rows_;
    const std::vector<absl::string_view> cells = absl::StrSplit(line, data_.delimiter()[0]);
    if (cells.size() != columns.size()) {
      ++malformed_;
      return;
    }
    for (size_t c = 0; c < cells.size(); ++c) AddCell(cells[c], columns[c]);
  }

  void AddCell(absl::string_view cell, ColumnSummary* column) {
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

  static void AddValue(absl::string_view value, ColumnSummary* column) {
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
  std::vector<std::unique_ptr<ColumnSummary>> columns_;
  int64_t rows_ = 0;
  int64_t malformed_ = 0;
};

std::string DataSummary::Text(bool json) const {
  nlohmann::ordered_json report;
  report["rows"] = rows_;
  report["malformed_rows"] = malformed_;
  std::string text = absl::StrFormat("%d rows, %d of them with another number of columns than the header\n\n",
                                     rows_, malformed_);
  absl::StrAppendFormat(&text, "%-24s %9s %10s %10s %9s %14s %14s %12s %12s\n", "column", "coverage",
                        "distinct", "missing", "per row", "mean", "deviation", "least", "greatest");
  for (const auto& column : columns_) {
    const double cells = std::max<double>(1, static_cast<double>(column->cells));
    const double coverage = static_cast<double>(column->cells - column->missing) / cells;
    const double per_row = static_cast<double>(column->values) / cells;
    nlohmann::ordered_json item = {{"column", column->name},
                                   {"coverage", coverage},
                                   {"distinct", column->distinct.size()},
                                   {"missing", column->missing},
                                   {"values_per_row", per_row}};
    absl::StrAppendFormat(&text, "%-24s %8.2f%% %10d %10d %9.2f", column->name, 100 * coverage,
                          column->distinct.size(), column->missing, per_row);
    if (column->numeric()) {
      item["mean"] = column->mean;
      item["deviation"] = column->deviation();
      item["least"] = column->least;
      item["greatest"] = column->greatest;
      absl::StrAppendFormat(&text, " %14.9g %14.9g %12.6g %12.6g", column->mean, column->deviation(),
                            column->least, column->greatest);
    }
    text += '\n';
    report["columns"].push_back(std::move(item));
  }
  return json ? report.dump(2) + "\n" : text;
}

}  // namespace

absl::StatusOr<std::string> DescribeData(const std::vector<std::string>& overrides, bool json) {
  if (FLAGS_input.empty()) return ConfigError("tandem inspect --data needs --input");
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment,
                          LoadExperiment(SplitList(FLAGS_config), overrides));
  if (experiment.data().delimiter().size() != 1) return ConfigError("data.delimiter: one byte");
  if (!experiment.data().header() && experiment.data().column().empty()) {
    return ConfigError("data.header is false: data.column must name the columns");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(FLAGS_input));
  DataSummary summary(experiment);
  for (const std::string& file : files) TANDEM_RETURN_IF_ERROR(summary.Read(file));
  return summary.Text(json);
}

}  // namespace tandem
