#include "src/config/clear.h"

#include <vector>

#include "src/config/names.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::StatusOr<std::vector<const FieldDescriptor*>> FindClearable(absl::string_view key) {
  if (key == "clear")
    return ConfigError(
        "'clear' takes away what other keys have set, and has no effect on itself; name one, e.g. ",
        "train.schedule");
  return FindKey(key, "is cleared as a whole");
}

}  // namespace

absl::Status CheckClearable(absl::string_view key) { return FindClearable(key).status(); }

absl::Status Clear(absl::string_view key, proto::Experiment* experiment) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<const FieldDescriptor*> path, FindClearable(key));
  Message* message = experiment;
  for (const FieldDescriptor* field : path) {
    const Reflection& reflection = *message->GetReflection();
    if (field == path.back()) {
      reflection.ClearField(message, field);
    } else if (reflection.HasField(*message, field)) {
      message = reflection.MutableMessage(message, field);
    } else {
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
