// What a run says to programs while it trains: metrics.jsonl, an object a line, "step" first, "format" last.
//
//   TANDEM_ASSIGN_OR_RETURN(auto log, RunLog::Open(fs, "run/metrics.jsonl", step, days));
//   TANDEM_RETURN_IF_ERROR(log->OnStep(report));
//   TANDEM_RETURN_IF_ERROR(log->Sync());                     // before a checkpoint knows of the step
//
// Errors are those of the file system. Not thread-safe.
#ifndef TANDEM_SRC_TRAIN_RUN_LOG_H_
#define TANDEM_SRC_TRAIN_RUN_LOG_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/file_system.h"
#include "tandem/run_observer.h"

namespace tandem {

class RunLog : public RunObserver {
 public:
  // Goes on after the lines up to `step` and to the `days`-th day's; what a run that was killed wrote after
  // its checkpoint, or half wrote, is dropped. A ModelError where a line is of a format that isn't read.
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(FileSystem& fs, const std::string& path, int64_t step,
                                                      int days);

  // {"step":400,"day":"2000-11-20","rows":409600,"losses":{"total":...,...},"rows_per_second":...,"format":2}
  // Of a batch of rows without a label the label terms are null.
  absl::Status OnStep(const StepReport& step) override;
  // {"step":400,"day":"2000-11-20","rows":15000,"malformed":0,"clicks":4711,"progressive":{"student":{...}}}
  // Rows that were scored.
  absl::Status OnDay(const DayReport& day) override;
  // {"step":400,"rows":1500,"pass":2,"validation":{"student":{...}},"best":true}
  // In the student phase "portion" in place of "pass".
  absl::Status OnValidation(const ValidationReport& validation) override;
  // The caller's own, which begins {"step": as all do; "format" is added.
  absl::Status LogLine(const std::string& json);
  absl::Status Sync();

 private:
  explicit RunLog(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  std::unique_ptr<WritableFile> file_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_LOG_H_
