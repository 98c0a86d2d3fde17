#include "src/data/delimited/delimited_format.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "src/config/quote.h"
#include "src/data/delimited/delimited_decoder.h"
#include "src/data/delimited/header_line.h"
#include "src/data/delimited/quoted_cells.h"
#include "src/data/delimited/quoted_framing.h"
#include "src/data/delimited/quoted_rows.h"
#include "src/data/line_file.h"
#include "src/data/text_lists.h"
#include "tandem/experiment.pb.h"

namespace tandem {
namespace {

DelimitedOptions OptionsOf(const proto::Data& data) {
  const proto::Delimited& delimited = data.delimited();
  DelimitedOptions options;
  const std::string quote = QuoteOf(data);
  if (!quote.empty()) options.quote = quote[0];
  options.delimiter = delimited.delimiter()[0];
  options.header = delimited.header();
  options.columns.assign(delimited.column().begin(), delimited.column().end());
  options.multi_value_separator = delimited.multi_value_separator()[0];
  options.weight_separator = delimited.weight_separator()[0];
  options.max_line_bytes = delimited.max_line_bytes();
  return options;
}

class DelimitedCellReader : public CellReader {
 public:
  DelimitedCellReader(const DelimitedOptions& options, const ListColumns& lists,
                      std::vector<std::string> columns)
      : options_(options), header_(columns, options.delimiter, options.quote) {
    columns_ = std::move(columns);
    for (const std::string& column : columns_) kinds_.push_back(KindOf(column, lists));
  }

  RowFault Read(absl::string_view row) override {
    cells_.clear();
    if (row.empty()) return RowFault::kBlankLine;
    const RowFault fault = Split(row);
    if (fault != RowFault::kNone || header_.MayBegin(texts_[0])) {
      const RowFault header = header_.Check(row, nullptr);
      if (header != RowFault::kNone) return header;
    }
    if (fault != RowFault::kNone) return fault;
    const TextLists lists{options_.multi_value_separator, options_.weight_separator};
    for (size_t c = 0; c < texts_.size(); ++c)
      cells_.push_back(CellOf(static_cast<int>(c), texts_[c], kinds_[c], lists));
    return RowFault::kNone;
  }

 private:
  RowFault Split(absl::string_view row) {
    texts_.clear();
    QuoteFault fault = QuoteFault::kNone;
    if (options_.quote.has_value() && absl::StrContains(row, *options_.quote)) {
      // Cells are views, and some of them aren't in the row as they are.
      unquoted_.clear();
      std::string scratch;
      fault = ForEachQuotedCell(row, {options_.delimiter, *options_.quote}, &scratch,
                                [&](absl::string_view cell) {
                                  unquoted_.emplace_back(cell);
                                  return true;
                                });
      texts_.assign(unquoted_.begin(), unquoted_.end());
    } else {
      texts_ = absl::StrSplit(row, options_.delimiter);
    }
    if (fault != QuoteFault::kNone) return RowFault::kSyntax;
    return texts_.size() == columns_.size() ? RowFault::kNone : RowFault::kColumnCount;
  }

  const DelimitedOptions options_;
  const HeaderLine header_;
  std::vector<CellKind> kinds_;  // by column
  std::vector<absl::string_view> texts_;
  std::vector<std::string> unquoted_;
};

class DelimitedLook : public FormatLook {
 public:
  explicit DelimitedLook(char delimiter) : delimiter_(delimiter) {}
  std::string name() const override { return "delimited text"; }
  std::string extension() const override {
    return delimiter_ == '\t' ? ".tsv" : delimiter_ == ',' || delimiter_ == ';' ? ".csv" : ".txt";
  }

 private:
  const char delimiter_;
};

class DelimitedFormat : public SampleFormat {
 public:
  explicit DelimitedFormat(DelimitedOptions options)
      : options_(std::move(options)), look_(options_.delimiter) {
    if (options_.quote.has_value())
      quoted_framing_ = QuotedFraming({options_.delimiter, *options_.quote}, options_.max_line_bytes);
  }

  absl::StatusOr<std::unique_ptr<SampleFile>> Open(FileSystem& fs, const std::string& path) const override {
    std::unique_ptr<LineJoiner> joiner;
    if (options_.quote.has_value()) {
      joiner =
          std::make_unique<QuotedRows>(Quoting{options_.delimiter, *options_.quote}, options_.max_line_bytes);
    }
    return OpenLineFile(fs, path, {options_.max_line_bytes, options_.header}, std::move(joiner));
  }
  absl::StatusOr<std::unique_ptr<const RowDecoder>> MakeDecoder(const Schema& schema, const RowNeeds& needs,
                                                                absl::string_view head,
                                                                absl::string_view origin) const override {
    return MakeDelimitedDecoder(schema, needs, options_, Columns(head), origin);
  }
  absl::StatusOr<std::unique_ptr<const CellDecoder>> MakeCellDecoder(
      const Schema& schema, RowUse use, absl::Span<const std::string> columns,
      absl::string_view origin) const override {
    return MakeDelimitedCellDecoder(schema, use, options_, columns, origin);
  }
  std::unique_ptr<CellReader> MakeCellReader(const ListColumns& lists,
                                             absl::string_view head) const override {
    return std::make_unique<DelimitedCellReader>(options_, lists, Columns(head));
  }
  const RowFraming& framing() const override {
    return quoted_framing_ != nullptr ? *quoted_framing_ : LineFraming();
  }
  bool has_head() const override { return options_.header; }
  bool IsHead(absl::string_view row) const override { return options_.header && !row.empty(); }
  int64_t max_row_bytes() const override { return options_.max_line_bytes; }
  const FormatLook& look() const override { return look_; }

 private:
  std::vector<std::string> Columns(absl::string_view head) const {
    return options_.header ? DelimitedCells(head, options_.delimiter, options_.quote) : options_.columns;
  }

  const DelimitedOptions options_;
  const DelimitedLook look_;
  std::unique_ptr<const RowFraming> quoted_framing_;  // null without a quote
};

}  // namespace

std::unique_ptr<const SampleFormat> MakeDelimitedFormat(const proto::Data& data) {
  return std::make_unique<DelimitedFormat>(OptionsOf(data));
}

}  // namespace tandem
