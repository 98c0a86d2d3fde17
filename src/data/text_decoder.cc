#include "src/data/text_decoder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "src/data/numbers.h"

namespace tandem {

TextDecoder::TextDecoder(TextCells cells, int columns, std::string limit, int64_t max_row_bytes)
    : cells_(std::move(cells)), columns_(columns), limit_(std::move(limit)), max_row_bytes_(max_row_bytes) {}

RowFault TextDecoder::Decode(absl::string_view row, Batch* batch, std::string* detail) const {
  cells_.encoder().CheckBatch(*batch);
  return DecodeRow(row, batch, detail);
}

RowFault TextDecoder::Decode(absl::Span<const absl::string_view> cells, Batch* batch,
                             std::string* detail) const {
  if (static_cast<int>(cells.size()) != columns_) {
    if (detail != nullptr)
      *detail = absl::StrCat(cells.size(), " cells where there are ", columns_, " columns");
    return RowFault::kColumnCount;
  }
  cells_.encoder().CheckBatch(*batch);
  return DecodeCells(cells, batch, detail);
}

void TextDecoder::AppendKeys(absl::string_view row, char separator, std::string* out) const {
  ForEachText(row, cells_.key_columns(), [&](absl::string_view key) {
    AppendKey(key, separator, out);
    out->push_back(separator);
  });
}

RowFault TextDecoder::Time(absl::string_view row, double* time) const {
  RowFault fault = RowFault::kNone;
  ForEachText(row, {cells_.time_column()}, [&](absl::string_view text) { fault = ParseNumber(text, time); });
  return fault;
}

void TextDecoder::AddTooLong(int row, std::vector<BadRow>* bad) const {
  AddBad(row, RowFault::kRowTooLong, absl::StrCat("a row of more than ", limit_, " ", max_row_bytes_), bad);
}

void TextDecoder::AddBad(int row, RowFault fault, const std::string& detail, std::vector<BadRow>* bad) {
  bad->push_back({row, fault, IsPassedOver(fault) ? "" : detail});
}

}  // namespace tandem
