#include "src/config/stored_experiment.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/unknown_field_set.h"
#include "src/config/ranges.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Stands for the path, with days as any.
constexpr char kSomePath[] = "{date}";

absl::Status CheckKnots(const proto::Experiment& experiment) {
  const auto& dropped = experiment.drop_feature();
  for (const proto::Feature& feature : experiment.feature()) {
    const proto::Dense& dense = feature.dense();
    if (!dense.has_piecewise() || !dense.piecewise().knots().empty()) continue;
    if (std::find(dropped.begin(), dropped.end(), feature.name()) != dropped.end()) continue;
    return ConfigError("feature[", feature.name(), "].dense.piecewise.knots: empty; a model has found them");
  }
  return absl::OkStatus();
}

absl::Status Check(const proto::Experiment& stored, ModelKind kind) {
  TANDEM_RETURN_IF_ERROR(CheckRanges(stored, ""));
  TANDEM_RETURN_IF_ERROR(CheckKnots(stored));
  proto::Experiment experiment = stored;
  experiment.mutable_data()->set_path(kSomePath);
  if (kind == ModelKind::kBundle) {
    if (stored.model().method() != proto::STUDENT_ALONE)
      return ConfigError("model.method: ", proto::Method_Name(stored.model().method()),
                         "; a bundle holds a student alone, and says STUDENT_ALONE");
    // What it says of its training is of no use any more, and lacks the teacher that it was about.
    experiment.clear_train();
    experiment.clear_online();
    experiment.clear_daily();
    experiment.mutable_data()->clear_unlabelled();
    ResolveDefaults(&experiment);
  }
  return ValidateExperiment(experiment);
}

bool KnowsAll(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return false;
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      if (!KnowsAll(reflection.GetMessage(message, field))) return false;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (!KnowsAll(reflection.GetRepeatedMessage(message, field, i))) return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<proto::Experiment> ParseStoredExperiment(absl::string_view text, const std::string& path,
                                                        ModelKind kind) {
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(text, path);
  if (!experiment.ok()) return ModelError(experiment.status().message());
  // What the model leaves out takes its defaults.
  ResolveDefaults(&*experiment);
  const absl::Status valid = Check(*experiment, kind);
  if (!valid.ok()) return ModelError(path, ": ", valid.message(), ". Nothing was loaded.");
  return experiment;
}

absl::Status CheckHoldsWeights(const std::string& path, int64_t bytes, double weights, int bytes_a_weight) {
  if (weights * bytes_a_weight <= static_cast<double>(bytes)) return absl::OkStatus();
  return ModelError(path, ": holds ", bytes, " bytes, where the configuration beside it asks for ",
                    absl::StrFormat("%.0f", weights), " weights; they belong to different models. ",
                    "Nothing was loaded.");
}

bool ParseStrictly(absl::string_view bytes, Message* message) {
  return bytes.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
         message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && KnowsAll(*message);
}

}  // namespace tandem
