// The reliability curve: whether so many in a hundred click where the model says so.
//
//   for (const CalibrationBin& bin : CalibrationBins(log, BinKind::kEqualCount, 10)) { ... }
#ifndef TANDEM_CALIBRATION_H_
#define TANDEM_CALIBRATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tandem/score_log.h"

namespace tandem {

// A bin of the reliability curve: rows of similar predictions, and what became of them.
struct CalibrationBin {
  int64_t rows = 0;
  double weight = 0;                           // sum of the rows' weights, more than 0
  double lowest = 0, highest = 0;              // predictions
  double mean_prediction = 0, click_rate = 0;  // means over weights
};

enum class BinKind {
  kEqualCount,  // about the same number of rows each; rows of one score are never parted
  kEqualWidth,  // [0, 1/n), [1/n, 2/n), ... [(n-1)/n, 1]
};

// At most `bins` bins (>= 1) by ascending prediction; bins without weight are left out. Empty where a
// probability isn't one.
std::vector<CalibrationBin> CalibrationBins(const ScoreLog& log, BinKind kind, int bins);

// [{"rows":577,"weight":577,"lowest":0.01,"highest":0.03,"mean_prediction":0.02,"click_rate":0.025},...]
std::string CalibrationToJson(const std::vector<CalibrationBin>& bins);

}  // namespace tandem

#endif  // TANDEM_CALIBRATION_H_
