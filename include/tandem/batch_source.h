// The window as a stream of batches: days in order, blocks shuffled from the seed, read ahead on a thread of
// its own.
//
//   BatchSource source(fs, experiment, schema, days, run_dir + "/quarantine", LogPosition{});
//   for (;;) {
//     TANDEM_ASSIGN_OR_RETURN(const LogEvent* event, source.Next());
//     if (event->kind == LogEvent::kBatch) trainer.Step(event->batch) ...
//   }
//
// A block of train.shuffle_rows rows of a day (rounded up to whole batches) is permuted as a function of
// (seed, pass, day, block), so that a place in the log is four integers, and a run goes on from any of them
// with the batches it would have had. Batches don't cross days, unless train.batches_cross_days: then the
// rows that make no whole batch at the end of a day, in their permuted order, begin the next day's first
// block, and a run that goes on reads the days of its pass anew from the first one. A batch is of the day in
// which it ends; the pass ends with what is left. Malformed rows are set aside, counted and judged in the
// first pass, and skipped in the others.
//
// Rows without a label (data.unlabelled) make batches of their own, evenly spread among those of the block
// during which they were read: batches of rows with a label are what they would be without them. A block's
// worth of them is a block by itself.
//
// `choice` leaves rows out: batches are what they would be if the log had no others.
//
// Not thread-safe: one caller. The destructor stops the reading thread.
#ifndef TANDEM_BATCH_SOURCE_H_
#define TANDEM_BATCH_SOURCE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/batch.h"
#include "tandem/day_files.h"
#include "tandem/day_watch.h"
#include "tandem/file_system.h"
#include "tandem/row_choice.h"
#include "tandem/row_fault.h"
#include "tandem/schema.h"

namespace tandem {

namespace proto {
class Experiment;
class Train;
}  // namespace proto

// A place in the log, before a batch.
struct LogPosition {
  int pass = 0;
  int day = 0;    // index into the window's days
  int block = 0;  // of the day
  int batch = 0;  // of the block; what is beyond its end counts on in the next one
};

// Rows of a day in the first pass.
struct RowCounts {
  int64_t good = 0;
  int64_t unlabelled = 0;  // of the good ones that aren't held out
  int64_t held_out = 0;    // of the good ones
  std::array<int64_t, kRowFaults> bad = {};
};

// What the labels of some rows add up to.
struct LabelSums {
  int64_t rows = 0;
  double weight = 0, positives = 0;  // sums of weights
};

struct LogEvent {
  enum Kind {
    kBatch,   // `batch` is to be trained on
    kDayEnd,  // the day `day` of pass `pass` is over
    kEnd,     // all passes are over
  };
  Kind kind = kEnd;
  int pass = 0;
  int day = 0;
  Batch batch;
  LabelSums block_labels;   // kBatch: of the block that the batch is of
  LogPosition next;         // where a run would go on after this event
  RowCounts day_rows;       // kDayEnd of the first pass: rows of that day
  int64_t day_batches = 0;  // kDayEnd: batches of the day
};

class BatchSource {
 public:
  // `fs`, `experiment`, `schema` and `watch` (may be null) outlive the source.
  BatchSource(FileSystem& fs, const proto::Experiment& experiment, const Schema& schema,
              std::vector<Day> days, const std::string& quarantine_directory, const LogPosition& start,
              const RowChoice& choice = {}, DayWatch* watch = nullptr);
  ~BatchSource();

  // The next event, valid until the next call. DataErrors of the files are passed on in their place: batches
  // before them come first.
  absl::StatusOr<const LogEvent*> Next();

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace tandem

#endif  // TANDEM_BATCH_SOURCE_H_
