// `key=value`: finding the field by its dotted name, and reading the value by the field's type.
#include <glog/logging.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "src/config/clear.h"
#include "src/config/names.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr char kOnlyByFile[] = "can be set only by file";

// One `key=value` on its way into the message that holds the field.
struct Override {
  absl::string_view text;
  absl::string_view key;
  absl::string_view value;

  template <typename... Args>
  absl::Status Error(const Args&... args) const {
    return ConfigError("override '", text, "': ", args...);
  }
  absl::Status Rejected(absl::string_view item, absl::string_view accepted) const {
    return Error("'", item, "' doesn't fit ", key, "; accepted: ", accepted);
  }
};

template <typename T>
absl::Status ParseInteger(const Override& change, absl::string_view item, T* value) {
  if (absl::SimpleAtoi(item, value)) return absl::OkStatus();
  return change.Rejected(item, absl::StrCat("integers from ", std::numeric_limits<T>::min(), " to ",
                                            std::numeric_limits<T>::max()));
}

absl::Status ParseDouble(const Override& change, absl::string_view item, double* value) {
  if (absl::SimpleAtod(item, value) && std::isfinite(*value)) return absl::OkStatus();
  return change.Rejected(item, "finite numbers");
}

absl::Status ParseBool(const Override& change, absl::string_view item, bool* value) {
  *value = item == "true" || item == "1";
  if (*value || item == "false" || item == "0") return absl::OkStatus();
  return change.Rejected(item, "true, false, 1, 0");
}

absl::Status ParseString(const Override& change, absl::string_view item, std::string* value) {
  std::string reason;
  if (absl::CUnescape(item, value, &reason)) return absl::OkStatus();
  return change.Error("'", item, "' has a bad escape (", reason, "); a backslash itself is '\\\\'");
}

// Sets a singular field, or adds to a repeated one.
absl::Status PutScalar(const Override& change, absl::string_view item, const FieldDescriptor* field,
                       Message* message) {
  const Reflection& reflection = *message->GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      TANDEM_RETURN_IF_ERROR(ParseInteger(change, item, &value));
      repeated ? reflection.AddInt32(message, field, value) : reflection.SetInt32(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = 0;
      TANDEM_RETURN_IF_ERROR(ParseInteger(change, item, &value));
      repeated ? reflection.AddInt64(message, field, value) : reflection.SetInt64(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      TANDEM_RETURN_IF_ERROR(ParseInteger(change, item, &value));
      repeated ? reflection.AddUInt64(message, field, value) : reflection.SetUInt64(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      TANDEM_RETURN_IF_ERROR(ParseDouble(change, item, &value));
      repeated ? reflection.AddDouble(message, field, value) : reflection.SetDouble(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      TANDEM_RETURN_IF_ERROR(ParseBool(change, item, &value));
      repeated ? reflection.AddBool(message, field, value) : reflection.SetBool(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const EnumValueDescriptor* value = field->enum_type()->FindValueByName(absl::StrCat(item));
      if (value == nullptr) return change.Error(UnknownValue(change.key, item, *field->enum_type()));
      repeated ? reflection.AddEnum(message, field, value) : reflection.SetEnum(message, field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value;
      TANDEM_RETURN_IF_ERROR(ParseString(change, item, &value));
      repeated ? reflection.AddString(message, field, value) : reflection.SetString(message, field, value);
      return absl::OkStatus();
    }
    default:
      LOG(FATAL) << field->full_name() << " is of a type that overrides don't know";
  }
}

absl::Status PutField(const Override& change, const FieldDescriptor* field, Message* message) {
  const bool is_message = field->message_type() != nullptr;
  if (is_message && field->is_repeated()) {
    return change.Error(change.key, " is a list of messages, which ", kOnlyByFile);
  }
  if (is_message && !change.value.empty()) {
    return change.Error(change.key, " is a message; set its fields (",
                        absl::StrJoin(FieldNames(*field->message_type()), ", "),
                        "), or give an empty value for its defaults");
  }
  const Reflection& reflection = *message->GetReflection();
  if (is_message) {
    reflection.ClearField(message, field);
    reflection.MutableMessage(message, field);
    return absl::OkStatus();
  }
  if (!field->is_repeated()) return PutScalar(change, change.value, field, message);
  reflection.ClearField(message, field);
  if (change.value.empty()) return absl::OkStatus();
  for (absl::string_view item : absl::StrSplit(change.value, ',')) {
    TANDEM_RETURN_IF_ERROR(PutScalar(change, item, field, message));
  }
  return absl::OkStatus();
}

absl::Status Apply(const Override& change, Message* message) {
  const absl::StatusOr<std::vector<const FieldDescriptor*>> path = FindKey(change.key, kOnlyByFile);
  if (!path.ok()) return change.Error(path.status().message());
  for (const FieldDescriptor* field : *path) {
    if (field == path->back()) return PutField(change, field, message);
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return absl::OkStatus();
}

// `clear=model.student.mlp,train.schedule`
absl::Status ApplyClear(const Override& change, proto::Experiment* experiment) {
  for (absl::string_view key : absl::StrSplit(change.value, ',')) {
    const absl::Status status = Clear(absl::StripAsciiWhitespace(key), experiment);
    if (!status.ok()) return change.Error(status.message());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyOverride(absl::string_view override_text, proto::Experiment* experiment) {
  Override change;
  change.text = override_text;
  const size_t equals = override_text.find('=');
  if (equals == absl::string_view::npos) {
    return change.Error("no '='; an override is key=value, e.g. train.batch_size=1024");
  }
  change.key = absl::StripAsciiWhitespace(override_text.substr(0, equals));
  change.value = override_text.substr(equals + 1);
  if (change.key.empty())
    return change.Error("no key before '='; an override is key=value, e.g. train.batch_size=1024");
  proto::Experiment changed = *experiment;
  TANDEM_RETURN_IF_ERROR(change.key == "clear" ? ApplyClear(change, &changed) : Apply(change, &changed));
  experiment->Swap(&changed);
  return absl::OkStatus();
}

}  // namespace tandem
