#include "src/data/delimited/delimited_decoder.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/container/fixed_array.h"
#include "absl/strings/str_cat.h"
#include "src/data/delimited/block_writer.h"
#include "src/data/delimited/split.h"
#include "src/data/text_cells.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Of DecodeRows: lines, and the places of their cells, which stay in the cache nearest to the core.
constexpr size_t kLinesAtATime = 32;
constexpr size_t kPlacesAtATime = 2048;

// The lists in cells.
struct Separators {
  char item;
  char weight;

  template <typename F>
  RowFault ForEachItem(absl::string_view cell, bool weighted, const F& each) const {
    while (!cell.empty()) {
      const size_t end = std::min(cell.find(item), cell.size());
      ListItem found;
      found.text = found.id = cell.substr(0, end);
      cell.remove_prefix(std::min(end + 1, cell.size()));
      if (found.text.empty()) continue;
      const size_t separator = weighted ? found.text.rfind(weight) : absl::string_view::npos;
      if (separator != absl::string_view::npos) {
        found.id = found.text.substr(0, separator);
        found.weight = found.text.substr(separator + 1);
        found.has_weight = true;
      }
      const RowFault fault = each(found);
      if (fault != RowFault::kNone) return fault;
    }
    return RowFault::kNone;
  }
  template <typename F>
  void ForEachFromLast(absl::string_view cell, const F& each) const {
    while (!cell.empty()) {
      const size_t separator = cell.rfind(item);
      const bool only = separator == absl::string_view::npos;
      const absl::string_view id = cell.substr(only ? 0 : separator + 1);
      cell = cell.substr(0, only ? 0 : separator);
      if (!id.empty() && !each(id)) return;
    }
  }
  std::string WeightSyntax() const { return absl::StrCat("id", std::string(1, weight), "weight"); }
};

// The Cells of a line, split.
struct LineCells {
  absl::string_view line;
  const size_t* begins;
  const Separators* separators;

  absl::string_view Text(int column) const {
    return absl::string_view(line.data() + begins[column], begins[column + 1] - 1 - begins[column]);
  }
  size_t Readable(int column) const { return line.size() - begins[column]; }
  static constexpr bool IsList(int /*column*/) { return false; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& item) const {
    return separators->ForEachItem(Text(column), weighted, item);
  }
  template <typename F>
  void ForEachFromLast(int column, const F& id) const {
    separators->ForEachFromLast(Text(column), id);
  }
  std::string WeightSyntax() const { return separators->WeightSyntax(); }
};

// The Cells of a row whose cells are apart.
struct SpanCells {
  absl::Span<const absl::string_view> cells;
  const Separators* separators;

  absl::string_view Text(int column) const { return cells[column]; }
  size_t Readable(int column) const { return cells[column].size(); }
  static constexpr bool IsList(int /*column*/) { return false; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& item) const {
    return separators->ForEachItem(Text(column), weighted, item);
  }
  template <typename F>
  void ForEachFromLast(int column, const F& id) const {
    separators->ForEachFromLast(Text(column), id);
  }
  std::string WeightSyntax() const { return separators->WeightSyntax(); }
};

class DelimitedDecoder : public RowDecoder, public CellDecoder {
 public:
  DelimitedDecoder(TextCells cells, const DelimitedOptions& options, int columns)
      : cells_(std::move(cells)),
        separators_{options.multi_value_separator, options.weight_separator},
        delimiter_(options.delimiter),
        columns_name_(options.header ? "header" : "config"),
        max_line_bytes_(options.max_line_bytes),
        columns_(columns) {}

  absl::Status ReadServingValues() {
    absl::string_view text;
    return cells_.ReadServingValues(SpanCells{{&text, 1}, &separators_},
                                    [&](absl::string_view value, std::string* /*detail*/) {
                                      text = value;
                                      return RowFault::kNone;
                                    });
  }

  RowFault Decode(absl::string_view line, Batch* batch, std::string* detail) const override {
    cells_.encoder().CheckBatch(*batch);
    absl::FixedArray<size_t, 256> begins(PlacesALine());
    RowWriter writer(batch);
    const RowFault fault = Split(line, begins.data(), detail);
    if (fault != RowFault::kNone) return fault;
    return cells_.EncodeRow(LineCells{line, begins.data(), &separators_}, &writer, detail);
  }

  RowFault Decode(absl::Span<const absl::string_view> cells, Batch* batch,
                  std::string* detail) const override {
    if (static_cast<int>(cells.size()) != columns_) {
      if (detail != nullptr)
        *detail = absl::StrCat(cells.size(), " cells where there are ", columns_, " columns");
      return RowFault::kColumnCount;
    }
    cells_.encoder().CheckBatch(*batch);
    RowWriter writer(batch);
    return cells_.EncodeRow(SpanCells{cells, &separators_}, &writer, detail);
  }

  void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                  std::vector<BadRow>* bad) const override;

  void AppendKeys(absl::string_view line, char separator, std::string* out) const override {
    for (const int column : cells_.key_columns()) {
      const absl::string_view key = Cell(line, column);
      out->append(key.data(), key.size());
      out->push_back(separator);
    }
  }

  RowFault Time(absl::string_view line, double* time) const override {
    return ParseNumber(Cell(line, cells_.time_column()), time);
  }

 private:
  size_t PlacesALine() const { return columns_ + 1 + kSplitSlack; }

  // The count comes before what a shifted cell may look like.
  RowFault Split(absl::string_view line, size_t* begins, std::string* detail) const {
    const size_t found = SplitCells(line, delimiter_, columns_, begins);
    if (found == static_cast<size_t>(columns_)) return RowFault::kNone;
    if (detail != nullptr)
      *detail = absl::StrCat(found, " columns where the ", columns_name_, " has ", columns_);
    return RowFault::kColumnCount;
  }

  // Of any line; "" where there is none.
  absl::string_view Cell(absl::string_view line, int column) const {
    for (; column > 0; --column) {
      const size_t end = line.find(delimiter_);
      line.remove_prefix(end == absl::string_view::npos ? line.size() : end + 1);
    }
    return line.substr(0, line.find(delimiter_));
  }

  TextCells cells_;
  const Separators separators_;
  const char delimiter_;
  const char* const columns_name_;
  const int64_t max_line_bytes_;
  const int columns_;
};

void DelimitedDecoder::DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                                  std::vector<BadRow>* bad) const {
  cells_.encoder().CheckBatch(*batch);
  const size_t stride = PlacesALine();
  const auto lines_at_a_time =
      static_cast<int>(std::clamp<size_t>(kPlacesAtATime / stride, 1, kLinesAtATime));
  absl::FixedArray<size_t, kPlacesAtATime> begins(lines_at_a_time * stride);
  std::array<LineCells, kLinesAtATime> lines;
  BlockWriter writer(batch, end - begin, cells_.encoder().bag_fields(), cells_.ids());
  std::string detail;
  for (int row = begin; row < end;) {
    // Line by line what may be at fault; then the ids, column by column.
    int good = 0;
    for (; row < end && good < lines_at_a_time; ++row) {
      LineCells& line = lines[good];
      size_t* const places = begins.data() + good * stride;
      line = {rows.rows[row], places, &separators_};
      RowFault fault = RowFault::kLineTooLong;
      if (!rows.too_long[row]) {
        fault = Split(line.line, places, &detail);
        if (fault == RowFault::kNone) fault = cells_.EncodeAllButIds(line, &writer, &detail);
      } else {
        detail = absl::StrCat("a line of more than data.delimited.max_line_bytes ", max_line_bytes_);
      }
      if (fault == RowFault::kNone) {
        writer.CloseRow();
        ++good;
      } else {
        bad->push_back({row, fault, detail});
      }
    }
    for (const IdCell& id : cells_.ids()) {
      // A copy stays in registers.
      writer.AddIds(id.field, good, [id, &cells = cells_, block = lines.data()](int i) {
        return cells.ParseId(id, block[i].Text(id.column));
      });
    }
  }
}

absl::StatusOr<std::unique_ptr<DelimitedDecoder>> MakeDecoder(const Schema& schema, const RowNeeds& needs,
                                                              const DelimitedOptions& options,
                                                              absl::Span<const std::string> columns,
                                                              absl::string_view origin) {
  const auto find = [&](const std::string& column, absl::string_view why) -> absl::StatusOr<int> {
    if (columns.size() == 1 && column != columns[0]) {
      return DataError(origin, ": no column '", column, "' (", why,
                       "): there is but one column; is data.delimited.delimiter right?");
    }
    return FindNamed(column, why, columns, origin);
  };
  TANDEM_ASSIGN_OR_RETURN(TextCells cells, TextCells::Create(schema, needs, find));
  auto decoder =
      std::make_unique<DelimitedDecoder>(std::move(cells), options, static_cast<int>(columns.size()));
  TANDEM_RETURN_IF_ERROR(decoder->ReadServingValues());
  return decoder;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDelimitedDecoder(const Schema& schema,
                                                                       const RowNeeds& needs,
                                                                       const DelimitedOptions& options,
                                                                       absl::Span<const std::string> columns,
                                                                       absl::string_view origin) {
  return MakeDecoder(schema, needs, options, columns, origin);
}

absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeDelimitedCellDecoder(
    const Schema& schema, RowUse use, const DelimitedOptions& options, absl::Span<const std::string> columns,
    absl::string_view origin) {
  return MakeDecoder(schema, RowNeeds{use}, options, columns, origin);
}

}  // namespace tandem
