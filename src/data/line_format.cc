#include "src/data/line_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "src/data/framed_file.h"
#include "src/data/line_file.h"
#include "src/data/row_writer.h"
#include "src/data/text_decoder.h"
#include "tandem/status.h"

namespace tandem {
namespace {

class LineDecoder : public TextDecoder {
 public:
  LineDecoder(TextCells cells, std::vector<std::string> columns, std::shared_ptr<const LineSyntax> syntax)
      : TextDecoder(std::move(cells), static_cast<int>(columns.size()), syntax->limit(),
                    syntax->max_line_bytes()),
        names_(std::move(columns)),
        syntax_(std::move(syntax)) {}

  absl::Status ReadServingValues() {
    NamedCells cell({"serving_value"}, *syntax_);
    return mutable_text_cells()->ReadServingValues(cell, [&](absl::string_view text, std::string* detail) {
      cell.Clear();
      cell.BeginAt(0);
      return syntax_->ParseCell(text, &cell, detail);
    });
  }

  void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                  std::vector<BadRow>* bad) const override {
    text_cells().encoder().CheckBatch(*batch);
    NamedCells row(names_, *syntax_);
    std::string detail;
    for (int r = begin; r < end; ++r) {
      if (rows.too_long[r]) {
        AddTooLong(r, bad);
        continue;
      }
      if (r == rows.cut_off) {
        AddBad(r, RowFault::kSyntax, kCutOffRow, bad);
        continue;
      }
      const RowFault fault = DecodeRow(rows.rows[r], &row, batch, &detail);
      if (fault != RowFault::kNone) AddBad(r, fault, detail, bad);
    }
  }

 private:
  RowFault DecodeRow(absl::string_view row, Batch* batch, std::string* detail) const override {
    NamedCells cells(names_, *syntax_);
    return DecodeRow(row, &cells, batch, detail);
  }
  RowFault DecodeCells(absl::Span<const absl::string_view> cells, Batch* batch,
                       std::string* detail) const override {
    NamedCells row(names_, *syntax_);
    for (int c = 0; c < static_cast<int>(cells.size()); ++c) {
      row.BeginAt(c);
      const RowFault fault = syntax_->ParseCell(cells[c], &row, detail);
      if (fault != RowFault::kNone) return fault;
    }
    return Encode(row, batch, detail);
  }
  void ForEachText(absl::string_view row, absl::Span<const int> columns,
                   absl::FunctionRef<void(absl::string_view)> each) const override {
    NamedCells cells(names_, *syntax_);
    if (!row.empty()) syntax_->Parse(row, &cells, /*detail=*/nullptr);
    for (const int column : columns) each(cells.Text(column));
  }
  // What would end a key's cell or its line is written as JSON does.
  void AppendKey(absl::string_view key, char /*separator*/, std::string* out) const override {
    out->append(absl::StrReplaceAll(key, {{"\t", "\\t"}, {"\n", "\\n"}, {"\r", "\\r"}}));
  }

  RowFault DecodeRow(absl::string_view row, NamedCells* cells, Batch* batch, std::string* detail) const {
    if (row.empty()) return RowFault::kBlankLine;
    cells->Clear();
    const RowFault fault = syntax_->Parse(row, cells, detail);
    return fault == RowFault::kNone ? Encode(*cells, batch, detail) : fault;
  }
  RowFault Encode(const NamedCells& row, Batch* batch, std::string* detail) const {
    RowWriter writer(batch);
    return text_cells().EncodeRow(row, &writer, detail);
  }

  const std::vector<std::string> names_;  // of the columns that are read
  const std::shared_ptr<const LineSyntax> syntax_;
};

class LineCellReader : public CellReader {
 public:
  LineCellReader(std::shared_ptr<const LineSyntax> syntax, ListColumns lists)
      : syntax_(std::move(syntax)), lists_(std::move(lists)), row_({}, *syntax_, /*all=*/true) {}

  RowFault Read(absl::string_view row) override {
    cells_.clear();
    if (row.empty()) return RowFault::kBlankLine;
    row_.Clear();
    const RowFault fault = syntax_->Parse(row, &row_, nullptr);
    columns_ = row_.columns();
    if (fault != RowFault::kNone) return fault;
    for (int c = 0; c < static_cast<int>(columns_.size()); ++c) {
      if (row_.Has(c)) cells_.push_back(CellAt(c));
    }
    return RowFault::kNone;
  }

 private:
  Cell CellAt(int c) const {
    if (!row_.IsList(c) && syntax_->lists() != nullptr)
      return CellOf(c, row_.Text(c), KindOf(columns_[c], lists_), *syntax_->lists());
    Cell cell{c, row_.Text(c), row_.IsList(c), {}};
    row_.ForEachItem(c, /*weighted=*/false, [&](const ListItem& item) {
      cell.values.push_back(item.id);
      return RowFault::kNone;
    });
    if (cell.list) cell.text = cell.values.empty() ? "" : "[]";
    return cell;
  }

  const std::shared_ptr<const LineSyntax> syntax_;
  const ListColumns lists_;
  NamedCells row_;
};

class LineFormat : public SampleFormat {
 public:
  LineFormat(std::shared_ptr<const LineSyntax> syntax, std::unique_ptr<const RowFraming> framing)
      : syntax_(std::move(syntax)), framing_(std::move(framing)) {}

  absl::StatusOr<std::unique_ptr<SampleFile>> Open(FileSystem& fs, const std::string& path) const override {
    if (framing_ != nullptr) return OpenFramedFile(fs, path, *framing_, max_row_bytes());
    return OpenLineFile(fs, path, {max_row_bytes()});
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
  std::unique_ptr<CellReader> MakeCellReader(const ListColumns& lists,
                                             absl::string_view /*head*/) const override {
    return std::make_unique<LineCellReader>(syntax_, lists);
  }
  const RowFraming& framing() const override { return framing_ != nullptr ? *framing_ : LineFraming(); }
  bool has_head() const override { return false; }
  bool IsHead(absl::string_view /*row*/) const override { return false; }
  int64_t max_row_bytes() const override { return syntax_->max_line_bytes(); }
  const FormatLook& look() const override { return syntax_->look(); }

 private:
  absl::StatusOr<std::unique_ptr<LineDecoder>> Make(TextCells cells, std::vector<std::string> columns) const {
    auto decoder = std::make_unique<LineDecoder>(std::move(cells), std::move(columns), syntax_);
    TANDEM_RETURN_IF_ERROR(decoder->ReadServingValues());
    return decoder;
  }

  const std::shared_ptr<const LineSyntax> syntax_;
  const std::unique_ptr<const RowFraming> framing_;  // null: lines
};

}  // namespace

const FormatLook& LineSyntax::look() const {
  static const FormatLook look;
  return look;
}

std::unique_ptr<const SampleFormat> MakeLineFormat(std::unique_ptr<const LineSyntax> syntax) {
  return std::make_unique<LineFormat>(std::move(syntax), /*framing=*/nullptr);
}

std::unique_ptr<const SampleFormat> MakeFramedFormat(std::unique_ptr<const LineSyntax> syntax,
                                                     std::unique_ptr<const RowFraming> framing) {
  return std::make_unique<LineFormat>(std::move(syntax), std::move(framing));
}

}  // namespace tandem
