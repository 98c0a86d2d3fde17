// What decoders of text have in common: requests whose cells are apart, keys, times, and rows that are too
// long. A format says where the cells of a row are; TextCells says what they mean.
//
//   class MyDecoder : public TextDecoder { ... };       // src/data/delimited, whose columns are the file's
//
// Formats whose rows name their columns needn't write one: src/data/line_format.h has it. Thread-safe.
#ifndef TANDEM_SRC_DATA_TEXT_DECODER_H_
#define TANDEM_SRC_DATA_TEXT_DECODER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "src/data/text_cells.h"
#include "tandem/cell_decoder.h"
#include "tandem/row_decoder.h"

namespace tandem {

class TextDecoder : public RowDecoder, public CellDecoder {
 public:
  RowFault Decode(absl::string_view row, Batch* batch, std::string* detail) const final;
  RowFault Decode(absl::Span<const absl::string_view> cells, Batch* batch, std::string* detail) const final;
  void AppendKeys(absl::string_view row, char separator, std::string* out) const final;
  RowFault Time(absl::string_view row, double* time) const final;

 protected:
  // `columns`: how many a request's cells have. `limit`: the setting that says how long a row may be, for
  // messages ("data.json_lines.max_line_bytes").
  TextDecoder(TextCells cells, int columns, std::string limit, int64_t max_row_bytes);

  const TextCells& text_cells() const { return cells_; }
  TextCells* mutable_text_cells() { return &cells_; }  // until the first row
  int columns() const { return columns_; }
  // Both append to `bad`. Of a row that is passed over nothing is said.
  void AddTooLong(int row, std::vector<BadRow>* bad) const;
  static void AddBad(int row, RowFault fault, const std::string& detail, std::vector<BadRow>* bad);

 private:
  // As Decode, into a batch that was checked, and for as many cells as there are columns.
  virtual RowFault DecodeRow(absl::string_view row, Batch* batch, std::string* detail) const = 0;
  virtual RowFault DecodeCells(absl::Span<const absl::string_view> cells, Batch* batch,
                               std::string* detail) const = 0;
  // Calls each(text) for the row's cells in these columns, in this order, malformed rows' too: "" where there
  // is none.
  virtual void ForEachText(absl::string_view row, absl::Span<const int> columns,
                           absl::FunctionRef<void(absl::string_view)> each) const = 0;
  // A key as a cell that reads back. `separator` ends it, or the line does.
  virtual void AppendKey(absl::string_view key, char separator, std::string* out) const = 0;

  TextCells cells_;
  const int columns_;
  const std::string limit_;
  const int64_t max_row_bytes_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_TEXT_DECODER_H_
