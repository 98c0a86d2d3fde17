// Scores a batch with a student as it is: what a server that holds it would answer.
//
//   BatchScorer scorer(model, &workers);
//   TANDEM_RETURN_IF_ERROR(scorer.Score(batch, &logits));    // [batch rows]
//
// Reads the model's present weights and rows. One caller.
#ifndef TANDEM_SRC_ONLINE_BATCH_SCORER_H_
#define TANDEM_SRC_ONLINE_BATCH_SCORER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/threads.h"

namespace tandem {

class BatchScorer {
 public:
  // Both outlive it. The model is a student alone.
  BatchScorer(const DualModel& model, Workers* workers);
  ~BatchScorer();

  // Fails where the rows can't be read.
  absl::Status Score(const Batch& batch, std::vector<float>* logits);

 private:
  struct Worker;

  const DualModel& model_;
  Workers& workers_;
  std::vector<std::unique_ptr<Worker>> workspaces_;
  BatchRows rows_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_ONLINE_BATCH_SCORER_H_
