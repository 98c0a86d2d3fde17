// Rows of one embedding table for a batch: keys go to a store, rows come back.
//
//   TableRows table;
//   table.keys = {key};
//   TANDEM_RETURN_IF_ERROR(reader.Read({&table, 1}));
//   const float* row = table.rows[1];                // rows[0] is the out-of-vocabulary (OOV) row
//   if (!table.has_row(1)) ...                       // the same, for the key has none
#ifndef TANDEM_TABLE_ROWS_H_
#define TANDEM_TABLE_ROWS_H_

#include <cstdint>
#include <vector>

namespace tandem {

// Rows of one table: the keys that are asked for, and the store's answer. Memory is kept from batch to batch.
struct TableRows {
  TableRows() = default;
  TableRows(TableRows&&) = default;
  TableRows& operator=(TableRows&&) = default;

  // Another's keys, and its rows for as long as that one has them, or ReadAgain reads them anew.
  void Refer(const TableRows& other) {
    keys = other.keys;
    rows = other.rows;
    slow_left = other.slow_left;
  }
  // Whether the row at a place is a key's own.
  bool has_row(uint32_t place) const { return rows[place] != rows[0]; }

  // Asked: distinct keys. Of training also how often each occurs in the batch; its occurrences up to the last
  // one that isn't hidden (embedding.id_dropout), empty where all count; whether some is.
  std::vector<uint64_t> keys;
  std::vector<uint32_t> occurrences;
  std::vector<uint32_t> shown;
  bool hides = false;

  // Answered, a place each: rows[0] is the OOV row, rows[i + 1] that of keys[i], the OOV row where it
  // has none. Valid until the store learns, drops rows, or `memory` is changed; those of a LocalRowStore stay
  // where they are, and what it learns is seen through them.
  std::vector<const float*> rows;
  // What is left of the difference between slow copy and row: a place's slow vector is E + left (slow - E).
  // Empty: all of it, the copies are up to date.
  std::vector<float> slow_left;
  // Of training: the first so many occurrences of keys[i] are the OOV row's, for it wasn't admitted yet;
  // empty: none of any key. And the occurrences of keys that were refused a row (AdmitStep::max_rows).
  std::vector<uint32_t> waiting;
  int64_t refused = 0;
  // For the store to put rows in that aren't in memory anyway.
  std::vector<float> memory;
};

}  // namespace tandem

#endif  // TANDEM_TABLE_ROWS_H_
