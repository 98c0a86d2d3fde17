// Appends one row to a batch: where a RowEncoder writes to, row by row.
//
//   RowWriter writer(&batch);
//   RowFault fault = encoder.Number(kAge, 37, &writer);
//   if (fault == RowFault::kNone) writer.CloseRow(); else writer.DropRow();
#ifndef TANDEM_SRC_DATA_ROW_WRITER_H_
#define TANDEM_SRC_DATA_ROW_WRITER_H_

#include <cstdint>

#include "tandem/batch.h"

namespace tandem {

// The row is complete with CloseRow, and as if it had never been begun with DropRow; a new writer a row.
class RowWriter {
 public:
  explicit RowWriter(Batch* batch) : batch_(*batch), row_(batch->rows()) {}

  Batch& batch() { return batch_; }
  FieldBags* bags(int field) { return &batch_.fields[field]; }
  void Add(int field, uint64_t key, float coefficient) {
    bags(field)->keys.push_back(key);
    bags(field)->coefficients.push_back(coefficient);
  }
  void CloseRow() {
    for (FieldBags& bags : batch_.fields) bags.offsets.push_back(static_cast<uint32_t>(bags.keys.size()));
  }
  void DropRow() { batch_.Truncate(row_); }

 private:
  Batch& batch_;
  const int row_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_ROW_WRITER_H_
