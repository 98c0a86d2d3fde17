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
#include "src/data/text_decoder.h"
#include "src/data/text_lists.h"
#include "tandem/format_look.h"
#include "tandem/status.h"

namespace tandem {
namespace {

// Of DecodeRows: lines, and the places of their cells, which stay in the cache nearest to the core.
constexpr size_t kLinesAtATime = 32;
constexpr size_t kPlacesAtATime = 2048;

// Cells as TextCells wants them, of what gives their texts.
template <typename Texts>
struct CellsOf : Texts {
  const TextLists* lists;

  static constexpr bool IsList(int /*column*/) { return false; }
  template <typename F>
  RowFault ForEachItem(int column, bool weighted, const F& item) const {
    return lists->ForEachItem(this->Text(column), weighted, item);
  }
  template <typename F>
  void ForEachFromLast(int column, const F& id) const {
    lists->ForEachFromLast(this->Text(column), id);
  }
  std::string WeightSyntax() const { return lists->WeightSyntax(); }
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

class DelimitedDecoder : public TextDecoder {
 public:
  DelimitedDecoder(TextCells cells, const DelimitedOptions& options, absl::Span<const std::string> columns)
      : TextDecoder(std::move(cells), static_cast<int>(columns.size()), "data.delimited.max_line_bytes",
                    options.max_line_bytes),
        lists_{options.multi_value_separator, options.weight_separator},
        delimiter_(options.delimiter),
        quote_(options.quote),
        columns_name_(options.header ? "header" : "config"),
        header_(columns, options.delimiter, options.quote) {}

  absl::Status ReadServingValues() {
    absl::string_view text;
    return mutable_text_cells()->ReadServingValues(SpanCells{{{&text, 1}}, &lists_},
                                                   [&](absl::string_view value, std::string* /*detail*/) {
                                                     text = value;
                                                     return RowFault::kNone;
                                                   });
  }

  void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                  std::vector<BadRow>* bad) const override;

 private:
  RowFault DecodeRow(absl::string_view line, Batch* batch, std::string* detail) const override {
    const RowFault fault = HasQuote(line) ? DecodeSplit<UnquotedCells>(line, batch, detail)
                                          : DecodeSplit<LineCells>(line, batch, detail);
    return fault == RowFault::kNone ? fault : NoRow(line, fault, detail);
  }
  RowFault DecodeCells(absl::Span<const absl::string_view> cells, Batch* batch,
                       std::string* detail) const override {
    RowWriter writer(batch);
    return text_cells().EncodeRow(SpanCells{{cells}, &lists_}, &writer, detail);
  }
  void ForEachText(absl::string_view row, absl::Span<const int> columns,
                   absl::FunctionRef<void(absl::string_view)> each) const override {
    const bool quoted = HasQuote(row);
    std::string scratch;
    for (const int column : columns) each(quoted ? UnquotedCell(row, column, &scratch) : Cell(row, column));
  }
  // In quotes where it must be: without quotes a cell may hold what separates keys, where that isn't the
  // delimiter.
  void AppendKey(absl::string_view key, char separator, std::string* out) const override {
    const char special[] = {separator, quote_.value_or(separator), '\n', '\r'};
    if (!quote_.has_value() ||
        key.find_first_of(absl::string_view(special, sizeof(special))) == absl::string_view::npos) {
      out->append(key.data(), key.size());
      return;
    }
    out->push_back(*quote_);
    for (const char byte : key) {
      if (byte == *quote_) out->push_back(byte);
      out->push_back(byte);
    }
    out->push_back(*quote_);
  }

  // Of a row's cells: where they begin, and where they end.
  template <typename Cells>
  size_t PlacesARow() const {
    return (std::is_same_v<Cells, UnquotedCells> ? 2 : 1) * (columns() + 1 + kSplitSlack);
  }
  bool HasQuote(absl::string_view row) const {
    return quote_.has_value() && std::memchr(row.data(), *quote_, row.size()) != nullptr;
  }

  // The cells of a row that holds no quote. The count comes before what a shifted cell may look like.
  RowFault SplitRow(absl::string_view line, size_t* places, std::string* /*unquoted*/,
                    std::vector<size_t>* /*doubled*/, LineCells* cells, std::string* detail) const {
    *cells = {{line, places}, &lists_};
    if (line.empty()) return RowFault::kBlankLine;
    const size_t found = SplitCells(line, delimiter_, columns(), places);
    if (found != static_cast<size_t>(columns())) return NoColumns(found, detail);
    return header_.MayBegin(cells->Text(0)) ? header_.Check(line, detail) : RowFault::kNone;
  }
  // Of any row. What was doubled is undone in `unquoted`; `doubled` is the function's own.
  RowFault SplitRow(absl::string_view row, size_t* places, std::string* unquoted,
                    std::vector<size_t>* doubled, UnquotedCells* cells, std::string* detail) const {
    size_t* const ends = places + columns() + 1 + kSplitSlack;
    *cells = {{row, places, ends}, &lists_};
    if (row.empty()) return RowFault::kBlankLine;
    if (!SplitQuotedCells(row, {delimiter_, *quote_}, columns(), places, ends, doubled)) {
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
      *detail = absl::StrCat(found, " columns where the ", columns_name_, " has ", columns());
    return RowFault::kColumnCount;
  }
  // What a row with a fault is: a header line has many.
  RowFault NoRow(absl::string_view row, RowFault fault, std::string* detail) const {
    if (IsPassedOver(fault) || fault == RowFault::kHeader) return fault;
    const RowFault header = header_.Check(row, detail);
    return header == RowFault::kNone ? fault : header;
  }

  template <typename Cells>
  RowFault DecodeSplit(absl::string_view line, Batch* batch, std::string* detail) const {
    absl::FixedArray<size_t, 256> places(PlacesARow<Cells>());
    std::string unquoted;
    std::vector<size_t> doubled;
    Cells cells;
    RowWriter writer(batch);
    const RowFault fault = SplitRow(line, places.data(), &unquoted, &doubled, &cells, detail);
    return fault == RowFault::kNone ? text_cells().EncodeRow(cells, &writer, detail) : fault;
  }
  // Of the last `rows` rows, whose cells these are, column by column. A function of its own has the registers
  // for itself.
  template <bool kMissingValues, typename Cells>
  ABSL_ATTRIBUTE_NOINLINE void AddIds(const Cells* cells, int rows, BlockWriter* writer) const {
    for (const IdCell& id : text_cells().ids()) {
      // A copy stays in registers.
      writer->AddIds(id.field, rows, [id, &text_cells = text_cells(), cells](int i) {
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

  const TextLists lists_;
  const char delimiter_;
  const std::optional<char> quote_;
  const char* const columns_name_;
  const HeaderLine header_;
};

RowFault DelimitedDecoder::Unquote(absl::string_view row, size_t* begins, size_t* ends, std::string* unquoted,
                                   std::string* detail) const {
  unquoted->clear();
  std::string scratch;
  size_t found = 0;
  const QuoteFault fault =
      ForEachQuotedCell(row, {delimiter_, *quote_}, &scratch, [&](absl::string_view cell) {
        if (found < static_cast<size_t>(columns())) {
          begins[found] = unquoted->size();
          unquoted->append(cell.data(), cell.size());
          ends[found] = unquoted->size();
        }
        ++found;
        return true;
      });
  if (fault == QuoteFault::kNone)
    return found == static_cast<size_t>(columns()) ? RowFault::kNone : NoColumns(found, detail);
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
  text_cells().encoder().CheckBatch(*batch);
  if (quote_.has_value() && rows.marked) {
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
  BlockWriter writer(batch, end - begin, text_cells().encoder().bag_fields(), text_cells().ids());
  std::string detail;
  for (int row = begin; row < end;) {
    // Row by row what may be at fault; then the ids, column by column.
    int good = 0;
    for (; row < end && good < lines_at_a_time; ++row) {
      if (rows.too_long[row]) {
        AddTooLong(row, bad);
        continue;
      }
      RowFault fault = SplitRow(rows.rows[row], places.data() + good * stride,
                                &unquoted[kUnquotes ? good : 0], &doubled, &cells[good], &detail);
      if (fault == RowFault::kNone) fault = text_cells().EncodeAllButIds(cells[good], &writer, &detail);
      if (fault == RowFault::kNone) {
        writer.CloseRow();
        ++good;
      } else {
        fault = NoRow(rows.rows[row], fault, &detail);
        AddBad(row, fault, detail, bad);
      }
    }
    if (text_cells().has_missing_values()) {
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
                       "): there is but one column; is data.delimited.delimiter right?",
                       FormatHint(columns[0]));
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
