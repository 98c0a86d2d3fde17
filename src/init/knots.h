// Where a number's knots stand: at quantiles, and at the values that many rows share.
//
//   Knots({0, 0, 0, 0, 1, 5, 9}, 4);               // 0, 1, 5, 9
#ifndef TANDEM_SRC_INIT_KNOTS_H_
#define TANDEM_SRC_INIT_KNOTS_H_

#include <vector>

namespace tandem {

// All the values where there are at most `most` (2 or more) of them. Else a value with at least a knot's share of the rows has a
// knot of its own, and the others' quantiles share what is left, but get half of `most` where there is little. Strictly increasing.
std::vector<double> Knots(std::vector<double> values, int most);

}  // namespace tandem

#endif  // TANDEM_SRC_INIT_KNOTS_H_
