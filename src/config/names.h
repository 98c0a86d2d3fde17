// Names of the configuration's fields and values, and messages about unknown ones.
#ifndef TANDEM_SRC_CONFIG_NAMES_H_
#define TANDEM_SRC_CONFIG_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace tandem {

// Names in the order of their declaration.
std::vector<std::string> FieldNames(const google::protobuf::Descriptor& message);
std::vector<std::string> ValueNames(const google::protobuf::EnumDescriptor& type);

// "train" and "epochs" to "train.epochs"; "" and "train" to "train".
std::string JoinKey(absl::string_view parent, absl::string_view name);

// "unknown field 'train.batch_sise'; did you mean 'batch_size'?", where `parent` is the key of a message of
// type `message`, and `below` what follows, if anything ("lr"). A key of an earlier version gets the one in
// its place ("unknown field 'train.student_steps'; it is 'model.distill.replay.steps' now"), a name that is
// known at one other place only that place ("unknown field 'epochs'; did you mean 'train.epochs'?").
std::string UnknownField(absl::string_view parent, absl::string_view name,
                         const google::protobuf::Descriptor& message, absl::string_view below = "");

// The fields on the way of a dotted key, from the experiment down. InvalidArgument with UnknownField's
// message, or where the way leads through a value or, `of_list` saying what can be done with one, a list of
// messages.
absl::StatusOr<std::vector<const google::protobuf::FieldDescriptor*>> FindKey(absl::string_view key,
                                                                              absl::string_view of_list);

// "unknown value 'LOGP' of 'feature.dense.transform'; did you mean 'LOG1P'? accepted: NONE, LOG1P,
// STANDARDIZE"
std::string UnknownValue(absl::string_view key, absl::string_view value,
                         const google::protobuf::EnumDescriptor& type);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_NAMES_H_
