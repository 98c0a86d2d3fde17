#include <glog/logging.h>

#include <string>

#include "config/experiment.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "src/config/methods.h"
#include "tandem/experiment.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void SetToDefault(const FieldDescriptor* field, Message* message) {
  const Reflection& reflection = *message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(message, field, field->default_value_int32());
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(message, field, field->default_value_int64());
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(message, field, field->default_value_uint64());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(message, field, field->default_value_double());
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(message, field, field->default_value_bool());
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnum(message, field, field->default_value_enum());
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(message, field, field->default_value_string());
    default:
      LOG(FATAL) << field->full_name() << " is of a type without a default";
  }
}

// A field without a declared default means something by its absence (a column named as its feature, no mean).
void FillDeclaredDefaults(Message* message) {
  const Reflection& reflection = *message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    if (field->is_repeated()) {
      if (field->message_type() == nullptr) continue;
      for (int j = 0; j < reflection.FieldSize(*message, field); ++j) {
        FillDeclaredDefaults(reflection.MutableRepeatedMessage(message, field, j));
      }
    } else if (field->message_type() != nullptr) {
      if (reflection.HasField(*message, field))
        FillDeclaredDefaults(reflection.MutableMessage(message, field));
    } else if (field->has_default_value() && !reflection.HasField(*message, field)) {
      SetToDefault(field, message);
    }
  }
}

// Text format has no way to say "none" of a repeated field or of a message that an earlier file set.
void RemoveWhatIsMarked(proto::Model* model) {
  for (const bool teacher : {true, false}) {
    if (!(teacher ? model->has_teacher() : model->has_student())) continue;
    proto::Tower* tower = teacher ? model->mutable_teacher() : model->mutable_student();
    if (tower->interaction_size() == 1 &&
        tower->interaction(0).kind_case() == proto::Interaction::KIND_NOT_SET) {
      tower->clear_interaction();
    }
    if (tower->mlp().hidden_size() == 1 && tower->mlp().hidden(0) == 0) tower->clear_mlp();
    if (tower->has_slow_embedding() && tower->slow_embedding().decay() == 0) tower->clear_slow_embedding();
    if (tower->has_muon() && tower->muon().iterations() == 0) tower->clear_muon();
  }
}

}  // namespace

void ResolveDefaults(proto::Experiment* experiment) {
  RemoveWhatIsMarked(experiment->mutable_model());
  experiment->mutable_data();
  experiment->mutable_runtime();
  for (proto::Feature& feature : *experiment->mutable_feature()) {
    if (feature.sparse().weighted() && !feature.sparse().has_multi_valued())
      feature.mutable_sparse()->set_multi_valued(true);
  }
  proto::Optimizer* embedding = experiment->mutable_embedding()->mutable_optimizer();
  if (embedding->kind_case() == proto::Optimizer::KIND_NOT_SET) embedding->mutable_adagrad();
  proto::Train* train = experiment->mutable_train();
  train->mutable_schedule();
  if (train->optimizer().kind_case() == proto::Optimizer::KIND_NOT_SET)
    train->mutable_optimizer()->mutable_adam();
  if (HasTeacher(experiment->model()) && HasStudent(experiment->model()))
    experiment->mutable_model()->mutable_distill();
  experiment->mutable_model();
  if (experiment->has_daily()) experiment->mutable_daily()->mutable_gate();
  FillDeclaredDefaults(experiment);
}

std::string ExperimentText(const proto::Experiment& experiment) {
  proto::Experiment resolved = experiment;
  ResolveDefaults(&resolved);
  google::protobuf::TextFormat::Printer printer;
  printer.SetPrintMessageFieldsInIndexOrder(true);
  printer.SetUseShortRepeatedPrimitives(true);
  std::string text;
  CHECK(printer.PrintToString(resolved, &text));
  return text;
}

}  // namespace tandem
