// Loads, merges, overrides and checks the configuration of an experiment (src/config/experiment.proto has
// every default).
//
//   absl::StatusOr<proto::Experiment> experiment =
//       LoadExperiment({"configs/movielens.pbtxt", "configs/xdeepfm.pbtxt"}, {"train.batch_size=512"});
//   absl::Status status = ValidateExperiment(*experiment);
//
// Errors are kInvalidArgument and say where: file:line:column for a file, the override itself for an
// override, the dotted key for a value that doesn't fit; an unknown name comes with the nearest known one.
#ifndef TANDEM_EXPERIMENT_H_
#define TANDEM_EXPERIMENT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// Reads the files in order, each over the ones before, then the `key=value` overrides. Doesn't validate.
absl::StatusOr<proto::Experiment> LoadExperiment(absl::Span<const std::string> files,
                                                 absl::Span<const std::string> overrides);

// Parses one text; `origin` stands for the file in messages.
absl::StatusOr<proto::Experiment> ParseExperiment(absl::string_view text, absl::string_view origin);

// `over` onto `base`: singular messages merge, a repeated field that `over` sets replaces the whole, a oneof
// arm replaces another.
void MergeOver(const google::protobuf::Message& over, google::protobuf::Message* base);

// Applies `key=value`, e.g. "train.batch_size=1024", "model.teacher.mlp.hidden=400,400",
// "embedding.optimizer.adam.lr=0.01" (which also chooses that arm). An empty value clears a repeated field.
absl::Status ApplyOverride(absl::string_view override_text, proto::Experiment* experiment);

// Every check that needs no data: required names, ranges, duplicate features, layers that hints name, odd
// layers that split, methods without their towers. Reports the first fault.
absl::Status ValidateExperiment(const proto::Experiment& experiment);

// The configuration with every default written out, in text format that ParseExperiment reads back to an
// equal message.
std::string ExperimentText(const proto::Experiment& experiment);

// The known name nearest to `name` (edit distance), or "" when none is near; for "did you mean".
std::string NearestName(absl::string_view name, absl::Span<const std::string> known);

}  // namespace tandem

#endif  // TANDEM_EXPERIMENT_H_
