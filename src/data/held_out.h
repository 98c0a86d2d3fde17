// Rows of a chunk apart by whether they are held out (tandem/row_choice.h).
//
//   const Schema keyed = WithSplitKeys(schema);               // what the decoder is made of
//   HeldOutRows split;
//   split.Decode(*decoder, !keyed.key_columns.empty(), choice, rows, 0, 1024, &held_out, &bad);
#ifndef TANDEM_SRC_DATA_HELD_OUT_H_
#define TANDEM_SRC_DATA_HELD_OUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/batch.h"
#include "tandem/raw_rows.h"
#include "tandem/row_choice.h"
#include "tandem/row_decoder.h"
#include "tandem/schema.h"

namespace tandem {

// The schema of a decoder whose AppendKeys gives the cells by which rows are held out; without key_columns it
// is by all of their bytes and their number in the file. (By their bytes alone all rows that are equal, label
// included, would be on one side: of a log of few columns all clicks of a kind of row, and none of the
// others.)
Schema WithSplitKeys(const Schema& schema);

// Keeps its memory from chunk to chunk. Not thread-safe: one for each piece. `by_keys`: the decoder was made
// for key columns.
class HeldOutRows {
 public:
  // The held-out rows among [begin, end), and no others, as DecodeRows does.
  void Decode(const RowDecoder& decoder, bool by_keys, const RowChoice& choice, const RawRows& rows,
              int begin, int end, Batch* batch, std::vector<BadRow>* bad);
  // Removes the held-out ones from `batch`, which holds what is good (not in `bad`, ascending) among
  // [begin, end), and returns their number.
  int64_t Remove(const RowDecoder& decoder, bool by_keys, const RowChoice& choice, const RawRows& rows,
                 int begin, int end, const std::vector<BadRow>& bad, Batch* batch);

 private:
  bool HeldOut(const RowDecoder& decoder, bool by_keys, const RowChoice& choice, const RawRows& rows,
               int row);

  std::string keys_;
  RawRows chosen_;
  std::vector<int> places_;  // of the chosen rows, in their chunk
  Batch kept_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_DATA_HELD_OUT_H_
