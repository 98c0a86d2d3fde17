#include "src/data/delimited/delimited_decoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/container/fixed_array.h"
#include "absl/strings/str_cat.h"
#include "src/data/delimited/block_writer.h"
#include "src/data/delimited/header_line.h"
#include "src/data/delimited/quoted_cells.h"
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

// Cells as TextCells wants them, of what gives their texts.
template <typename Texts>
struct CellsOf : Texts {
  const Separators* separators;

  static constexpr bool IsList(int /*column*/) { return false; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& item) const {
    return separators->ForEachItem(this->Text(column), weighted, item);
  }
  template <typename F>
  void ForEachFromLast(int column, const F& id) const {
    separators->ForEachFromLast(this->Text(column), id);
  }
  std::string WeightSyntax() const { return separators->WeightSyntax(); }
};

// Of a line, split.
struct LineTexts {
  absl::string_view line;
  const size_t* begins;

  absl::string_view Text(int column) const {
    return absl::string_view(line.data() + begins[column], begins[column + 1] - 1 - begins[column]);
  }
  size_t Readable(int column) const { return line.size() - begins[column]; }
};

// Of a row with quotes, without them.
struct UnquotedTexts {
  absl::string_view row;  // as it was, or its cells one behind the other
  const size_t* begins;
  const size_t* ends;

  absl::string_view Text(int column) const {
    return absl::string_view(row.data() + begins[column], ends[column] - begins[column]);
  }
  size_t Readable(int column) const { return row.size() - begins[column]; }
};

// Of a row whose cells are apart.
struct SpanTexts {
  absl::Span<const absl::string_view> cells;

  absl::string_view Text(int column) const { return cells[column]; }
  size_t Readable(int column) const { return cells[column].size(); }
};

using LineCells = CellsOf<LineTexts>;
using UnquotedCells = CellsOf<UnquotedTexts>;
using SpanCells = CellsOf<SpanTexts>;

class DelimitedDecoder : public RowDecoder, public CellDecoder {
 public:
  DelimitedDecoder(TextCells cells, const DelimitedOptions& options, absl::Span<const std::string> columns)
      : cells_(std::move(cells)),
        separators_{options.multi_value_separator, options.weight_separator},
        delimiter_(options.delimiter),
        quote_(options.quote),
        columns_name_(options.header ? "header" : "config"),
        max_line_bytes_(options.max_line_bytes),
        header_(columns, options.delimiter, options.quote),
        columns_(static_cast<int>(columns.size())) {}

  absl::Status ReadServingValues() {
    absl::string_view text;
    return cells_.ReadServingValues(SpanCells{{{&text, 1}}, &separators_},
                                    [&](absl::string_view value, std::string* /*detail*/) {
                                      text = value;
                                      return RowFault::kNone;
                                    });
  }

  RowFault Decode(absl::string_view line, Batch* batch, std::string* detail) const override {
    cells_.encoder().CheckBatch(*batch);
    const RowFault fault = HasQuote(line) ? DecodeRow<UnquotedCells>(line, batch, detail)
                                          : DecodeRow<LineCells>(line, batch, detail);
    return fault == RowFault::kNone ? fault : NoRow(line, fault, detail);
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
    return cells_.EncodeRow(SpanCells{{cells}, &separators_}, &writer, detail);
  }

  void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                  std::vector<BadRow>* bad) const override;

  void AppendKeys(absl::string_view row, char separator, std::string* out) const override {
    const bool quoted = HasQuote(row);
    std::string scratch;
    for (const int column : cells_.key_columns()) {
      if (quoted) {
        AppendQuoted(UnquotedCell(row, column, &scratch), separator, out);
      } else {
        const absl::string_view key = Cell(row, column);
        // Without quotes a cell may hold what separates keys, where that isn't the delimiter.
        if (quote_.has_value()) {
          AppendQuoted(key, separator, out);
        } else {
          out->append(key.data(), key.size());
        }
      }
      out->push_back(separator);
    }
  }

  RowFault Time(absl::string_view row, double* time) const override {
    std::string scratch;
    const int column = cells_.time_column();
    return ParseNumber(HasQuote(row) ? UnquotedCell(row, column, &scratch) : Cell(row, column), time);
  }

 private:
  // Of a row's cells: where they begin, and where they end.
  template <typename Cells>
  size_t PlacesARow() const {
    return (std::is_same_v<Cells, UnquotedCells> ? 2 : 1) * (columns_ + 1 + kSplitSlack);
  }
  bool HasQuote(absl::string_view row) const {
    return quote_.has_value() && std::memchr(row.data(), *quote_, row.size()) != nullptr;
  }

  // The cells of a row that holds no quote. The count comes before what a shifted cell may look like.
  RowFault SplitRow(absl::string_view line, size_t* places, std::string* /*unquoted*/,
                    std::vector<size_t>* /*doubled*/, LineCells* cells, std::string* detail) const {
    *cells = {{line, places}, &separators_};
    if (line.empty()) return RowFault::kBlankLine;
    const size_t found = SplitCells(line, delimiter_, columns_, places);
    if (found != static_cast<size_t>(columns_)) return NoColumns(found, detail);
    return header_.MayBegin(cells->Text(0)) ? header_.Check(line, detail) : RowFault::kNone;
  }
  // Of any row. What was doubled is undone in `unquoted`; `doubled` is the function's own.
  RowFault SplitRow(absl::string_view row, size_t* places, std::string* unquoted,
                    std::vector<size_t>* doubled, UnquotedCells* cells, std::string* detail) const {
    size_t* const ends = places + columns_ + 1 + kSplitSlack;
    *cells = {{row, places, ends}, &separators_};
    if (row.empty()) return RowFault::kBlankLine;
    if (!SplitQuotedCells(row, {delimiter_, *quote_}, columns_, places, ends, doubled)) {
      const RowFault fault = Unquote(row, places, ends, unquoted, detail);
      if (fault != RowFault::kNone) return fault;
      cells->row = *unquoted;
    } else if (!doubled->empty()) {
      unquoted->assign(row.data(), row.size());
      UndoDoubled(*doubled, ends, &(*unquoted)[0]);
      cells->row = *unquoted;
    }
    return header_.MayBegin(cells->Text(0)) ? header_.Check(row, detail) : RowFault::kNone;
  }
  RowFault Unquote(absl::string_view row, size_t* begins, size_t* ends, std::string* unquoted,
                   std::string* detail) const;

  RowFault NoColumns(size_t found, std::string* detail) const {
    if (detail != nullptr)
      *detail = absl::StrCat(found, " columns where the ", columns_name_, " has ", columns_);
    return RowFault::kColumnCount;
  }
  // What a row with a fault is: a header line has many.
  RowFault NoRow(absl::string_view row, RowFault fault, std::string* detail) const {
    if (IsPassedOver(fault) || fault == RowFault::kHeader) return fault;
    const RowFault header = header_.Check(row, detail);
    return header == RowFault::kNone ? fault : header;
  }

  template <typename Cells>
  RowFault DecodeRow(absl::string_view line, Batch* batch, std::string* detail) const {
    absl::FixedArray<size_t, 256> places(PlacesARow<Cells>());
    std::string unquoted;
    std::vector<size_t> doubled;
    Cells cells;
    RowWriter writer(batch);
    const RowFault fault = SplitRow(line, places.data(), &unquoted, &doubled, &cells, detail);
    return fault == RowFault::kNone ? cells_.EncodeRow(cells, &writer, detail) : fault;
  }
  // Of the last `rows` rows, whose cells these are, column by column. A function of its own has the registers
  // for itself.
  template <bool kMissingValues, typename Cells>
  ABSL_ATTRIBUTE_NOINLINE void AddIds(const Cells* cells, int rows, BlockWriter* writer) const {
    for (const IdCell& id : cells_.ids()) {
      // A copy stays in registers.
      writer->AddIds(id.field, rows, [id, &text_cells = cells_, cells](int i) {
        return text_cells.ParseId<kMissingValues>(id, cells[i].Text(id.column));
      });
    }
  }
  template <typename Cells>
  void DecodeBlocks(const RawRows& rows, int begin, int end, Batch* batch, std::vector<BadRow>* bad) const;

  // Of any row; "" where there is none.
  absl::string_view Cell(absl::string_view line, int column) const {
    for (; column > 0; --column) {
      const size_t end = line.find(delimiter_);
      line.remove_prefix(end == absl::string_view::npos ? line.size() : end + 1);
    }
    return line.substr(0, line.find(delimiter_));
  }
  absl::string_view UnquotedCell(absl::string_view row, int column, std::string* scratch) const {
    absl::string_view found;
    int at = 0;
    ForEachQuotedCell(row, {delimiter_, *quote_}, scratch, [&](absl::string_view cell) {
      if (at == column) found = cell;
      return at++ < column;
    });
    return found;
  }
  // In quotes where it must be.
  void AppendQuoted(absl::string_view cell, char separator, std::string* out) const {
    const char special[] = {separator, *quote_, '\n', '\r'};
    if (cell.find_first_of(absl::string_view(special, sizeof(special))) == absl::string_view::npos) {
      out->append(cell.data(), cell.size());
      return;
    }
    out->push_back(*quote_);
    for (const char byte : cell) {
      if (byte == *quote_) out->push_back(byte);
      out->push_back(byte);
    }
    out->push_back(*quote_);
  }

  TextCells cells_;
  const Separators separators_;
  const char delimiter_;
  const std::optional<char> quote_;
  const char* const columns_name_;
  const int64_t max_line_bytes_;
  const HeaderLine header_;
  const int columns_;
};

RowFault DelimitedDecoder::Unquote(absl::string_view row, size_t* begins, size_t* ends, std::string* unquoted,
                                   std::string* detail) const {
  unquoted->clear();
  std::string scratch;
  size_t found = 0;
  const QuoteFault fault =
      ForEachQuotedCell(row, {delimiter_, *quote_}, &scratch, [&](absl::string_view cell) {
        if (found < static_cast<size_t>(columns_)) {
          begins[found] = unquoted->size();
          unquoted->append(cell.data(), cell.size());
          ends[found] = unquoted->size();
        }
        ++found;
        return true;
      });
  if (fault == QuoteFault::kNone)
    return found == static_cast<size_t>(columns_) ? RowFault::kNone : NoColumns(found, detail);
  if (detail != nullptr) {
    *detail = fault == QuoteFault::kOpen
                  ? absl::StrCat("the quote at the begin of cell ", found,
                                 " isn't closed; the row is taken to end with its line")
                  : absl::StrCat("cell ", found, " goes on after its closing quote");
  }
  return RowFault::kSyntax;
}

void DelimitedDecoder::DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                                  std::vector<BadRow>* bad) const {
  cells_.encoder().CheckBatch(*batch);
  if (quote_.has_value() && !rows.quoted.empty()) {
    DecodeBlocks<UnquotedCells>(rows, begin, end, batch, bad);
  } else {
    DecodeBlocks<LineCells>(rows, begin, end, batch, bad);
  }
}

template <typename Cells>
void DelimitedDecoder::DecodeBlocks(const RawRows& rows, int begin, int end, Batch* batch,
                                    std::vector<BadRow>* bad) const {
  const size_t stride = PlacesARow<Cells>();
  const auto lines_at_a_time =
      static_cast<int>(std::clamp<size_t>(kPlacesAtATime / stride, 1, kLinesAtATime));
  absl::FixedArray<size_t, kPlacesAtATime> places(lines_at_a_time * stride);
  std::array<Cells, kLinesAtATime> cells;
  constexpr bool kUnquotes = std::is_same_v<Cells, UnquotedCells>;
  std::array<std::string, kUnquotes ? kLinesAtATime : 1> unquoted;
  std::vector<size_t> doubled;
  BlockWriter writer(batch, end - begin, cells_.encoder().bag_fields(), cells_.ids());
  std::string detail;
  for (int row = begin; row < end;) {
    // Row by row what may be at fault; then the ids, column by column.
    int good = 0;
    for (; row < end && good < lines_at_a_time; ++row) {
      RowFault fault = RowFault::kLineTooLong;
      if (!rows.too_long[row]) {
        fault = SplitRow(rows.rows[row], places.data() + good * stride, &unquoted[kUnquotes ? good : 0],
                         &doubled, &cells[good], &detail);
        if (fault == RowFault::kNone) fault = cells_.EncodeAllButIds(cells[good], &writer, &detail);
      } else {
        detail = absl::StrCat("a line of more than data.delimited.max_line_bytes ", max_line_bytes_);
      }
      if (fault == RowFault::kNone) {
        writer.CloseRow();
        ++good;
      } else {
        if (!rows.too_long[row]) fault = NoRow(rows.rows[row], fault, &detail);
        bad->push_back({row, fault, IsPassedOver(fault) ? "" : detail});
      }
    }
    if (cells_.has_missing_values()) {
      AddIds<true>(cells.data(), good, &writer);
    } else {
      AddIds<false>(cells.data(), good, &writer);
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
                       "): there is but one column; is data.delimited.delimiter right?", JsonHint(columns));
    }
    return FindNamed(column, why, columns, origin);
  };
  TANDEM_ASSIGN_OR_RETURN(TextCells cells, TextCells::Create(schema, needs, find));
  auto decoder = std::make_unique<DelimitedDecoder>(std::move(cells), options, columns);
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
