// From cells to samples, as a RowDecoder does from raw rows (tandem/row_decoder.h): for a program that holds its
// samples in memory, or for a request, whose cells are already apart.
//
//   TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<const CellDecoder> decoder,
//                           format.MakeCellDecoder(schema, RowUse::kPredict, {"user", "age"}, "request"));
//   Batch batch(static_cast<int>(schema.fields().size()));
//   const std::vector<absl::string_view> cells = {"u17", "37"};
//   if (decoder->Decode(cells, &batch, &detail) != RowFault::kNone) ...
//
// A cell is text as the log's format has it. A decoder is const: any number of threads decode with it, each
// into a batch of its own.
#ifndef TANDEM_CELL_DECODER_H_
#define TANDEM_CELL_DECODER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/batch.h"
#include "tandem/row_fault.h"

namespace tandem {

class CellDecoder {
 public:
  virtual ~CellDecoder() = default;
  // Appends one row to `batch`, or leaves it as it was and says why. `cells` in the order of the columns that
  // the decoder was made for. `detail` may be null.
  virtual RowFault Decode(absl::Span<const absl::string_view> cells, Batch* batch,
                          std::string* detail) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_CELL_DECODER_H_
