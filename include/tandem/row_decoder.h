// From raw rows to samples: a row of a Batch, or the reason why not.
//
//   TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<const RowDecoder> decoder,
//                           format.MakeDecoder(schema, {RowUse::kTrain}, *file->head(), path));
//   Batch batch(static_cast<int>(schema.fields().size()));
//   decoder->DecodeRows(rows, 0, static_cast<int>(rows.rows.size()), &batch, &bad_rows);
//
// A malformed row never becomes a row of a batch, nor does one that is passed over (IsPassedOver). A decoder
// is const: any number of threads decode with it, each into a batch of its own. It keeps what it needs of the
// schema.
#ifndef TANDEM_ROW_DECODER_H_
#define TANDEM_ROW_DECODER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/batch.h"
#include "tandem/raw_rows.h"
#include "tandem/row_fault.h"

namespace tandem {

// What rows are read for.
enum class RowUse {
  kTrain,     // label, weight, group and a teacher's scores needed
  kEvaluate,  // label, weight and group needed, with serving values
  kPredict,   // features only, with serving values
};

// What a decoder must find in a row.
struct RowNeeds {
  RowUse use = RowUse::kTrain;
  bool keys = false;             // Schema::key_columns, for AppendKeys
  std::string time_column = {};  // for Time; empty: none
};

// A raw row that isn't a sample.
struct BadRow {
  int row;  // of its RawRows
  RowFault fault;
  std::string detail;  // for the log: "9 columns where the header has 10", "label 'x' is not 0 or 1"
};

class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  // Appends one row to `batch`, or leaves it as it was and says why. `detail` may be null.
  virtual RowFault Decode(absl::string_view row, Batch* batch, std::string* detail) const = 0;
  // The same for the rows [begin, end), faster than one by one: samples are appended to `batch`, the others
  // (too long ones and RawRows::cut_off, too) to `bad`.
  virtual void DecodeRows(const RawRows& rows, int begin, int end, Batch* batch,
                          std::vector<BadRow>* bad) const = 0;
  // Appends the row's key cells, each followed by `separator`, to `out`; malformed rows too: a cell that
  // isn't there is empty. One that holds the separator is written so that it reads back.
  virtual void AppendKeys(absl::string_view row, char separator, std::string* out) const = 0;
  // The number in RowNeeds::time_column of a row that Decode has taken.
  virtual RowFault Time(absl::string_view row, double* time) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_DECODER_H_
