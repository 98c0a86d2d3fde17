// The dual model: a teacher and a student tower on one shared embedding layer, with the loss that joins them.
//
//   DualModel model(experiment, kernels, /*trained=*/true);
//   model.Initialize();
//   Trainer trainer(&model, &workers);            // tandem/trainer.h: learns;  tandem/predictor.h: scores
//
// Either tower may be absent (TEACHER_ALONE, STUDENT_ALONE). Ownership: the model owns its parts; `kernels`
// outlives it. Threads: as for towers and the embedding layer, reading from any thread while nobody writes.
#ifndef TANDEM_DUAL_MODEL_H_
#define TANDEM_DUAL_MODEL_H_

#include <memory>
#include <optional>
#include <string>

#include "tandem/embedding.h"
#include "tandem/kernels.h"
#include "tandem/loss.h"
#include "tandem/matrix.h"
#include "tandem/sample.h"
#include "tandem/tower.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// The flat parameters of a tower (or of the loss's adapters) with the optimizer's state.
struct DenseParameters {
  AlignedFloats values;
  AlignedFloats slots;  // slot k of value i at slots[k * values.size() + i]; empty when not trained
};

class DualModel {
 public:
  // `experiment` is validated and resolved. Without `trained` there is no room for optimizer state: the model
  // can be loaded and score.
  DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained);
  ~DualModel();

  const proto::Experiment& experiment() const { return *experiment_; }
  const Schema& schema() const { return schema_; }
  const Kernels& kernels() const { return kernels_; }
  EmbeddingLayer& embedding() { return embedding_; }
  const EmbeddingLayer& embedding() const { return embedding_; }

  bool has_teacher() const { return teacher_.has_value(); }
  bool has_student() const { return student_.has_value(); }
  const Tower& teacher() const { return *teacher_; }
  const Tower& student() const { return *student_; }
  const JointLoss& loss() const { return *loss_; }
  // Parameters of what isn't there are empty.
  DenseParameters& teacher_parameters() { return teacher_parameters_; }
  DenseParameters& student_parameters() { return student_parameters_; }
  DenseParameters& adapter_parameters() { return adapter_parameters_; }
  const DenseParameters& teacher_parameters() const { return teacher_parameters_; }
  const DenseParameters& student_parameters() const { return student_parameters_; }
  const DenseParameters& adapter_parameters() const { return adapter_parameters_; }

  // Hidden layers of the k-th hinted pair, counted from 0.
  const std::vector<std::pair<int, int>>& hinted_layers() const { return hinted_layers_; }

  // First values of the dense parameters, from the seed; tables are empty.
  void Initialize();
  // Repacks what the kernels read; after every change of the dense parameters.
  void Prepare();

 private:
  std::unique_ptr<proto::Experiment> experiment_;
  Schema schema_;
  const Kernels& kernels_;
  bool trained_;
  EmbeddingLayer embedding_;
  std::optional<Tower> teacher_, student_;
  std::vector<std::pair<int, int>> hinted_layers_;
  std::optional<JointLoss> loss_;
  DenseParameters teacher_parameters_, student_parameters_, adapter_parameters_;
};

}  // namespace tandem

#endif  // TANDEM_DUAL_MODEL_H_
