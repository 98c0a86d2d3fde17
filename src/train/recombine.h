// Rows that nobody has seen, made of rows that somebody has: what a student can ask a frozen teacher about.
//
//   Recombined made;
//   Recombine(batch, rows, Random(seed, RandomPurpose::kRecombine, {step}), /*share=*/0.5, &made);
//
// Every row draws another row of its batch, and takes each feature from it with probability `share`, whole: a
// bag with its coefficients. The labels are kAbsent, for nobody clicked or left such a row. A teacher scores
// it all the same: this is distillation on rows without a label, where each feature has the distribution that
// it has in the log, and features are as independent as `share` makes them. (Data-free in the sense of
// augmentations that mix samples, as mixup and CutMix do for pictures; ids can't be averaged, but exchanged.)
//
// The rows are those of the batch: `made` is good for as long as they are.
//
// A function of the arguments, whatever the threads. Memory is used again: a second call on a batch whose
// longest bags are no longer allocates nothing. Thread-safe on different `to`.
#ifndef TANDEM_SRC_TRAIN_RECOMBINE_H_
#define TANDEM_SRC_TRAIN_RECOMBINE_H_

#include <vector>

#include "tandem/batch.h"
#include "tandem/embedding.h"
#include "tandem/random.h"

namespace tandem {

struct Recombined {
  Batch batch;     // weights are those of the rows; no groups' meaning, no stored logits
  BatchRows rows;  // of the table that `rows` are of
  std::vector<int> partners;
};

// `rows`: of all keys of `batch`, in their order.
void Recombine(const Batch& batch, const BatchRows& rows, const Random& random, double share, Recombined* to);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RECOMBINE_H_
