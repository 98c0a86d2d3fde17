// Where a number's knots stand: at quantiles, and at the values that many rows share.
//
//   Knots({0, 0, 0, 0, 1, 5, 9}, 4);               // 0, 1, 5, 9
#ifndef TANDEM_SRC_INIT_KNOTS_H_
#define TANDEM_SRC_INIT_KNOTS_H_

#include <vector>

namespace tandem {

// At most `most` (2 or more), strictly increasing: all the values where they are that few. Else a value with a
// knot's share of the rows has its own, and the others' quantiles get what is left, half of `most` at least.
std::vector<double> Knots(std::vector<double> values, int most);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_KNOTS_H_
