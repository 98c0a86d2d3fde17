// Delimited text, lines and cells, through its decoders.
//
//   const DelimitedRows rows = DelimitedRows::Create(schema, {"label", "user"}, RowUse::kTrain,
//   "test").value(); EXPECT_EQ(rows.Parse("1\tu17", &batch, &detail), RowFault::kNone);
#ifndef TANDEM_TESTS_SUPPORT_DELIMITED_ROWS_H_
#define TANDEM_TESTS_SUPPORT_DELIMITED_ROWS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "src/data/delimited/delimited_decoder.h"
#include "tandem/status.h"

namespace tandem {

class DelimitedRows {
 public:
  static absl::StatusOr<DelimitedRows> Create(const Schema& schema, absl::Span<const std::string> columns,
                                              RowUse use, absl::string_view origin,
                                              DelimitedOptions options = {}) {
    options.max_line_bytes = 64 << 20;
    DelimitedRows rows;
    TANDEM_ASSIGN_OR_RETURN(
        rows.lines_, MakeDelimitedDecoder(schema, {use, use == RowUse::kPredict}, options, columns, origin));
    TANDEM_ASSIGN_OR_RETURN(rows.cells_, MakeDelimitedCellDecoder(schema, use, options, columns, origin));
    return rows;
  }
  RowFault Parse(absl::string_view line, Batch* batch, std::string* detail) const {
    return lines_->Decode(line, batch, detail);
  }
  RowFault ParseCells(absl::Span<const absl::string_view> cells, Batch* batch, std::string* detail) const {
    return cells_->Decode(cells, batch, detail);
  }
  void ParseLines(const RawRows& lines, int begin, int end, Batch* batch, std::vector<BadRow>* bad) const {
    lines_->DecodeRows(lines, begin, end, batch, bad);
  }
  void AppendKeys(absl::string_view line, char separator, std::string* out) const {
    lines_->AppendKeys(line, separator, out);
  }

 private:
  std::shared_ptr<const RowDecoder> lines_;
  std::shared_ptr<const CellDecoder> cells_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_DELIMITED_ROWS_H_
