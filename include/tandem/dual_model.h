// The dual model: a teacher and a student tower on one shared embedding layer, with the loss that joins them.
//
//   DualModel model(experiment, kernels, /*trained=*/true);                     // rows in this process
//   model.Initialize();
//   Trainer trainer(&model, TrainedParts::kAll, TrainerClock(), &workers);      // learns; a Predictor scores
//
// The teacher may be a committee of several towers. Either tower may be absent (TEACHER_ALONE,
// STUDENT_ALONE), and a student may read tables of its own (TWO_STAGE_KD). A tower is evaluated and served
// with averaged weights and on the average of the table's rows where the configuration asks for them; a model
// that was loaded to score holds nothing else. A model that is trained multiplies matrices in
// train.precision; one that was loaded to score in float32. Ownership: the model owns its parts; `kernels`
// outlives it. Threads: as for towers and the embedding layer, reading from any thread while nobody writes.
#ifndef TANDEM_DUAL_MODEL_H_
#define TANDEM_DUAL_MODEL_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/committee.h"
#include "tandem/embedding.h"
#include "tandem/kernels.h"
#include "tandem/loss.h"
#include "tandem/matrix.h"
#include "tandem/row_store_factory.h"
#include "tandem/schema.h"
#include "tandem/tower.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

// The flat parameters of a tower (or of the loss's adapters) with the optimizer's state.
struct DenseParameters {
  AlignedFloats values;
  AlignedFloats slots;     // slot k of value i at slots[k * values.size() + i]; empty when not trained
  AlignedFloats averages;  // of the values over the steps; empty without train.average_decay, or not trained

  // What is evaluated and served.
  const AlignedFloats& served() const { return averages.empty() ? values : averages; }
};

class DualModel {
 public:
  // `experiment` is validated and resolved. Without `trained` there is no room for optimizer state: the model
  // can be loaded and score.
  DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained);
  // The same with the rows in stores that `row_stores` makes; fails where it does.
  static absl::StatusOr<std::unique_ptr<DualModel>> Make(const proto::Experiment& experiment,
                                                         const Kernels& kernels, bool trained,
                                                         const RowStoreFactory& row_stores);
  ~DualModel();

  const proto::Experiment& experiment() const { return *experiment_; }
  const Schema& schema() const { return schema_; }
  // Those of float32, whatever the towers multiply with.
  const Kernels& kernels() const { return kernels_; }
  EmbeddingLayer& embedding() { return embedding_; }
  const EmbeddingLayer& embedding() const { return embedding_; }

  // The tables that the student reads: its own, or the shared ones.
  EmbeddingLayer& student_embedding() { return own_embedding_.has_value() ? *own_embedding_ : embedding_; }
  const EmbeddingLayer& student_embedding() const {
    return own_embedding_.has_value() ? *own_embedding_ : embedding_;
  }
  bool has_own_embedding() const { return own_embedding_.has_value(); }

  // What a tower reads: while it is trained, and when it is evaluated and served.
  const EmbeddingView& teacher_input() const { return teacher_input_; }
  const EmbeddingView& student_input() const { return student_input_; }
  const EmbeddingView& served_teacher_input() const { return served_teacher_input_; }
  const EmbeddingView& served_student_input() const { return served_student_input_; }
  // Whether the student can read what was gathered for the teacher.
  bool SharesInput(const EmbeddingView& of_teacher, const EmbeddingView& of_student) const {
    return !has_own_embedding() && of_teacher.slow == of_student.slow &&
           of_teacher.fields.size() == of_student.fields.size();
  }

  bool has_teacher() const { return teacher_.has_value(); }
  bool has_student() const { return student_.has_value(); }
  const Committee& teacher() const { return *teacher_; }
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

  // First values of the dense parameters, from the seed, and of the optimizers' state; tables are empty. With
  // nothing learned yet, each tower's output is about `first_logit`: the value of its bias.
  void Initialize(double first_logit = 0);
  // Repacks what the kernels read; after every change of the dense parameters.
  void Prepare();
  // The same of the student and the loss alone.
  void PrepareStudent();
  // From now on the teacher's forward is that of its averaged weights, until the next Prepare.
  void PrepareServedTeacher();
  // Of the committee's kinds (Committee::weighed_kinds), from the next Prepare... on.
  void SetCommitteeMean(const CommitteeMean& mean);
  // The same of both towers.
  void PrepareServed();

 private:
  struct Stores;
  DualModel(const proto::Experiment& experiment, const Kernels& kernels, bool trained, Stores stores);

  std::unique_ptr<proto::Experiment> experiment_;
  Schema schema_;
  const Kernels& kernels_;
  const Kernels& tower_kernels_;  // of the towers' products, by train.precision
  bool trained_;
  EmbeddingLayer embedding_;
  std::optional<EmbeddingLayer> own_embedding_;
  EmbeddingView teacher_input_, student_input_, served_teacher_input_, served_student_input_;
  std::optional<Committee> teacher_;
  std::optional<Tower> student_;
  std::vector<std::pair<int, int>> hinted_layers_;
  std::optional<JointLoss> loss_;
  DenseParameters teacher_parameters_, student_parameters_, adapter_parameters_;
};

}  // namespace tandem

#endif  // TANDEM_DUAL_MODEL_H_
