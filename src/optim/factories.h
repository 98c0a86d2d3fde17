// What MakeOptimizer chooses from: one function an optimizer, each in the file of its name.
#ifndef TANDEM_SRC_OPTIM_FACTORIES_H_
#define TANDEM_SRC_OPTIM_FACTORIES_H_

#include <memory>

#include "tandem/experiment.pb.h"
#include "tandem/optimizer.h"

namespace tandem {

std::unique_ptr<Optimizer> MakeSgd(const proto::Sgd& config);
std::unique_ptr<Optimizer> MakeAdagrad(const proto::Adagrad& config);
std::unique_ptr<Optimizer> MakeAdam(const proto::Adam& config);
std::unique_ptr<Optimizer> MakeFtrl(const proto::Ftrl& config);

}  // namespace tandem

#endif  // TANDEM_SRC_OPTIM_FACTORIES_H_
