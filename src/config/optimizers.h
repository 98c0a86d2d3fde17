// Which optimizer moves what, and at which rate.
//
//   const proto::Optimizer& optimizer = OptimizerOf(experiment, experiment.model().student());
//   ScaleRates(0.25, &experiment);
#ifndef TANDEM_SRC_CONFIG_OPTIMIZERS_H_
#define TANDEM_SRC_CONFIG_OPTIMIZERS_H_

#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {

// Of the tower's dense parameters: its own, or train.optimizer where it has none.
const proto::Optimizer& OptimizerOf(const proto::Experiment& experiment, const proto::Tower& tower);

// Of the teachers': a committee's members all move by one.
const proto::Optimizer& TeacherOptimizerOf(const proto::Experiment& experiment);

// Of what isn't a hidden layer's matrix: Muon's adam; any other optimizer moves it itself.
proto::Optimizer WithoutMuon(const proto::Optimizer& optimizer);

// Whether the one can go on from the state that the other left: it is of the same kind, where Muon, which
// keeps Adam's moments, counts as Adam.
bool SharesState(const proto::Optimizer& a, const proto::Optimizer& b);

// The rate of the kind that is chosen, and its key in the optimizer: {"adam.lr", 0.001}. Without a kind, no key.
struct RateSetting {
  std::string key;
  double value = 0;
};
RateSetting RateSettingOf(const proto::Optimizer& optimizer);

// Multiplies the rates of the optimizer; nothing where none is chosen.
void ScaleRate(double factor, proto::Optimizer* optimizer);
// Those of the table and of the towers.
void ScaleRates(double factor, proto::Experiment* experiment);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_OPTIMIZERS_H_
