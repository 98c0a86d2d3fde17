#include "src/online/online_report.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/train/run_files.h"
#include "src/util/json_text.h"
#include "src/util/progress.h"
#include "tandem/experiment.pb.h"
#include "tandem/metrics.h"
#include "tandem/row_fault.h"
#include "tandem/state.pb.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// Lines about times that were wrong.
constexpr int kTimeWarnings = 10;
constexpr double kSecondsBetweenLines = 5;

// Whether the log ends with the window's metrics of this step.
bool EndsWithStep(absl::string_view log, int64_t step) {
  const size_t last = log.rfind("\n{\"step\":");
  const absl::string_view line = log.substr(last == absl::string_view::npos ? 0 : last + 1);
  return absl::StrContains(line, "\"window\":") &&
         absl::StartsWith(line, absl::StrCat("{\"step\":", step, ","));
}

}  // namespace

OnlineReport::OnlineReport(Clock& clock, RunObserver* observer, const proto::Experiment& experiment,
                           const proto::RunState& run, const proto::OnlineState& stream)
    : clock_(clock),
      observer_(observer),
      experiment_(experiment),
      run_(run),
      stream_(stream),
      reported_at_(clock.Now()),
      reported_rows_(run.rows_trained()),
      where_at_(clock.Now()) {}

absl::StatusOr<std::unique_ptr<OnlineReport>> OnlineReport::Open(
    FileSystem& fs, Clock& clock, RunObserver* observer, const proto::Experiment& experiment,
    const std::string& run_dir, const proto::RunState& run, const proto::OnlineState& stream) {
  std::unique_ptr<OnlineReport> report(new OnlineReport(clock, observer, experiment, run, stream));
  const std::string path = RunMetricsPath(run_dir);
  TANDEM_ASSIGN_OR_RETURN(report->log_,
                          RunLog::Open(fs, path, run.step(), /*days=*/std::numeric_limits<int>::max()));
  TANDEM_ASSIGN_OR_RETURN(const std::string log, fs.ReadFile(path));
  if (EndsWithStep(log, run.step())) report->logged_step_ = run.step();
  return report;
}

int64_t OnlineReport::RunStep() const { return run_.step(); }

absl::Status OnlineReport::Step(const Learner& learner, const LossTerms* losses, int64_t waiting) {
  const double now = clock_.Now();
  const double rate =
      static_cast<double>(run_.rows_trained() - reported_rows_) / std::max(1e-9, now - reported_at_);
  reported_at_ = now;
  reported_rows_ = run_.rows_trained();
  logged_step_ = run_.step();
  const Metrics metrics = learner.window().Compute(!experiment_.data().group_column().empty());
  Json line;
  line["step"] = run_.step();
  line["rows"] = run_.rows_trained();
  line["offset"] = stream_.offset();
  if (losses != nullptr) line["loss"] = losses->student_label;
  line["window"] = Json::parse(MetricsToJson(metrics));
  line["window"]["rows"] = learner.window().rows();
  line["waiting"] = waiting;
  TANDEM_ASSIGN_OR_RETURN(line["embedding_rows"], learner.model().embedding().rows());
  line["ids_refused"] = stream_.ids_refused();
  line["rollbacks"] = stream_.rollbacks();
  line["rows_per_second"] = rate;
  const auto text = [](const std::optional<double>& value) {
    return value.has_value() ? absl::StrFormat("%.4f", *value) : std::string("undefined");
  };
  LOG(INFO) << "step " << run_.step() << ": " << FormatCount(run_.rows_trained()) << " rows; last "
            << FormatCount(learner.window().rows()) << ": AUC " << text(metrics.auc) << ", log loss "
            << text(metrics.logloss) << ", COPC " << text(metrics.copc);
  TANDEM_RETURN_IF_ERROR(log_->LogLine(JsonText(line)));
  if (observer_ == nullptr || losses == nullptr) return absl::OkStatus();
  return observer_->OnStep({run_.step(), /*day=*/"", run_.rows_trained(), *losses, /*labelled=*/true, rate});
}

void OnlineReport::Where(int64_t waiting) {
  const double now = clock_.Now();
  if (now - where_at_ < kSecondsBetweenLines) return;
  where_at_ = now;
  LOG(INFO) << "at byte " << FormatCount(stream_.offset()) << ", row " << FormatCount(stream_.numbers())
            << " of the stream: step " << run_.step() << ", " << FormatCount(run_.rows_trained())
            << " rows trained"
            << (stream_.rows_before_cut() > 0
                    ? absl::StrCat(", ", FormatCount(stream_.rows_before_cut()), " known to the base")
                    : "")
            << (waiting > 0 ? absl::StrCat(", ", FormatCount(waiting), " wait") : "");
}

absl::Status OnlineReport::NewBase(const std::string& checkpoint) {
  reported_rows_ = 0;
  wrong_times_ = 0;
  Json line;
  line["step"] = run_.step();
  line["event"] = "base";
  line["base"] = run_.base_id();
  line["offset"] = stream_.offset();
  LOG(INFO) << "a new base, " << checkpoint << ": starting over from it at byte " << stream_.offset()
            << " of the stream";
  return log_->LogLine(JsonText(line));
}

absl::Status OnlineReport::Accepted(double logloss, const std::string& why) {
  LOG(WARNING) << why << ": accepted as the new level";
  Json line;
  line["step"] = run_.step();
  line["event"] = "accepted";
  line["logloss"] = logloss;
  return log_->LogLine(JsonText(line));
}

absl::Status OnlineReport::RolledBack(int64_t to_step, const std::string& why) {
  Json line;
  line["step"] = run_.step();
  line["event"] = "rollback";
  line["to"] = to_step;
  line["why"] = why;
  return log_->LogLine(JsonText(line));
}

void OnlineReport::WrongTimes(const std::string& input, const LabelQueue& queue) {
  for (; wrong_times_ < queue.times_wrong(); ++wrong_times_) {
    if (wrong_times_ >= kTimeWarnings) continue;
    LOG(WARNING) << input << ": a time, " << absl::StrFormat("%.0f", queue.last_wrong())
                 << ", far ahead of the rows before and after it; its row waits as one of theirs"
                 << (wrong_times_ + 1 == kTimeWarnings ? " (not said again)" : "");
  }
}

void LogRows(const proto::RunState& run, const proto::OnlineState& stream, int64_t waiting) {
  int64_t bad = 0;
  std::array<int64_t, kRowFaults> by_fault = {};
  for (int fault = 0; fault < stream.rows_bad_size(); ++fault)
    bad += by_fault[fault] = stream.rows_bad(fault);
  LOG(INFO) << FormatCount(stream.rows_before_cut() + stream.rows_good() + stream.rows_unlabelled() + bad)
            << " rows read = " << FormatCount(run.rows_trained()) << " trained + " << FormatCount(waiting)
            << " waiting + " << FormatCount(stream.clicks_joined()) << " clicks joined + "
            << FormatCount(stream.rows_before_cut()) << " known to the base + "
            << (stream.rows_unlabelled() > 0
                    ? absl::StrCat(FormatCount(stream.rows_unlabelled()), " without a label + ")
                    : "")
            << FormatCount(bad) << " quarantined"
            << (bad > 0 ? absl::StrCat(" (", FaultCounts(by_fault), ")") : "")
            << (stream.rows_passed_over() > 0 ? absl::StrCat("; ", FormatCount(stream.rows_passed_over()),
                                                             " blank lines and repeated headers passed over")
                                              : "");
  if (stream.rollbacks() > 0)
    LOG(WARNING) << "rolled back " << stream.rollbacks() << (stream.rollbacks() == 1 ? " time" : " times")
                 << ": the model learned what made it worse, and went back (docs/online.md)";
  if (stream.released_early() > 0)
    LOG(WARNING) << FormatCount(stream.released_early())
                 << " rows went before their label's time (online.label_queue_rows)";
  if (stream.ids_refused() > 0)
    LOG(WARNING) << FormatCount(stream.ids_refused())
                 << " occurrences of new ids were served by out-of-vocabulary rows (online.max_rows)";
}

}  // namespace tandem
