// Many rows of a log, row by row: what is permuted. A Batch's columns are good to compute on, but a row of
// them is as many cache misses as there are columns.
//
//   PackedRows rows(fields);
//   rows.Append(batch); ...
//   rows.Gather(order, 512, &batch);   // the batch of rows order[0], order[1], ...
#ifndef TANDEM_SRC_DATA_PACKED_ROWS_H_
#define TANDEM_SRC_DATA_PACKED_ROWS_H_

#include <cstdint>
#include <vector>

#include "tandem/batch.h"

namespace tandem {

// Keeps its memory when cleared. Not thread-safe; Gather may be called by several threads at a time.
class PackedRows {
 public:
  explicit PackedRows(int fields) : fields_(fields) {}

  int rows() const { return static_cast<int>(heads_.size()); }
  void Clear();
  // Appends all rows of `batch`, which has as many fields.
  void Append(const Batch& batch);
  // Replaces `batch` by the `count` rows named. Allocates nothing when it has held as much before.
  void Gather(const int* rows, int count, Batch* batch) const;

 private:
  struct Head {
    uint64_t group;
    uint64_t begin;  // of the row's keys and coefficients
    float label;
    float weight;
  };

  int fields_;
  std::vector<Head> heads_;
  std::vector<uint32_t> ends_;  // [row][field]: where the field's keys end, from the row's begin on
  std::vector<uint64_t> keys_;  // row by row, fields in order
  std::vector<float> coefficients_;
  std::vector<float> teacher_logits_;  // none where the batches have none
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_PACKED_ROWS_H_
