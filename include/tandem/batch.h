// Parsed samples in columns: what the towers and the embedding layer read.
//
// Every field of a row is a bag of (key, coefficient): its vector is e = sum_i coefficient_i * E[key_i]. One
// rule serves all kinds of field: a sparse bag's coefficients are w_i / sum w; a bucketized number is a bag
// of one, a piecewise one of two, the knots around it; a dense number x is a bag of one with coefficient x
// (or, missing, the key of the missing vector with coefficient 1); an empty cell is an empty bag.
//
//   const FieldBags& bags = batch.fields[field];
//   for (uint32_t i = bags.offsets[row]; i < bags.offsets[row + 1]; ++i)
//     Add(bags.coefficients[i], Row(bags.keys[i]));                  // e of the row's field
#ifndef TANDEM_BATCH_H_
#define TANDEM_BATCH_H_

#include <cstdint>
#include <limits>
#include <vector>

namespace tandem {

// Stands for a number that a row doesn't have. Not a number: what forgets to ask spoils its sums for all to
// see.
constexpr float kAbsent = std::numeric_limits<float>::quiet_NaN();
inline bool IsAbsent(float number) { return number != number; }

// One field of all rows: the bag of row r is [offsets[r], offsets[r + 1]).
struct FieldBags {
  std::vector<uint32_t> offsets = {0};
  std::vector<uint64_t> keys;  // XXH3-64 of the id, seeded by the table's name
  std::vector<float> coefficients;

  void Clear() {
    offsets.assign(1, 0);
    keys.clear();
    coefficients.clear();
  }
};

// Rows in columns. Clear keeps the memory, so that a batch that is used again allocates nothing. Not
// thread-safe.
class Batch {
 public:
  explicit Batch(int fields = 0) : fields(fields) {}

  int rows() const { return static_cast<int>(labels.size()); }
  void Clear();
  // Appends row `row` of `from`, a batch of the same fields.
  void AppendRow(const Batch& from, int row);
  // Appends the rows [begin, end) of `from`.
  void AppendRows(const Batch& from, int begin, int end);
  // Appends all rows of `from`.
  void Append(const Batch& from);
  // Removes the rows from `rows` on; also what a half-parsed row left behind.
  void Truncate(int rows);
  // Removes the rows without a label, and appends them to `to`, where it isn't null. Returns their number.
  int TakeUnlabelled(Batch* to);
  // Of rows that all have a label, or all have none.
  bool labelled() const { return labels.empty() || !IsAbsent(labels[0]); }

  // 0 or 1; 0 where the reader wants no label; kAbsent where the cell is empty and data.unlabelled allows it.
  std::vector<float> labels;
  std::vector<float> weights;    // sample weights, 1 without a weight column
  std::vector<uint64_t> groups;  // hash of the group column's text, 0 without one
  // Of model.distill.stored_logits, kAbsent where the cell is empty; no rows where the column isn't read.
  std::vector<float> teacher_logits;
  std::vector<FieldBags> fields;
};

}  // namespace tandem

#endif  // TANDEM_BATCH_H_
