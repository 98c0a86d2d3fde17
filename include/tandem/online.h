// Online learning: a student of its own that goes on learning from a stream of samples, and is published as
// it learns.
//
//   TANDEM_ASSIGN_OR_RETURN(Base base, FindBase(fs, "daily/published"));
//   OnlineOptions options;
//   options.run_dir = "online";
//   options.init_from = "daily/published";
//   options.input = "clicks.tsv";
//   options.follow = true;
//   TANDEM_ASSIGN_OR_RETURN(OnlineSummary summary, LearnOnline(OnlineExperiment(experiment), options));
//
// The student begins as its base's: the MLP, and the rows that it is served on, copied. It is trained as
// STUDENT_ALONE by the ordinary trainer; base and teacher are never touched. run_dir holds what a run's does
// (tandem/run.h): config.pbtxt, metrics.jsonl, quarantine/, checkpoints/step-N, which `evaluate`, `predict`,
// `export` and `inspect` read as any; and bundles/step-N with the link `published` to the newest of them.
//
// Life of a row: read; checked (malformed: quarantine); waits for its label, if online.label_delay asks for
// it; joins the micro-batch; is scored as a server would score it, for the window's metrics; trained on. A
// place in the stream is a byte offset. A checkpoint holds the place, the rows that wait and those of the
// micro-batch at hand: killed at any moment and resumed on the same stream, a run loses no row and counts
// none twice; with micro-batches and checkpoints by count it ends in the bits of the run that wasn't killed.
// Rows are read when they are wanted: a writer to a pipe waits, and memory is bounded by the tables
// (online.max_rows), the window and the queue (online.label_queue_rows).
//
// Steps count micro-batches; a roll-back of the guard and a new base count as a step each, too.
//
// Where init_from is a link (`published` of a daily run) and leads to another bundle than before, the student
// starts over from that one, and the stream is replayed from the end of the base's last day (by
// online.time_column). From standard input nothing can be replayed: the new base is taken by the next
// call that resumes, which is fed the whole stream again.
//
// One caller a run_dir: another process is refused (a ConfigError).
#ifndef TANDEM_ONLINE_H_
#define TANDEM_ONLINE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// What a student begins as.
struct Base {
  std::string checkpoint;
  std::string id;                 // the model id that an export of it has
  std::vector<std::string> days;  // it was trained on
  // The end of the last day that it was trained on, seconds since 1970 (UTC): samples before are the base's.
  // Not set for logs without days.
  std::optional<double> cut;
  bool published = false;  // a bundle: the stream must tell which samples are the base's
  std::string verdict;     // why it should not be served (tandem/poor_model.h); "": nothing against it
};

// `init_from` is a run, a checkpoint, or a daily run's bundle, beside which lies the checkpoint that it was
// exported from. Verified whole.
absl::StatusOr<Base> FindBase(FileSystem& fs, const std::string& init_from);

// What a base's experiment, overrides applied, becomes for learning online: STUDENT_ALONE, rates and
// optimizers as `online` says, no schedule. Resolved.
proto::Experiment OnlineExperiment(proto::Experiment experiment);

struct OnlineOptions {
  std::string run_dir;
  std::string init_from;
  std::string input;  // a file, or "-"
  bool follow = false;
  bool resume = false;
  // A base that should not be served is refused (PoorModelError), unless this says otherwise.
  bool accept_poor_model = false;
  // Set to a signal's number from outside: a checkpoint is written and the call returns.
  const std::atomic<int>* stop = nullptr;
  // Null: the best for this processor.
  const Kernels* kernels = nullptr;
  // Hears of steps that are logged, and of checkpoints (tandem/run_observer.h); null: nobody. Outlives the
  // call. There are no days.
  RunObserver* observer = nullptr;
  FileSystem* file_system = &FileSystem::Default();
  Clock* clock = &Clock::Default();
};

struct OnlineSummary {
  int stopped_by = 0;  // the signal, or 0: the stream is over
  int64_t steps = 0;
  int64_t rows_trained = 0;  // since the base
  int64_t rows_waiting = 0;
  int64_t rollbacks = 0;
  Metrics window;
  std::string checkpoint;  // the last one
};

// `experiment` is an OnlineExperiment, valid. Errors as TrainRun's.
absl::StatusOr<OnlineSummary> LearnOnline(const proto::Experiment& experiment, const OnlineOptions& options);

}  // namespace tandem

#endif  // TANDEM_ONLINE_H_
