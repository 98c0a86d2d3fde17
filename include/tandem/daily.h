// The daily routine: for each date train on the window that ends there, fine-tune on its newest day, judge on
// the next day, export, and publish if the gate lets it through.
//
//   DailyOptions options;
//   options.run_dir = "daily";
//   options.begin_date = "2000-12-01";
//   options.end_date = "2000-12-31";
//   TANDEM_ASSIGN_OR_RETURN(DailySummary summary, RunDaily(experiment, options));
//
// run_dir holds config.pbtxt; days.jsonl, a line a date that is done; days.md and days.html, the same as a
// table; days/DATE/ of the published date and of the newest one: train/ and finetune/ (runs), checkpoint (a
// link to the last checkpoint of the last of them), bundle/; and `published`, a link to the bundle in place.
//
// Life of a date: (1) days/DATE/train is trained, and resumed where it was interrupted; (2)
// days/DATE/finetune; (3) the bundle is exported; (4) the model and the one in place are scored on the next
// day; (5) the verdict joins days.jsonl; (6) `published` is switched, if the gate let it pass; (7) what isn't
// needed any more is removed. Killed anywhere, the last published model stays in place, and a resumed run
// goes on with the same result: days.jsonl says what is done, and (6) and (7) follow from it. A date without
// a log, or whose log holds no labelled row, is noted and skipped for good, and the date before is judged on
// the next one that has a log, at most 366 days on. At the end of the log, where no later day has one, a date
// waits, and so do those after it: the call returns, and a later one goes on.
//
// One caller a run_dir: another process is refused (a ConfigError).
#ifndef TANDEM_DAILY_H_
#define TANDEM_DAILY_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/clock.h"
#include "tandem/file_system.h"
#include "tandem/kernels.h"
#include "tandem/metrics.h"
#include "tandem/run_observer.h"

namespace tandem {

namespace proto {
class Experiment;
}  // namespace proto

struct DailyOptions {
  std::string run_dir;
  std::string begin_date, end_date;  // YYYY-MM-DD
  bool resume = false;
  // A model that its run's metrics speak against (tandem/poor_model.h) is held back, unless this says
  // otherwise.
  bool accept_poor_model = false;
  // A progress line that rewrites itself on stderr, rather than log lines.
  bool terminal = false;
  // Set to a signal's number from outside: the training at hand writes a checkpoint, and the call returns.
  const std::atomic<int>* stop = nullptr;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // Hears of the trainings, one after the other; null: nobody. Outlives the call.
  RunObserver* observer = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

struct DailySummary {
  int stopped_by = 0;     // the signal, or 0
  int dates = 0;          // that are done, of all calls
  int skipped = 0;        // for want of a log, not among them
  int published = 0;      // of the dates
  std::string waits_for;  // the day whose log is wanted next; "" when all dates are done
};

// `experiment` is resolved and valid. Errors: as TrainRun's; ConfigError for a path without {date};
// ModelError for a resumed run whose model in place is gone.
absl::StatusOr<DailySummary> RunDaily(const proto::Experiment& experiment, const DailyOptions& options);

}  // namespace tandem

#endif  // TANDEM_DAILY_H_
