// What a run says to people while it trains: a progress line, a line a day, and where its rows went.
//
//   RunProgress progress(fs, experiment, days, passes, terminal, quiet);
//   TANDEM_RETURN_IF_ERROR(progress.OnStep(report));
//   LOG(INFO) << RowsLine(state, trains_unlabelled, learned_held_out);         // at the end
//
// Not thread-safe.
#ifndef TANDEM_SRC_TRAIN_RUN_PROGRESS_H_
#define TANDEM_SRC_TRAIN_RUN_PROGRESS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/config/methods.h"
#include "src/util/progress.h"
#include "tandem/day_files.h"
#include "tandem/file_system.h"
#include "tandem/run_observer.h"

namespace tandem {

namespace proto {
class Experiment;
class RunState;
}  // namespace proto

class RunProgress : public RunObserver {
 public:
  // `passes` over the days in all. `terminal`: the line rewrites itself on stderr; `quiet`: there is none.
  RunProgress(FileSystem& fs, const proto::Experiment& experiment, const std::vector<Day>& days,
              double passes, bool terminal, bool quiet);

  absl::Status OnStep(const StepReport& step) override;
  absl::Status OnDay(const DayReport& day) override;
  absl::Status OnValidation(const ValidationReport& validation) override;
  // The line stands, and the log goes on below it.
  void Finish() { progress_.Finish(); }
  void Warn(const std::string& text);

  // "2000-11-20 step 400: 51,200 rows/s, loss 0.5123 (teacher 0.4411 ...), 3m07s left".
  std::string StepLine(const StepReport& step) const;
  std::string DayLine(const DayReport& day) const;
  // "pass 3, 1,500 rows held out: teacher log loss 0.5012 AUC 0.7712, student log loss 0.5040 AUC 0.7690; the
  // best so far".
  static std::string ValidationLine(const ValidationReport& validation);

 private:
  // From the rows a byte of the days that are done; nothing in the first day.
  std::string TimeLeft(int64_t rows, double rows_per_second) const;

  const MethodPlan plan_;
  const bool reads_stored_logits_, quiet_;
  std::map<std::string, double> bytes_;  // of a day's files
  double total_bytes_ = 0;               // of all passes
  int64_t done_rows_ = 0;                // of the days that are done in the first pass, and
  double done_bytes_ = 0;
  Progress progress_;
};

// "12,000 rows read = 11,990 trained + 10 quarantined (label 10)". `learned_held_out`: the held-out rows were
// trained at last (then_learn).
std::string RowsLine(const proto::RunState& state, bool trains_unlabelled, bool learned_held_out);

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_PROGRESS_H_
