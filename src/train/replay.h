// Recent batches, for student steps beyond the one on the batch itself.
//
//   Replay replay(/*batches=*/128, seed);
//   replay.Add(schema, batch, rows, fields, teacher_logits);
//   ReplayedBatch& past = replay.Pick(step, k);             // the k-th extra student step of a step
//   TANDEM_RETURN_IF_ERROR(embedding.ReadAgain(&past.rows));
//
// A batch keeps what the student's loss needs: labels, weights, the bags with the rows of the table that they
// had, and the teacher's logits of that time, or those that the log held. The rows are to be read again.
// Memory is used again: after `batches` batches of one size nothing is allocated. Not thread-safe; reading a
// picked batch is.
#ifndef TANDEM_SRC_TRAIN_REPLAY_H_
#define TANDEM_SRC_TRAIN_REPLAY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/embedding.h"
#include "tandem/file_system.h"

namespace tandem {

struct ReplayedBatch {
  Batch batch;     // keys[i] is 0 where the out-of-vocabulary row served; teacher_logits are there
  BatchRows rows;  // of the student's embedding
};

class Replay {
 public:
  Replay(int batches, uint64_t seed) : capacity_(batches), seed_(seed) {}

  int size() const { return static_cast<int>(batches_.size()); }
  void Clear();
  // The oldest batch goes when there are `batches`. `schema`: of the batch. `fields`: those that the student
  // reads; the others are left out.
  void Add(const Schema& schema, const Batch& batch, const BatchRows& rows, const std::vector<int>& fields,
           const std::vector<float>& teacher_logits);
  // After some were dropped (embedding.expire_days): what has no row any more is the OOV row's from here
  // on.
  absl::Status FindRows(const Schema& schema, const EmbeddingLayer& embedding);
  // A function of (seed, step, k) and of what is held; at least one batch (CHECK).
  ReplayedBatch& Pick(int64_t step, int k) const;

  // One record file; Load finds the rows again. ModelError where the file is damaged or doesn't fit.
  absl::Status Save(FileSystem& fs, const std::string& path) const;
  absl::Status Load(FileSystem& fs, const std::string& path, const EmbeddingLayer& embedding);

 private:
  const int capacity_;
  const uint64_t seed_;
  std::vector<std::unique_ptr<ReplayedBatch>> batches_;  // a ring once full
  std::vector<std::unique_ptr<ReplayedBatch>> spare_;
  int oldest_ = 0;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_REPLAY_H_
