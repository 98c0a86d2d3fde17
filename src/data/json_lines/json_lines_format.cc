#include "src/data/json_lines/json_lines_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "src/data/json_lines/json_cells.h"
#include "src/data/line_file.h"
#include "src/data/text_cells.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class JsonDecoder : public RowDecoder, public CellDecoder {
 public:
  JsonDecoder(TextCells cells, std::vector<std::string> columns, int64_t max_line_bytes)
      : cells_(std::move(cells)), columns_(std::move(columns)), max_line_bytes_(max_line_bytes) {}

  absl::Status ReadServingValues() {
    JsonCells cell({"serving_value"});
    return cells_.ReadServingValues(cell, [&](absl::string_view text, std::string* detail) {
      cell.Clear();
      return cell.SetCell(0, text, detail);
    });
  }

  RowFault Decode(absl::string_view row, Batch* batch, std::string* detail) const override {
    JsonCells cells(columns_);
    return Decode(row, &cells, batch, detail);
  }
  void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                  std::vector<BadRow>* bad) const override {
    JsonCells cells(columns_);
    std::string detail;
    for (int row = begin; row < end; ++row) {
      RowFault fault = RowFault::kLineTooLong;
      if (rows.too_long[row]) {
        detail = absl::StrCat("a line of more than data.json_lines.max_line_bytes ", max_line_bytes_);
      } else {
        fault = Decode(rows.rows[row], &cells, batch, &detail);
      }
      if (fault != RowFault::kNone) bad->push_back({row, fault, detail});
    }
  }
  RowFault Decode(absl::Span<const absl::string_view> cells, Batch* batch,
                  std::string* detail) const override {
    if (cells.size() != columns_.size()) {
      if (detail != nullptr)
        *detail = absl::StrCat(cells.size(), " cells where there are ", columns_.size(), " columns");
      return RowFault::kColumnCount;
    }
    JsonCells row(columns_);
    for (int c = 0; c < static_cast<int>(cells.size()); ++c) {
      const RowFault fault = row.SetCell(c, cells[c], detail);
      if (fault != RowFault::kNone) return fault;
    }
    return Encode(row, batch, detail);
  }

  // What would end a key's cell or its line is written as JSON does.
  void AppendKeys(absl::string_view row, char separator, std::string* out) const override {
    JsonCells cells(columns_);
    cells.Parse(row, nullptr);
    for (const int column : cells_.key_columns()) {
      absl::StrAppend(out,
                      absl::StrReplaceAll(cells.Text(column), {{"\t", "\\t"}, {"\n", "\\n"}, {"\r", "\\r"}}));
      out->push_back(separator);
    }
  }
  RowFault Time(absl::string_view row, double* time) const override {
    JsonCells cells(columns_);
    const RowFault fault = cells.Parse(row, nullptr);
    return fault == RowFault::kNone ? ParseNumber(cells.Text(cells_.time_column()), time) : fault;
  }

 private:
  RowFault Decode(absl::string_view row, JsonCells* cells, Batch* batch, std::string* detail) const {
    if (row.empty()) return RowFault::kBlankLine;
    const RowFault fault = cells->Parse(row, detail);
    return fault == RowFault::kNone ? Encode(*cells, batch, detail) : fault;
  }
  RowFault Encode(const JsonCells& cells, Batch* batch, std::string* detail) const {
    cells_.encoder().CheckBatch(*batch);
    RowWriter writer(batch);
    return cells_.EncodeRow(cells, &writer, detail);
  }

  TextCells cells_;
  const std::vector<std::string> columns_;  // those that are read
  const int64_t max_line_bytes_;
};

class JsonCellReader : public CellReader {
 public:
  RowFault Read(absl::string_view row) override {
    cells_.clear();
    if (row.empty()) return RowFault::kBlankLine;
    const RowFault fault = json_.Parse(row, nullptr);
    columns_ = json_.columns();
    if (fault != RowFault::kNone) return fault;
    for (int c = 0; c < static_cast<int>(columns_.size()); ++c) {
      if (!json_.Has(c)) continue;
      Cell cell{c, json_.Text(c), json_.IsList(c), {}};
      json_.ForEachItem(c, /*weighted=*/false, [&](const ListItem& item) {
        cell.values.push_back(item.id);
        return RowFault::kNone;
      });
      if (cell.list) cell.text = cell.values.empty() ? "" : "[]";
      cells_.push_back(std::move(cell));
    }
    return RowFault::kNone;
  }

 private:
  JsonCells json_{{}, /*all=*/true};
};

class JsonLinesFormat : public SampleFormat {
 public:
  explicit JsonLinesFormat(int64_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  absl::StatusOr<std::unique_ptr<SampleFile>> Open(FileSystem& fs, const std::string& path) const override {
    return OpenLineFile(fs, path, {max_line_bytes_});
  }
  absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDecoder(const Schema& schema, const RowNeeds& needs,
                                                                absl::string_view /*head*/,
                                                                absl::string_view /*origin*/) const override {
    // Any column may be there: a row says which are.
    std::vector<std::string> columns;
    const auto add = [&](const std::string& column, absl::string_view /*why*/) -> absl::StatusOr<int> {
      const auto known = std::find(columns.begin(), columns.end(), column);
      if (known != columns.end()) return static_cast<int>(known - columns.begin());
      columns.push_back(column);
      return static_cast<int>(columns.size()) - 1;
    };
    TANDEM_ASSIGN_OR_RETURN(TextCells cells, TextCells::Create(schema, needs, add));
    return Make(std::move(cells), std::move(columns));
  }
  absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeCellDecoder(
      const Schema& schema, RowUse use, absl::Span<const std::string> columns,
      absl::string_view origin) const override {
    const auto find = [&](const std::string& column, absl::string_view why) {
      return FindNamed(column, why, columns, origin);
    };
    TANDEM_ASSIGN_OR_RETURN(TextCells cells, TextCells::Create(schema, {use}, find));
    return Make(std::move(cells), {columns.begin(), columns.end()});
  }
  std::unique_ptr<CellReader> MakeCellReader(const ListColumns& /*lists*/,
                                             absl::string_view /*head*/) const override {
    return std::make_unique<JsonCellReader>();
  }
  const RowFraming& framing() const override { return LineFraming(); }
  bool has_head() const override { return false; }
  int64_t max_row_bytes() const override { return max_line_bytes_; }

 private:
  absl::StatusOr<std::unique_ptr<JsonDecoder>> Make(TextCells cells, std::vector<std::string> columns) const {
    auto decoder = std::make_unique<JsonDecoder>(std::move(cells), std::move(columns), max_line_bytes_);
    TANDEM_RETURN_IF_ERROR(decoder->ReadServingValues());
    return decoder;
  }

  const int64_t max_line_bytes_;
};

}  // namespace

std::unique_ptr<const SampleFormat> MakeJsonLinesFormat(const proto::JsonLines& json_lines) {
  return std::make_unique<JsonLinesFormat>(json_lines.max_line_bytes());
}

}  // namespace tandem
