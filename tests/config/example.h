// A small valid experiment that the configuration's tests start from.
#ifndef TANDEM_TESTS_CONFIG_EXAMPLE_H_
#define TANDEM_TESTS_CONFIG_EXAMPLE_H_

#include <glog/logging.h>

#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"

namespace tandem {

inline constexpr char kExample[] = R"(
data { path: "logs/{date}.tsv.gz" key_columns: "user" group_column: "user" weight_column: "weight" }
feature { name: "user" sparse {} }
feature { name: "movie" sparse {} }
feature { name: "liked" sparse { weighted: true table: "movie" } }
feature { name: "age" dense { transform: STANDARDIZE mean: 30 deviation: 10 } }
feature { name: "hour" dense { bucketize { boundaries: [6, 12, 18] } } }
model {
  teacher { linear: true
            interaction { cin { layers: [8, 5] split_half: true } }
            interaction { fm {} }
            interaction { cross { version: V2 rank: 4 } }
            mlp { hidden: [32, 16] } }
  student { mlp { hidden: 8 } }
  distill { logit_loss: SOFT_LABEL temperature: 2 hint { teacher_layer: -1 student_layer: 0 } }
}
)";

inline proto::Experiment Example() {
  absl::StatusOr<proto::Experiment> experiment = ParseExperiment(kExample, "example");
  CHECK(experiment.ok()) << experiment.status();
  return *experiment;
}

}  // namespace tandem

#endif  // TANDEM_TESTS_CONFIG_EXAMPLE_H_
