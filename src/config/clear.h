// Takes away what earlier files and overrides have set.
//
//   TANDEM_RETURN_IF_ERROR(Clear("model.student.mlp", &experiment));
#ifndef TANDEM_SRC_CONFIG_CLEAR_H_
#define TANDEM_SRC_CONFIG_CLEAR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Whether `key` names something: a section, a list as a whole, an arm, a value. InvalidArgument with a
// message that the caller puts a place in front of.
absl::Status CheckClearable(absl::string_view key);

// Leaves `key` as if nobody had set it; what isn't set stays so. Fails as CheckClearable does.
absl::Status Clear(absl::string_view key, proto::Experiment* experiment);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_CLEAR_H_
