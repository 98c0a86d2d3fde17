// What a bundle's low precision costs, for people.
#ifndef TANDEM_TOOLS_PRECISION_TABLE_H_
#define TANDEM_TOOLS_PRECISION_TABLE_H_

#include <string>

#include "tandem/bundle.h"

namespace tandem {

//   12345 rows          auc   logloss      copc
//   f32            0.750213  0.512345  1.003121
//   int8           0.750198  0.512351  1.003020
//   change        -0.000015 +0.000006 -0.000101
std::string PrecisionTable(Precision precision, const PrecisionReport& report);

}  // namespace tandem

#endif  // TANDEM_TOOLS_PRECISION_TABLE_H_
