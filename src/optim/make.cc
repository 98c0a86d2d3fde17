// The optimizer that a configuration names.
#include <glog/logging.h>

#include "src/optim/factories.h"
#include "tandem/optimizer.h"

namespace tandem {

std::unique_ptr<Optimizer> MakeOptimizer(const proto::Optimizer& config) {
  switch (config.kind_case()) {
    case proto::Optimizer::kSgd:
      return MakeSgd(config.sgd());
    case proto::Optimizer::kAdagrad:
      return MakeAdagrad(config.adagrad());
    case proto::Optimizer::kAdam:
      return MakeAdam(config.adam());
    case proto::Optimizer::kFtrl:
      return MakeFtrl(config.ftrl());
    case proto::Optimizer::kMuon:
      return MakeAdam(config.muon().adam());
    case proto::Optimizer::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "an optimizer without a kind passed validation";
}

}  // namespace tandem
