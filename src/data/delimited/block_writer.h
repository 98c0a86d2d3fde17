// Appends many rows to a batch: RowWriter's faster brother, for lines that are decoded by blocks.
//
//   BlockWriter writer(&batch, /*rows=*/1024, encoder.bag_fields(), cells.ids());
//   for (row ...) { cells.EncodeAllButIds(row, &writer, &detail); writer.CloseRow(); }
//   for (const IdCell& id : cells.ids()) writer.AddIds(id.field, 1024, [&](int row) { return ...; });
#ifndef TANDEM_SRC_DATA_DELIMITED_BLOCK_WRITER_H_
#define TANDEM_SRC_DATA_DELIMITED_BLOCK_WRITER_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/fixed_array.h"
#include "absl/types/span.h"
#include "src/data/text_cells.h"
#include "tandem/batch.h"

namespace tandem {

// Up to `rows` rows, with room made beforehand for the fields of at most one key a row: those that aren't in
// `bag_fields`. Each of these is added to once a row; those of `ids` later, several rows at a time.
class BlockWriter {
 public:
  BlockWriter(Batch* batch, int rows, absl::Span<const int> bag_fields, absl::Span<const IdCell> ids)
      : batch_(*batch), row_(batch->rows()), bag_fields_(bag_fields), columns_(batch->fields.size()) {
    for (size_t f = 0; f < columns_.size(); ++f) {
      FieldBags& bags = batch_.fields[f];
      Column& column = columns_[f];
      column.bag = std::find(bag_fields.begin(), bag_fields.end(), static_cast<int>(f)) != bag_fields.end();
      if (column.bag) continue;
      column.size = static_cast<uint32_t>(bags.keys.size());
      bags.keys.resize(column.size + rows);
      bags.coefficients.resize(column.size + rows);
      bags.offsets.resize(row_ + 1 + rows);
      column.keys = bags.keys.data();
      column.coefficients = bags.coefficients.data();
      column.offsets = bags.offsets.data();
    }
    for (const IdCell& id : ids) columns_[id.field].id = true;
  }
  // Gives back the room that wasn't needed.
  ~BlockWriter() {
    for (size_t f = 0; f < columns_.size(); ++f) {
      if (columns_[f].bag) continue;
      FieldBags& bags = batch_.fields[f];
      bags.keys.resize(columns_[f].size);
      bags.coefficients.resize(columns_[f].size);
      bags.offsets.resize(row_ + 1);
    }
  }
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  Batch& batch() { return batch_; }
  FieldBags* bags(int field) { return &batch_.fields[field]; }
  void Add(int field, uint64_t key, float coefficient) {
    Column& column = columns_[field];
    column.keys[column.size] = key;
    column.coefficients[column.size] = coefficient;
    column.offsets[row_ + 1] = ++column.size;
  }
  // The ids of the last `rows` rows, a column: id_of(i) is that of the i-th, with whether there is one.
  template <typename IdOf>
  void AddIds(int field, int rows, const IdOf& id_of) {
    Column& column = columns_[field];
    uint64_t* const keys = column.keys;
    float* const coefficients = column.coefficients;
    uint32_t* const offsets = column.offsets + row_ + 1 - rows;
    uint32_t size = column.size;
    for (int i = 0; i < rows; ++i) {
      const std::pair<uint64_t, bool> id = id_of(i);
      keys[size] = id.first;
      coefficients[size] = 1;
      size += id.second ? 1 : 0;
      offsets[i] = size;
    }
    column.size = size;
  }
  void CloseRow() {
    for (const int field : bag_fields_)
      bags(field)->offsets.push_back(static_cast<uint32_t>(bags(field)->keys.size()));
    ++row_;
  }
  void DropRow() {
    for (Column& column : columns_) {
      if (!column.bag && !column.id) column.size = column.offsets[row_];
    }
    for (const int field : bag_fields_) {
      FieldBags& bags = batch_.fields[field];
      bags.keys.resize(bags.offsets.back());
      bags.coefficients.resize(bags.offsets.back());
    }
    batch_.labels.resize(row_);
    batch_.weights.resize(row_);
    batch_.groups.resize(row_);
    if (static_cast<int>(batch_.teacher_logits.size()) > row_) batch_.teacher_logits.resize(row_);
  }

 private:
  struct Column {
    uint64_t* keys;
    float* coefficients;
    uint32_t* offsets;
    uint32_t size;
    bool bag;
    bool id = false;
  };

  Batch& batch_;
  int row_;  // the one at hand
  const absl::Span<const int> bag_fields_;
  absl::FixedArray<Column, 64> columns_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_DELIMITED_BLOCK_WRITER_H_
