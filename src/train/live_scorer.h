// Scores rows with a tower of a model that goes on learning: what it would answer if it were served as it is.
//
//   LiveScorer student(model, LiveScorer::Which::kStudent, &workers);
//   TANDEM_RETURN_IF_ERROR(student.Score(batch, &logits));    // [batch rows]
//
// Reads the model's present rows, and the weights that it was last prepared with: DualModel::PrepareServed
// first, where averages are served. A published model is scored by a Predictor (tandem/predictor.h), which
// holds rows and weights that stand. Results don't depend on the number of workers. One caller.
#ifndef TANDEM_SRC_TRAIN_LIVE_SCORER_H_
#define TANDEM_SRC_TRAIN_LIVE_SCORER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/threads.h"

namespace tandem {

class LiveScorer {
 public:
  enum class Which { kTeacher, kStudent };

  // Model and workers outlive it; the model has that tower.
  LiveScorer(const DualModel& model, Which which, Workers* workers);
  ~LiveScorer();

  // logits [rows]; kinds [Committee::weighed_kinds()][rows], the means of each kind of a teacher's members;
  // null: nobody asks. Fails where the rows can't be read.
  absl::Status Score(const Batch& batch, std::vector<float>* logits,
                     std::vector<std::vector<float>>* kinds = nullptr);

 private:
  struct Tile;

  const DualModel& model_;
  const bool of_teacher_;
  const EmbeddingLayer& embedding_;
  const EmbeddingView& view_;
  Workers& workers_;
  std::vector<std::unique_ptr<Tile>> tiles_;  // a worker
  BatchRows rows_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_LIVE_SCORER_H_
