// What a run says while it trains: metrics.jsonl for programs, log lines or a progress line for people.
#ifndef TANDEM_SRC_TRAIN_RUN_LOG_H_
#define TANDEM_SRC_TRAIN_RUN_LOG_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/checkpoint.h"
#include "tandem/files.h"
#include "tandem/loss.h"

namespace tandem {

// metrics.jsonl: one JSON object a line, "step" first. Not thread-safe.
class RunLog {
 public:
  // Goes on after the lines up to `step` and to the `days`-th day's; what a run that was killed wrote after
  // its checkpoint, or half wrote, is dropped.
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(FileSystem& fs, const std::string& path, int64_t step,
                                                      int days);

  // {"step":400,"day":"2000-11-20","rows":409600,"losses":{"total":...,"teacher_label":...,...},"rows_per_second":...}
  // Of a batch of rows without a label ("labelled" false) the label terms are null.
  absl::Status LogStep(int64_t step, const std::string& day, int64_t rows, const LossTerms& losses,
                       bool labelled, double rows_per_second);
  // {"step":400,"day":"2000-11-20","rows":15000,"progressive":{"teacher":{"auc":...},"student":{...}}}
  absl::Status LogDay(int64_t step, const std::string& day, const DayProgress& progress, bool with_groups);
  // A line of the caller's own, which begins {"step": as all do.
  absl::Status LogLine(const std::string& json);
  absl::Status Sync();

 private:
  explicit RunLog(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  std::unique_ptr<WritableFile> file_;
};

}  // namespace tandem

#endif  // TANDEM_SRC_TRAIN_RUN_LOG_H_
