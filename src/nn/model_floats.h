// How many floats a configured tower is made of, before anything is allocated.
//
//   const TowerFloats student = StudentFloats(experiment);
//   student.weights * sizeof(float);
//
// In double: what a configuration asks for may be more than an int64 holds. `weights` is never more than what
// the tower's file holds; `activations` is about what a row takes on its way through the tower and back.
#ifndef TANDEM_SRC_NN_MODEL_FLOATS_H_
#define TANDEM_SRC_NN_MODEL_FLOATS_H_

#include <string>

#include "tandem/experiment.pb.h"

namespace tandem {

struct TowerFloats {
  double weights = 0;
  double activations = 0;
  // Copies of matrices that heads share, one or two a head, in no file.
  double folded = 0;
  // The setting that asks for the most of the weights, and of the activations: "model.teacher.mlp.hidden".
  std::string most_weights, most_activations;
};

// Of all teachers together, and of the student.
TowerFloats TeacherFloats(const proto::Experiment& experiment);
TowerFloats StudentFloats(const proto::Experiment& experiment);

// Of the affine maps between hinted layers.
double AdapterWeights(const proto::Experiment& experiment);

// Fields that the tower reads, sequences aside.
int PlainFieldsOf(const proto::Experiment& experiment, bool of_teacher);

}  // namespace tandem

#endif  // TANDEM_SRC_NN_MODEL_FLOATS_H_
