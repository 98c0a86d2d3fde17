// How the share of ids that a model doesn't know is told to people.
//
//   UnknownShareText({"user", /*ids=*/8, /*unknown=*/1});         // "12.5 %"
#ifndef TANDEM_SRC_SERVE_UNKNOWN_SHARE_H_
#define TANDEM_SRC_SERVE_UNKNOWN_SHARE_H_

#include <string>

#include "tandem/unknown_ids.h"

namespace tandem {

// "0 %" and "100 %" only of none and of all: "< 0.01 %", "> 99.99 %".
std::string UnknownShareText(const FeatureIds& feature);

}  // namespace tandem

#endif  // TANDEM_SRC_SERVE_UNKNOWN_SHARE_H_
