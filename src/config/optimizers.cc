#include "src/config/optimizers.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"

namespace tandem {

const proto::Optimizer& OptimizerOf(const proto::Experiment& experiment, const proto::Tower& tower) {
  const bool own = tower.optimizer().kind_case() != proto::Optimizer::KIND_NOT_SET;
  return own ? tower.optimizer() : experiment.train().optimizer();
}

const proto::Optimizer& TeacherOptimizerOf(const proto::Experiment& experiment) {
  const proto::Model& model = experiment.model();
  return model.has_committee() ? experiment.train().optimizer() : OptimizerOf(experiment, model.teacher());
}

proto::Optimizer WithoutMuon(const proto::Optimizer& optimizer) {
  if (!optimizer.has_muon()) return optimizer;
  proto::Optimizer rest;
  *rest.mutable_adam() = optimizer.muon().adam();
  return rest;
}

bool SharesState(const proto::Optimizer& a, const proto::Optimizer& b) {
  return WithoutMuon(a).kind_case() == WithoutMuon(b).kind_case();
}

RateSetting RateSettingOf(const proto::Optimizer& optimizer) {
  const auto* kind = optimizer.GetReflection()->GetOneofFieldDescriptor(
      optimizer, optimizer.GetDescriptor()->FindOneofByName("kind"));
  if (kind == nullptr) return {};
  const auto* rate = kind->message_type()->FindFieldByName("lr");
  CHECK(rate != nullptr) << kind->name() << " has no `lr`";
  const google::protobuf::Message& chosen = optimizer.GetReflection()->GetMessage(optimizer, kind);
  return {absl::StrCat(kind->name(), ".lr"), chosen.GetReflection()->GetDouble(chosen, rate)};
}

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
    case proto::Optimizer::kMuon: {
      proto::Muon& muon = *optimizer->mutable_muon();
      muon.set_lr(muon.lr() * factor);
      return muon.mutable_adam()->set_lr(muon.adam().lr() * factor);
    }
    case proto::Optimizer::KIND_NOT_SET:
      return;
  }
}

void ScaleRates(double factor, proto::Experiment* experiment) {
  ScaleRate(factor, experiment->mutable_embedding()->mutable_optimizer());
  ScaleRate(factor, experiment->mutable_train()->mutable_optimizer());
  proto::Model& model = *experiment->mutable_model();
  if (model.teacher().has_optimizer()) ScaleRate(factor, model.mutable_teacher()->mutable_optimizer());
  if (model.student().has_optimizer()) ScaleRate(factor, model.mutable_student()->mutable_optimizer());
}

}  // namespace tandem
