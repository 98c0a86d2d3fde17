// Rows that nobody has seen, made of rows that somebody has: what a student can ask a frozen teacher about.
//
//   Recombined made(RecombinedGroups(experiment, schema), UnknownShares(experiment, schema));
//   Recombine(batch, rows, Random(seed, RandomPurpose::kRecombine, {step}), /*share=*/0.5, &made);
//
// Every row draws another row of its batch, and takes each feature from it with probability `share`, whole: a
// bag with its coefficients. The labels are kAbsent, for nobody clicked or left such a row. A teacher scores
// it all the same: this is distillation on rows without a label, where each feature has the distribution that
// it has in the log, and features are as independent as `share` makes them. (Data-free in the sense of
// augmentations that mix samples, as mixup and CutMix do for pictures; ids can't be averaged, but exchanged.)
//
// Features of one group (model.distill.phase.recombined_group: a user's, an item's) go together: a row takes
// all of them from the other one, or none. So do the places of a sequence.
//
// An id of a field may be hidden besides (model.distill.phase.recombined_unknown): whoever reads the row
// finds the OOV row there, as for an id of tomorrow. Every id of the log is known, so without this a
// student with a table of its own never learns what its teachers say of one that isn't.
//
// The rows are those of the batch: `made` is good for as long as they are.
//
// A function of the arguments, whatever the threads. Memory is used again: a second call on a batch whose
// longest bags are no longer allocates nothing. Thread-safe on different `to`.
#ifndef TANDEM_SRC_TRAIN_RECOMBINE_H_
#define TANDEM_SRC_TRAIN_RECOMBINE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "tandem/batch.h"
#include "tandem/embedding.h"
#include "tandem/random.h"
#include "tandem/schema.h"

namespace tandem {

struct Recombined {
  // `groups`: a number for each field, equal where they go together; empty: each goes by itself.
  // `unknown`: the share of each field's ids that are hidden; empty: none of any.
  explicit Recombined(std::vector<int> groups = {}, std::vector<double> unknown = {})
      : groups(std::move(groups)), unknown(std::move(unknown)) {}

  const std::vector<int> groups;
  const std::vector<double> unknown;
  Batch batch;         // weights are those of the rows; no groups' meaning, no stored logits
  BatchRows rows;      // of the table that `rows` are of
  BatchRows own_rows;  // of another one: TakeRows
  std::vector<int> partners;
  std::vector<std::vector<int>> sources;  // of a group: the row that each row takes it from
  // Of a field: which of its occurrences are hidden; empty: none.
  std::vector<std::vector<uint8_t>> hidden;
};

// The groups of the configuration, by field.
std::vector<int> RecombinedGroups(const proto::Experiment& experiment, const Schema& schema);

// What is hidden of each field: ids, not the values of numbers.
std::vector<double> UnknownShares(const proto::Experiment& experiment, const Schema& schema);

// `rows`: of all keys of `batch`, in their order.
void Recombine(const Batch& batch, const BatchRows& rows, const Random& random, double share, Recombined* to);
// The rows of another table for the same recombined batch, from those of all keys of `batch`.
void TakeRows(const Batch& batch, const BatchRows& rows, const Recombined& made, BatchRows* to);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RECOMBINE_H_
