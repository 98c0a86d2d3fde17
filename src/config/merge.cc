// One message over another, as a later file or an override lies over an earlier one.
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "src/config/clear.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void ClearRepeatedFieldsOf(const Message& over, Message* base) {
  const Reflection& reflection = *base->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  over.GetReflection()->ListFields(over, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_repeated()) {
      reflection.ClearField(base, field);
    } else if (field->message_type() != nullptr && reflection.HasField(*base, field)) {
      ClearRepeatedFieldsOf(over.GetReflection()->GetMessage(over, field),
                            reflection.MutableMessage(base, field));
    }
  }
}

}  // namespace

// Protobuf's own merge does all but one thing as we want it: it appends repeated fields.
absl::Status MergeOver(const proto::Experiment& over, proto::Experiment* base) {
  for (const std::string& key : over.clear()) TANDEM_RETURN_IF_ERROR(Clear(key, base));
  ClearRepeatedFieldsOf(over, base);
  base->MergeFrom(over);
  base->clear_clear();
  return absl::OkStatus();
}

}  // namespace tandem
