// Tells when training has gone wrong: a tower that loses far more than the click rate alone would, or whose
// scores are all 0 or 1; and which number of the log is the likely cause.
//
//   DivergenceWatch watch(model.schema());
//   const std::optional<std::string> alarm = watch.Note("2000-11-20", step, batch, *result);
//   if (alarm.has_value()) LOG(WARNING) << *alarm;
//
// A tower has diverged when, over its last batches, its label loss is on average more than twice the entropy
// of the batches' click rates and one more: what a fresh tower, at ln 2, never is. Each tower is told of once
// a day. Not thread-safe.
#ifndef TANDEM_SRC_TRAIN_DIVERGENCE_H_
#define TANDEM_SRC_TRAIN_DIVERGENCE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/batch.h"
#include "tandem/dual_model.h"
#include "tandem/schema.h"
#include "tandem/trainer.h"

namespace tandem {

class DivergenceWatch {
 public:
  // `schema` outlives the watch.
  explicit DivergenceWatch(const Schema& schema) : schema_(schema) {}

  // Notes a step on labelled rows; a sentence for the log where a tower has diverged.
  std::optional<std::string> Note(const std::string& day, int64_t step, const Batch& batch,
                                  const StepResult& result);

 private:
  struct Tower {
    const char* name;
    std::deque<double> losses, entropies;  // of the last batches
    std::string told_of;                   // the day
    bool told = false;
  };
  std::optional<std::string> NoteTower(const std::string& day, int64_t step, const Batch& batch, double loss,
                                       const std::vector<float>& logits, Tower* tower) const;

  const Schema& schema_;
  Tower teacher_{"teacher", {}, {}, "", false}, student_{"student", {}, {}, "", false};
};

// "the numbers of feature 'price', column 'price_usd', go from -2 to 4e+30 in this batch": of the feature
// whose number, as it enters the model, is the largest. Empty where no feature is a number.
std::string WidestNumber(const Schema& schema, const Batch& batch);

// `status` with what led to it, and that number of the rows where it is the likely cause.
absl::Status Explained(const absl::Status& status, const std::string& place, const Schema& schema,
                       const Batch& rows);

// kInternal where a tower, as it stands, gives one of the rows a score that is not a number: such a model is
// neither kept nor served.
absl::Status ProveByScoring(const DualModel& model, const Batch& rows);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_DIVERGENCE_H_
