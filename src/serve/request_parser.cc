#include "src/serve/request_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/status.h"

namespace tandem {

absl::Status RequestParser::Prepare(const ScoreRequest& request,
                                    const std::shared_ptr<const Predictor>& version) {
  const bool known =
      version == version_.lock() && rows_ != nullptr &&
      std::equal(request.columns.begin(), request.columns.end(), names_.begin(), names_.end(),
                 [](const RequestColumn& column, const std::string& name) { return column.name == name; });
  if (known) return absl::OkStatus();
  rows_.reset();
  version_ = version;
  names_.clear();
  for (const RequestColumn& column : request.columns) names_.push_back(column.name);
  absl::StatusOr<std::unique_ptr<const CellDecoder>> rows =
      version->format().MakeCellDecoder(version->schema(), RowUse::kPredict, names_, "the request");
  if (!rows.ok()) return ConfigError(rows.status().message());
  rows_ = *std::move(rows);
  return absl::OkStatus();
}

absl::Status RequestParser::Parse(const ScoreRequest& request,
                                  const std::shared_ptr<const Predictor>& version, Batch* batch,
                                  std::vector<MalformedRow>* malformed) {
  const auto rows = static_cast<size_t>(std::max(0, request.rows));
  for (const RequestColumn& column : request.columns) {
    if (column.cells.size() == rows || column.cells.size() == 1) continue;
    return ConfigError("the request: column '", column.name, "' has ", column.cells.size(),
                       " cells where there ", rows == 1 ? "is 1 row" : absl::StrCat("are ", rows, " rows"),
                       "; it wants one a row, or one for all");
  }
  TANDEM_RETURN_IF_ERROR(Prepare(request, version));
  cells_.resize(request.columns.size());
  std::string why;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < cells_.size(); ++c) {
      const std::vector<std::string>& cells = request.columns[c].cells;
      cells_[c] = cells[cells.size() == 1 ? 0 : row];
    }
    if (rows_->Decode(cells_, batch, &why) != RowFault::kNone)
      malformed->push_back({static_cast<int>(row), why});
  }
  return absl::OkStatus();
}

}  // namespace tandem
