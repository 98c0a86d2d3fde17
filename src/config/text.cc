// What a run stores: every default written out, in text that reads back to the same.
#include <glog/logging.h>

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "src/config/methods.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

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

// An optimizer without a kind is none. Muon's other half is written out.
void ResolveOptimizer(proto::Optimizer* optimizer) {
  if (optimizer->has_muon()) optimizer->mutable_muon()->mutable_adam();
}

void ResolveOptimizer(proto::Tower* tower) {
  if (!tower->has_optimizer()) return;
  ResolveOptimizer(tower->mutable_optimizer());
  if (tower->optimizer().kind_case() == proto::Optimizer::KIND_NOT_SET) tower->clear_optimizer();
}

}  // namespace

void ResolveDefaults(proto::Experiment* experiment) {
  experiment->clear_clear();  // nothing came before
  proto::Data* data = experiment->mutable_data();
  if (data->format_case() == proto::Data::FORMAT_NOT_SET) data->mutable_delimited();
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
  ResolveOptimizer(train->mutable_optimizer());
  proto::Model* model = experiment->mutable_model();
  if (model->has_teacher()) ResolveOptimizer(model->mutable_teacher());
  if (model->has_student()) ResolveOptimizer(model->mutable_student());
  if (HasTeacher(*model) && HasStudent(*model)) model->mutable_distill();
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
