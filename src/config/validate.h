// The parts of ValidateExperiment, in its order. Each reports the first fault, with the dotted key in front.
// Numbers are checked before (ranges.h).
#ifndef TANDEM_SRC_CONFIG_VALIDATE_H_
#define TANDEM_SRC_CONFIG_VALIDATE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/experiment.pb.h"

namespace tandem {

// Names, kinds and tables of the features that aren't dropped, which go to `kept`.
absl::Status ValidateFeatures(const proto::Experiment& experiment, std::vector<const proto::Feature*>* kept);
// What the format's settings ask of each other, and of features whose cells hold several values.
absl::Status ValidateFormat(const proto::Data& data, const std::vector<const proto::Feature*>& features);
// The format, and the columns.
absl::Status ValidateData(const proto::Experiment& experiment,
                          const std::vector<const proto::Feature*>& features);
// Towers against the method, interactions, hints.
absl::Status ValidateModel(const proto::Experiment& experiment);
// Schedules, and that each optimizer is of a kind that moves what it is there for.
absl::Status ValidateTrain(const proto::Experiment& experiment);
// What transformers ask of features and embedding, and sequences of transformers.
absl::Status ValidateTransformers(const proto::Experiment& experiment,
                                  const std::vector<const proto::Feature*>& features);
// What model, embedding, features and training ask of each other: averages of rows, student steps and phases,
// a student with something to read.
absl::Status ValidateLevers(const proto::Experiment& experiment,
                            const std::vector<const proto::Feature*>& features);
// Columns of the stream, and the gate's bounds.
absl::Status ValidateOnline(const proto::Online& online, const proto::Data& data);
absl::Status ValidateDaily(const proto::Daily& daily);

// The column that a feature reads.
inline const std::string& ColumnOf(const proto::Feature& feature) {
  return feature.column().empty() ? feature.name() : feature.column();
}

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_VALIDATE_H_
