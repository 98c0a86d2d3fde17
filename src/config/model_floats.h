// How many floats a configured tower is made of, before anything is allocated.
//
//   const TowerFloats student = FloatsOf(experiment, experiment.model().student(), /*of_teacher=*/false);
//   student.weights * sizeof(float);
//
// In double: what a configuration asks for may be more than an int64 holds. `weights` is never more than what
// the tower's file holds; `activations` is about what a row takes on its way through the tower and back.
#ifndef TANDEM_SRC_CONFIG_MODEL_FLOATS_H_
#define TANDEM_SRC_CONFIG_MODEL_FLOATS_H_

#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {

struct TowerFloats {
  double weights = 0;
  double activations = 0;
  // The setting that asks for the most of the weights, and of the activations: "model.teacher.mlp.hidden".
  std::string most_weights, most_activations;
};

TowerFloats FloatsOf(const proto::Experiment& experiment, const proto::Tower& tower, bool of_teacher);

// Of the affine maps between hinted layers.
double AdapterWeights(const proto::Model& model);

// Fields that the tower reads, sequences aside.
int PlainFieldsOf(const proto::Experiment& experiment, bool of_teacher);

}  // namespace tandem

#endif  // TANDEM_SRC_CONFIG_MODEL_FLOATS_H_
