// What one column alone says of the label, on rows other than those that it was learned from.
//
//   const OneColumnScore score = ScoreColumn(profile);
//   if (IsLeakLike(score)) ...            // it is the label, or was written once the label was known
#ifndef TANDEM_SRC_INIT_LEAK_H_
#define TANDEM_SRC_INIT_LEAK_H_

#include <cstdint>

#include "src/init/column_profile.h"

namespace tandem {

struct OneColumnScore {
  double auc = 0.5;
  double explained = 0;                  // share of the label's entropy
  int64_t positives = 0, negatives = 0;  // of the rows that were scored
};

// The better of two readings: every value by itself; numbers in bins of their order.
OneColumnScore ScoreColumn(const ColumnProfile& column);
OneColumnScore ScoreValues(const ColumnProfile& column);
OneColumnScore ScoreBins(const ColumnProfile& column, int bins);

// No honest column knows nearly all.
bool IsLeakLike(const OneColumnScore& score);

// What the values, each by itself, say of the label in one half of the rows is not confirmed by the other.
bool TellsNothing(const ColumnProfile& column);

// Two readings of a number, each value by itself and by its order: shares of the label's entropy that they
// explain on the other half of the rows.
struct OrderOrValues {
  double by_order = 0;
  double by_values = 0;        // what a value isn't known for its neighbours say
  bool values_better = false;  // beyond chance
};
OrderOrValues CompareOrderAndValues(const ColumnProfile& column, int bins);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_LEAK_H_
