// Learning rates of a configuration.
#ifndef TANDEM_SRC_CONFIG_RATES_H_
#define TANDEM_SRC_CONFIG_RATES_H_

#include "config/experiment.pb.h"

namespace tandem {

// Multiplies the rate of the optimizer; nothing where none is chosen.
void ScaleRate(double factor, proto::Optimizer* optimizer);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_RATES_H_
