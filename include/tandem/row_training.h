// What goes between an embedding layer and its store in a training step.
//
//   AdmitStep admit;
//   admit.step = step;
//   TANDEM_RETURN_IF_ERROR(store.Admit(admit, &demand, &workers));    // keys in, rows out: a RowDemand
//   LearnStep learn;
//   learn.step = step;
//   TANDEM_RETURN_IF_ERROR(store.Learn(learn, tables, gradients, &workers));   // by keys: RowGradients
#ifndef TANDEM_ROW_TRAINING_H_
#define TANDEM_ROW_TRAINING_H_

#include <cstdint>

#include "tandem/table_rows.h"

namespace tandem {

// What is asked of a store in training. From any thread, for different tables at the same time, each once:
// Keys, then Found when its TableRows are answered. So the layer's work on a table goes on beside the
// store's.
class RowDemand {
 public:
  virtual ~RowDemand() = default;
  virtual TableRows* Keys(int table) = 0;
  virtual void Found(int table) = 0;
};

struct AdmitStep {
  int64_t step = 1;  // from 1
  // Once the tables hold so many rows and counted ids, no id is admitted or counted any more. Looked at
  // before the step, whose ids may go beyond; 0: no bound.
  int64_t max_rows = 0;
  // Whether slow copies will be read before the store learns.
  bool reads_slow = false;
  // The day of the log that the batch is of, since 1970-01-01; 0: none, and nothing is noted.
  uint32_t day = 0;
};

struct LearnStep {
  int64_t step = 1;
  // Multiplies the rate of everything but the student's linear weights, and of those.
  double rate_scale = 1, student_scale = 1;
};

// The gradients of the rows that a step handed out, added up over their occurrences. From any thread.
class RowGradients {
 public:
  enum class Kind {
    kNone,  // no occurrence was this row's: it isn't updated
    kFinite,
    kNotFinite
  };
  virtual ~RowGradients() = default;
  // Rows of the table that have a gradient.
  virtual int64_t rows(int table) const = 0;
  // gradient: [width]. `place` as in TableRows::rows.
  virtual Kind Get(int table, uint32_t place, float* gradient) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_ROW_TRAINING_H_
