// Stores whose rows are in another process: what a run on rows elsewhere goes through, in a test.
//
//   RowProcess process({.seed = 3, .shuffles = true});
//   options.row_stores = process.stores();
//   TrainRun(experiment, options);
//
// The process keeps a LocalRowStore for each store that was made, and answers over a socket. A call on all
// tables is a message a table, and so are its answers, which may come in any order, late, or be refused to be
// asked again. Fork it before there are threads. Stores must not outlive it.
#ifndef TANDEM_TESTS_SUPPORT_REMOTE_ROWS_H_
#define TANDEM_TESTS_SUPPORT_REMOTE_ROWS_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "tandem/row_store.h"
#include "tandem/row_store_factory.h"

namespace tandem {

struct RowFaults {
  uint64_t seed = 1;
  // Answers of one call come in an order drawn from the seed, each after up to so many microseconds.
  bool shuffles = false;
  int delay_microseconds = 0;
  // The share of messages that are refused the first time.
  double refused = 0;
  // The call of Learn at which the process ends, or refuses whatever it is asked from then on; 0: never.
  int dies_at_learn = 0;
  int refuses_from_learn = 0;
};

class RowProcess {
 public:
  explicit RowProcess(const RowFaults& faults);
  ~RowProcess();
  RowProcess(const RowProcess&) = delete;
  RowProcess& operator=(const RowProcess&) = delete;

  RowStoreFactory stores();
  // Messages that were sent again because they were refused.
  int64_t asked_again() const;

  struct Line;  // to the process

 private:
  pid_t pid_;
  std::shared_ptr<Line> line_;
};

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_REMOTE_ROWS_H_
