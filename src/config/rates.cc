#include "src/config/rates.h"

namespace tandem {

void ScaleRate(double factor, proto::Optimizer* optimizer) {
  switch (optimizer->kind_case()) {
    case proto::Optimizer::kSgd:
      return optimizer->mutable_sgd()->set_lr(optimizer->sgd().lr() * factor);
    case proto::Optimizer::kAdagrad:
      return optimizer->mutable_adagrad()->set_lr(optimizer->adagrad().lr() * factor);
    case proto::Optimizer::kAdam:
      return optimizer->mutable_adam()->set_lr(optimizer->adam().lr() * factor);
    case proto::Optimizer::kFtrl:
      return optimizer->mutable_ftrl()->set_lr(optimizer->ftrl().lr() * factor);
    case proto::Optimizer::KIND_NOT_SET:
      return;
  }
}

}  // namespace tandem
