// Configurations of any bytes.
#include <glog/logging.h>

#include "absl/strings/str_split.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tests/fuzz/targets.h"

namespace tandem {

bool FuzzConfig(absl::string_view bytes) {
  const std::vector<absl::string_view> parts = absl::StrSplit(bytes, '\0');
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(parts[0], "fuzz");
  if (!experiment.ok()) return false;
  for (size_t i = 1; i < parts.size(); ++i) {
    const proto::Experiment before = *experiment;
    if (ApplyOverride(parts[i], &*experiment).ok()) continue;
    CHECK_EQ(experiment->SerializeAsString(), before.SerializeAsString()) << "a refused override left traces";
  }
  ResolveDefaults(&*experiment);
  if (!ValidateExperiment(*experiment).ok()) return false;
  const absl::StatusOr<proto::Experiment> again = ParseExperiment(ExperimentText(*experiment), "written");
  CHECK(again.ok()) << again.status();
  CHECK_EQ(again->SerializeAsString(), experiment->SerializeAsString());
  return true;
}

}  // namespace tandem
