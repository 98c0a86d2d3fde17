// Configurations that models carry: checked as those of the command line are.
//
//   TANDEM_ASSIGN_OR_RETURN(experiment, ParseStoredExperiment(text, path, ModelKind::kCheckpoint));
//   TANDEM_RETURN_IF_ERROR(CheckHoldsWeights("step-400/student.bin", bytes, floats.weights, 4));
//
// A checksum says that a file is as it was written, not that who wrote it meant well. Errors are ModelErrors
// that name the file.
#ifndef TANDEM_SRC_CONFIG_STORED_EXPERIMENT_H_
#define TANDEM_SRC_CONFIG_STORED_EXPERIMENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tandem/experiment.pb.h"

namespace tandem {

enum class ModelKind { kCheckpoint, kBundle };

// With every default. What a model leaves out of its configuration (where its log lay; of a bundle, how its
// student was trained) isn't looked for.
absl::StatusOr<proto::Experiment> ParseStoredExperiment(absl::string_view text, const std::string& path,
                                                        ModelKind kind);

// A ModelError where a file of `bytes` can't hold so many weights of at least `bytes_a_weight` each: what a
// configuration asks for is allocated only where there is something to fill it with.
absl::Status CheckHoldsWeights(const std::string& path, int64_t bytes, double weights, int bytes_a_weight);

// Whether the bytes are the message, with no field and no value of an enum that this Tandem doesn't know.
bool ParseStrictly(absl::string_view bytes, google::protobuf::Message* message);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_STORED_EXPERIMENT_H_
