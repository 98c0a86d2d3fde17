#include "src/init/log_profile.h"

#include <algorithm>
#include <utility>

#include "src/util/packed_name.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr int kChunkRows = 4096;
// Distinct values that all columns together may hold.
constexpr size_t kAllValues = size_t{1} << 24;
// What text shrinks to where it isn't known better.
constexpr double kCompression = 4;

class Profiler {
 public:
  Profiler(FileSystem& fs, const Dialect& dialect, const ProfileOptions& options)
      : fs_(fs), options_(options), format_(MakeSampleFormat(dialect.data)) {
    lists_ = dialect.lists;
  }

  // At most `most` rows of it.
  absl::Status Read(const std::string& path, int64_t most) {
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<SampleFile> file, format_->Open(fs_, path));
    if (!file->head().has_value()) return absl::OkStatus();
    const std::unique_ptr<CellReader> reader = format_->MakeCellReader(lists_, *file->head());
    columns_of_file_.clear();
    int64_t rows = 0;
    int64_t bytes = 0;
    bool ended = false;
    for (RawRows chunk; rows < most;) {
      TANDEM_RETURN_IF_ERROR(
          file->Read(static_cast<int>(std::min<int64_t>(kChunkRows, most - rows)), &chunk));
      ended = chunk.rows.empty();
      if (ended) break;
      for (size_t i = 0; i < chunk.rows.size(); ++i) AddRow(chunk, static_cast<int>(i), reader.get());
      rows += static_cast<int64_t>(chunk.rows.size());
      bytes += chunk.file_bytes;
    }
    bytes_ += static_cast<double>(bytes);
    RawRows more;
    if (!ended) TANDEM_RETURN_IF_ERROR(file->Read(1, &more));
    ended = more.rows.empty();
    if (!ended) TANDEM_RETURN_IF_ERROR(Estimate(path, rows, bytes));
    if (ended) total_rows_ += static_cast<double>(rows);
    return absl::OkStatus();
  }

  LogProfile Finish() {
    log_.total_rows = total_rows_;
    log_.row_bytes = log_.rows == 0 ? 0 : bytes_ / static_cast<double>(log_.rows);
    return std::move(log_);
  }
  int64_t rows() const { return log_.rows; }

 private:
  // The rows of a file that isn't read to its end, by its size.
  absl::Status Estimate(const std::string& path, int64_t rows, int64_t bytes) {
    log_.whole = false;
    const absl::StatusOr<int64_t> size = fs_.Size(path);
    if (!size.ok()) return DataError(size.status().message());
    const double text = static_cast<double>(*size) * (IsPackedLog(path) ? kCompression : 1);
    const double a_row = static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(rows, 1));
    total_rows_ += std::max(static_cast<double>(rows), text / std::max(a_row, 1.0));
    return absl::OkStatus();
  }

  void AddRow(const RawRows& chunk, int row, CellReader* reader) {
    const RowFault known = chunk.Fault(row);
    const RowFault fault = known != RowFault::kNone ? known : reader->Read(chunk.rows[row]);
    if (IsPassedOver(fault)) return;
    ++log_.rows;
    // The columns of a header are there, whatever the rows say.
    MeetColumns(*reader);
    if (fault != RowFault::kNone) {
      ++log_.malformed;
      return;
    }
    ++good_rows_;
    ProfiledRow profiled{log_.rows, false};
    if (!options_.label.empty()) profiled.positive = IsPositive(*reader);
    for (const CellReader::Cell& cell : reader->cells()) {
      ColumnProfile* column = columns_of_file_[cell.column];
      if (column == nullptr) continue;
      // Rows that came before the column did.
      while (column->cells < good_rows_ - 1) column->AddAbsent({0, false});
      if (cell.list) {
        column->AddList(cell.values, profiled);
      } else {
        column->AddCell(cell.text, profiled);
      }
    }
    for (const auto& column : log_.columns) {
      if (column->cells < good_rows_) column->AddAbsent(profiled);
    }
  }

  bool IsPositive(const CellReader& reader) const {
    for (const CellReader::Cell& cell : reader.cells()) {
      if (reader.columns()[cell.column] == options_.label) return options_.positive(cell.text);
    }
    return false;
  }

  void MeetColumns(const CellReader& reader) {
    while (columns_of_file_.size() < reader.columns().size()) {
      const std::string& name = reader.columns()[columns_of_file_.size()];
      ColumnProfile* column = Find(name, reader.columns().size());
      const bool twice =
          std::find(columns_of_file_.begin(), columns_of_file_.end(), column) != columns_of_file_.end();
      if (twice && std::find(log_.twice.begin(), log_.twice.end(), name) == log_.twice.end())
        log_.twice.push_back(name);
      columns_of_file_.push_back(twice ? nullptr : column);
    }
  }

  ColumnProfile* Find(const std::string& name, size_t columns) {
    for (const auto& column : log_.columns) {
      if (column->name == name) return column.get();
    }
    ProfileLimits limits;
    limits.values = std::clamp<size_t>(kAllValues / columns, 1024, limits.values);
    log_.columns.push_back(std::make_unique<ColumnProfile>(name, limits));
    return log_.columns.back().get();
  }

  FileSystem& fs_;
  const ProfileOptions& options_;
  const std::unique_ptr<const SampleFormat> format_;
  ListColumns lists_;
  LogProfile log_;
  std::vector<ColumnProfile*> columns_of_file_;  // null: the name is there before
  int64_t good_rows_ = 0;
  double total_rows_ = 0;
  double bytes_ = 0;
};

}  // namespace

const ColumnProfile* LogProfile::Find(absl::string_view name) const {
  for (const auto& column : columns) {
    if (column->name == name) return column.get();
  }
  return nullptr;
}

absl::StatusOr<LogProfile> ProfileLog(FileSystem& fs, const Dialect& dialect,
                                      const std::vector<std::string>& files, const ProfileOptions& options) {
  Profiler profiler(fs, dialect, options);
  for (size_t i = 0; i < files.size(); ++i) {
    const int64_t left = options.rows - profiler.rows();
    const auto files_left = static_cast<int64_t>(files.size() - i);
    TANDEM_RETURN_IF_ERROR(
        profiler.Read(files[i], std::max<int64_t>(1, (left + files_left - 1) / files_left)));
  }
  return profiler.Finish();
}

}  // namespace tandem
