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

namespace {

constexpr char kRate[] = "lr";

// Of an optimizer's kind, which has a rate.
const google::protobuf::FieldDescriptor& RateOf(const google::protobuf::Message& kind) {
  const auto* rate = kind.GetDescriptor()->FindFieldByName(kRate);
  CHECK(rate != nullptr) << kind.GetDescriptor()->name() << " has no `" << kRate << "`";
  return *rate;
}

// The arm that is chosen; null: none.
const google::protobuf::FieldDescriptor* KindOf(const proto::Optimizer& optimizer) {
  return optimizer.GetReflection()->GetOneofFieldDescriptor(
      optimizer, optimizer.GetDescriptor()->FindOneofByName("kind"));
}

// And of the optimizers within it, Muon's adam.
void ScaleRateOf(double factor, google::protobuf::Message* kind) {
  const google::protobuf::Reflection& reflection = *kind->GetReflection();
  const google::protobuf::FieldDescriptor& rate = RateOf(*kind);
  reflection.SetDouble(kind, &rate, reflection.GetDouble(*kind, &rate) * factor);
  const google::protobuf::Descriptor& descriptor = *kind->GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto* field = descriptor.field(i);
    if (field->message_type() != nullptr && field->message_type()->FindFieldByName(kRate) != nullptr)
      ScaleRateOf(factor, reflection.MutableMessage(kind, field));
  }
}

}  // namespace

RateSetting RateSettingOf(const proto::Optimizer& optimizer) {
  const auto* kind = KindOf(optimizer);
  if (kind == nullptr) return {};
  const google::protobuf::Message& chosen = optimizer.GetReflection()->GetMessage(optimizer, kind);
  return {absl::StrCat(kind->name(), ".", kRate), chosen.GetReflection()->GetDouble(chosen, &RateOf(chosen))};
}

void ScaleRate(double factor, proto::Optimizer* optimizer) {
  const auto* kind = KindOf(*optimizer);
  if (kind != nullptr) ScaleRateOf(factor, optimizer->GetReflection()->MutableMessage(optimizer, kind));
}

void ScaleRates(double factor, proto::Experiment* experiment) {
  ScaleRate(factor, experiment->mutable_embedding()->mutable_optimizer());
  ScaleRate(factor, experiment->mutable_train()->mutable_optimizer());
  proto::Model& model = *experiment->mutable_model();
  if (model.teacher().has_optimizer()) ScaleRate(factor, model.mutable_teacher()->mutable_optimizer());
  if (model.student().has_optimizer()) ScaleRate(factor, model.mutable_student()->mutable_optimizer());
}

}  // namespace tandem
