// The daily routine: a model for each date, trained, judged, exported and published.
#include <glog/logging.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "src/config/optimizers.h"
#include "src/daily/day_ledger.h"
#include "src/daily/day_log.h"
#include "src/daily/gate.h"
#include "src/metrics/paired_error.h"
#include "src/serve/publisher.h"
#include "src/train/run_config.h"
#include "src/train/run_directory.h"
#include "src/util/links.h"
#include "tandem/checkpoint.h"
#include "tandem/daily.h"
#include "tandem/day_files.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/model_directory.h"
#include "tandem/predictor.h"
#include "tandem/run.h"
#include "tandem/score_files.h"
#include "tandem/served_model.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// More training of a model that has been trained: a constant rate, a share of the one it had.
proto::Experiment Continued(proto::Experiment experiment, double lr_multiplier) {
  proto::Train& train = *experiment.mutable_train();
  train.clear_schedule();
  experiment.mutable_model()->mutable_distill()->clear_schedule();
  train.set_epochs(experiment.daily().finetune_epochs());
  ScaleRates(lr_multiplier, &experiment);
  ResolveDefaults(&experiment);
  return experiment;
}

class DailyRun {
 public:
  DailyRun(const proto::Experiment& experiment, const DailyOptions& options)
      : experiment_(experiment),
        options_(options),
        fs_(*options.file_system),
        log_(fs_, experiment),
        ledger_(fs_, options.run_dir),
        publisher_(fs_, options.run_dir, KernelsOrBest(options.kernels)) {}

  absl::StatusOr<DailySummary> Run();

 private:
  absl::Status Begin();
  // False at the end of the log, or where a signal stopped the training.
  absl::StatusOr<bool> DoDate(absl::CivilDay date);
  // What a date's training left; no `model` where a signal stopped it.
  struct Trained {
    std::string model;             // the checkpoint that is judged
    std::string without_finetune;  // the one before daily.finetune; "" without it
  };
  absl::StatusOr<Trained> Train(const std::string& date, const std::vector<Day>& window, Json* line);
  // One run in the date's folder; its last checkpoint, "" where a signal stopped it.
  absl::StatusOr<std::string> TrainPart(proto::Experiment experiment, const std::string& run_dir,
                                        std::vector<Day> days, const std::string& init_from);
  absl::Status Judge(const std::string& date, const Trained& trained, const std::vector<Day>& window,
                     const Day& next_day, Json* line);
  // The scores of a checkpoint or a bundle on a day's labelled rows.
  absl::StatusOr<TowerLogs> Score(const std::string& model, const Day& day) const;
  absl::Status Finish(Json line);
  // Points `published` at the last date that passed, and removes what isn't needed any more.
  absl::Status Settle();
  std::string DateDirectory(const std::string& date) const { return options_.run_dir + "/days/" + date; }
  // In the run's directory.
  static std::string BundleOf(const std::string& date) { return "days/" + date + "/bundle"; }

  const proto::Experiment& experiment_;
  const DailyOptions& options_;
  FileSystem& fs_;
  std::optional<RunDirectory> directory_;
  DayLog log_;
  DayLedger ledger_;
  const Publisher publisher_;
  std::string verdict_;  // against the date's model
  DailySummary summary_;
};

absl::Status DailyRun::Begin() {
  TANDEM_ASSIGN_OR_RETURN(directory_, RunDirectory::Open(fs_, options_.run_dir, options_.resume));
  if (directory_->fresh()) {
    TANDEM_RETURN_IF_ERROR(directory_->Claim(fs_));
    return WriteRunConfig(fs_, options_.run_dir, experiment_);
  }
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, ReadRunConfig(fs_, options_.run_dir));
  TANDEM_RETURN_IF_ERROR(
      CheckSameConfig(options_.run_dir, before, experiment_, ", but for runtime and daily.gate"));
  // A gate may be set anew: from the next date on, and for later calls that don't name it.
  if (before.daily().gate().SerializeAsString() != experiment_.daily().gate().SerializeAsString()) {
    TANDEM_RETURN_IF_ERROR(WriteRunConfig(fs_, options_.run_dir, experiment_));
    LOG(INFO) << "the gate is another one from here on: " << experiment_.daily().gate().ShortDebugString();
  }
  TANDEM_RETURN_IF_ERROR(ledger_.Read(options_.begin_date));
  if (ledger_.days().empty()) return absl::OkStatus();
  const std::string published = ledger_.Published();
  if (!published.empty() && !fs_.Exists(DateDirectory(published) + "/bundle")) {
    return ModelError(options_.run_dir, "/published: the model in place, ", DateDirectory(published),
                      "/bundle, is gone; put that date's folder back from a copy, or begin anew in another "
                      "directory");
  }
  if (!published.empty()) TANDEM_RETURN_IF_ERROR(VerifyDirectory(fs_, DateDirectory(published) + "/bundle"));
  // A run that was killed after the verdict may not have written its tables, nor carried it out.
  TANDEM_RETURN_IF_ERROR(ledger_.Write());
  return Settle();
}

absl::StatusOr<DailySummary> DailyRun::Run() {
  if (!HasDate(experiment_.data().path()))
    return ConfigError("data.path: ", experiment_.data().path(), " has no {date}; daily goes by days");
  absl::CivilDay begin, end;
  for (const auto& [text, day] : {std::make_pair(options_.begin_date, &begin), {options_.end_date, &end}}) {
    if (!absl::ParseCivilTime(text, day) || absl::FormatCivilTime(*day) != text)
      return ConfigError("begin_date, end_date: '", text, "' is not a day (YYYY-MM-DD)");
  }
  if (end < begin)
    return ConfigError("end_date: ", options_.end_date, " is before begin_date ", options_.begin_date);
  {
    // A log that comes later is waited for; one of which nothing is there, before or after, is a slip.
    const absl::CivilDay first = begin - experiment_.train().window_days();
    std::vector<std::string> missing;
    const absl::StatusOr<std::vector<Day>> any =
        FindDays(fs_, experiment_.data().path(), absl::FormatCivilTime(first),
                 absl::FormatCivilTime(end + DayLog::kDaysAhead), &missing);
    if (!any.ok())
      return FindDays(fs_, experiment_.data().path(), options_.begin_date, options_.end_date, &missing)
          .status();
  }
  TANDEM_RETURN_IF_ERROR(Begin());
  for (absl::CivilDay date = begin + static_cast<int>(ledger_.days().size()); date <= end; ++date) {
    const absl::StatusOr<bool> done = DoDate(date);
    if (!done.ok()) {
      const std::string first = DateDirectory(absl::FormatCivilTime(date));
      // Nothing has been trained: a mistake can be mended, and the same call be given again.
      if (ledger_.days().empty() && directory_->fresh() && !fs_.Exists(first + "/train"))
        directory_->Leave(fs_, {"days", kRunConfigFile});
      return done.status();
    }
    if (!*done) break;
  }
  summary_.skipped = ledger_.Count([](const Json& day) { return day.contains("skipped"); });
  summary_.dates = static_cast<int>(ledger_.days().size()) - summary_.skipped;
  summary_.published = ledger_.Count([](const Json& day) { return day.value("published", false); });
  return summary_;
}

absl::StatusOr<bool> DailyRun::DoDate(absl::CivilDay day) {
  const std::string date = absl::FormatCivilTime(day);
  const std::string& path = experiment_.data().path();
  Json line;
  line["date"] = date;
  std::vector<std::string> missing;
  const absl::StatusOr<std::vector<Day>> window =
      FindWindow(fs_, path, date, experiment_.train().window_days(), &missing);
  if (window.status().code() == absl::StatusCode::kInvalidArgument) return window.status();
  const bool has_log = window.ok() && window->back().date == date;
  bool holds_rows = false;
  if (has_log) {
    TANDEM_ASSIGN_OR_RETURN(holds_rows, log_.HoldsRows(window->back()));
  }
  TANDEM_ASSIGN_OR_RETURN(const std::optional<Day> next_day, log_.NextDay(day));
  if (!holds_rows) {
    const std::string reason = has_log ? "no row in the log of the day" : "no log of the day";
    if (!next_day.has_value()) {
      LOG(INFO) << date << ": " << reason << ", nor a later one; waits for it";
      summary_.waits_for = date;
      return false;
    }
    LOG(WARNING) << date << ": " << reason
                 << (has_log ? absl::StrCat(" (", absl::StrJoin(window->back().files, ", "), ")") : "")
                 << "; skipped, the model in place stays";
    line["published"] = false;
    line["skipped"] = reason;
    TANDEM_RETURN_IF_ERROR(Finish(std::move(line)));
    return true;
  }
  if (!missing.empty()) LOG(WARNING) << date << ": no log of " << DayRanges(missing) << " of the window";
  const std::string next_date = absl::FormatCivilTime(day + 1);
  if (!next_day.has_value()) {
    LOG(INFO) << date << ": waits for the log of " << next_date << " or a later one, on which it is judged";
    summary_.waits_for = next_date;
    return false;
  }
  if (next_day->date != next_date) {
    LOG(WARNING) << date << ": no log of " << next_date << "; judged on " << next_day->date << " instead";
  }
  TANDEM_ASSIGN_OR_RETURN(const Trained trained, Train(date, *window, &line));
  if (trained.model.empty()) {
    summary_.stopped_by = *options_.stop;
    return false;
  }
  TANDEM_RETURN_IF_ERROR(Judge(date, trained, *window, *next_day, &line));
  TANDEM_RETURN_IF_ERROR(Finish(std::move(line)));
  return true;
}

absl::StatusOr<std::string> DailyRun::TrainPart(proto::Experiment experiment, const std::string& run_dir,
                                                std::vector<Day> days, const std::string& init_from) {
  // Of few days none is held out as a whole: they are what there is to learn.
  if (experiment.train().validation().days() >= static_cast<int64_t>(days.size())) {
    LOG(INFO) << run_dir
              << ": no more than train.validation.days with a log; all is learned, without validation";
    experiment.mutable_train()->clear_validation();
  }
  RunOptions options;
  options.run_dir = run_dir;
  options.days = std::move(days);
  options.resume = fs_.Exists(run_dir);
  options.init_from = init_from;
  options.terminal = options_.terminal;
  options.stop = options_.stop;
  options.kernels = options_.kernels;
  options.observer = options_.observer;
  options.file_system = options_.file_system;
  options.clock = options_.clock;
  TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(experiment, options));
  if (!summary.verdict.empty()) verdict_ = summary.verdict;
  return summary.stopped_by != 0 ? "" : summary.checkpoint;
}

absl::StatusOr<DailyRun::Trained> DailyRun::Train(const std::string& date, const std::vector<Day>& window,
                                                  Json* line) {
  verdict_.clear();
  const std::string directory = DateDirectory(date);
  const proto::Daily& daily = experiment_.daily();
  const std::string published = ledger_.Published();
  const bool warm = daily.warm() && !published.empty();
  std::vector<Day> days = window;
  std::string init_from;
  if (warm) {
    days.erase(days.begin(), days.end() - std::min<int64_t>(days.size(), daily.warm_days()));
    TANDEM_ASSIGN_OR_RETURN(init_from, ResolveModel(fs_, DateDirectory(published) + "/checkpoint"));
    (*line)["begins_as"] = published;
  }
  (*line)["trained_from"] = days.front().date;
  LOG(INFO) << date << ": training on " << days.front().date << ".." << date
            << (warm ? absl::StrCat(", from the model of ", published) : "");
  Trained trained;
  TANDEM_ASSIGN_OR_RETURN(trained.model,
                          TrainPart(warm ? Continued(experiment_, daily.warm_lr_multiplier()) : experiment_,
                                    directory + "/train", std::move(days), init_from));
  std::string part = "train";
  if (daily.finetune() && !trained.model.empty()) {
    trained.without_finetune = trained.model;
    part = "finetune";
    TANDEM_ASSIGN_OR_RETURN(trained.model,
                            TrainPart(Continued(experiment_, daily.finetune_lr_multiplier()),
                                      directory + "/finetune", {window.back()}, trained.without_finetune));
  }
  if (trained.model.empty()) return trained;
  const std::string name = trained.model.substr(trained.model.rfind('/') + 1);
  TANDEM_RETURN_IF_ERROR(
      PointLink(fs_, directory + "/checkpoint", absl::StrCat(part, "/checkpoints/", name)));
  TANDEM_RETURN_IF_ERROR(publisher_.Export(trained.model, BundleOf(date)));
  return trained;
}

absl::StatusOr<TowerLogs> DailyRun::Score(const std::string& model, const Day& day) const {
  PredictorOptions options;
  options.kernels = options_.kernels;
  options.file_system = &fs_;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served, ServedModel::Open(model, options));
  TANDEM_ASSIGN_OR_RETURN(std::vector<TowerLogs> logs, ScoreFiles({served->current().get()}, day.files));
  return std::move(logs[0]);
}

absl::Status DailyRun::Judge(const std::string& date, const Trained& trained, const std::vector<Day>& window,
                             const Day& next_day, Json* line) {
  const bool with_groups = !experiment_.data().group_column().empty();
  const auto score = [&](const std::string& model) { return Score(model, next_day); };
  const auto json = [&](const Metrics& metrics) { return Json::parse(MetricsToJson(metrics)); };
  if (!trained.without_finetune.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const TowerLogs before, score(trained.without_finetune));
    (*line)["without_finetune"] = json(ComputeMetrics(before.student, with_groups));
  }
  GateFigures figures;
  TANDEM_ASSIGN_OR_RETURN(const DayLog::Rows newest, log_.CountRows(window.back()));
  if (!options_.accept_poor_model) figures.verdict = verdict_;
  figures.newest_rows = newest.good;
  figures.newest_bad = newest.bad;
  for (size_t day = 0; day + 1 < window.size(); ++day) {
    TANDEM_ASSIGN_OR_RETURN(const DayLog::Rows rows, log_.CountRows(window[day]));
    figures.other_days_rows += static_cast<double>(rows.good) / static_cast<double>(window.size() - 1);
  }
  (*line)["rows"] = newest.good;
  (*line)["bad"] = newest.bad;
  (*line)["judged_on"] = next_day.date;

  TANDEM_ASSIGN_OR_RETURN(const TowerLogs scores, score(trained.model));
  figures.candidate = ComputeMetrics(scores.student, with_groups);
  figures.auc_error = AucError(scores.student).value_or(0);
  (*line)["judged_rows"] = figures.candidate.rows;
  if (scores.teacher.rows() > 0) (*line)["teacher"] = json(ComputeMetrics(scores.teacher, with_groups));
  (*line)["student"] = json(figures.candidate);
  const std::string published = ledger_.Published();
  if (!published.empty()) {
    TANDEM_ASSIGN_OR_RETURN(const TowerLogs in_place, score(DateDirectory(published) + "/bundle"));
    figures.in_place = ComputeMetrics(in_place.student, with_groups);
    figures.auc_loss_error = AucError(scores.student, &in_place.student).value_or(0);
    figures.logloss_growth_error = LogLossError(scores.student, in_place.student).value_or(0);
    (*line)["in_place"] = json(*figures.in_place);
    (*line)["in_place"]["date"] = published;
  }
  const std::vector<std::string> reasons = GateReasons(experiment_.daily().gate(), figures);
  (*line)["published"] = reasons.empty();
  (*line)["reasons"] = reasons;
  const auto text = [](const std::optional<double>& value) {
    return value.has_value() ? absl::StrFormat("%.4f", *value) : std::string("undefined");
  };
  LOG(INFO) << date << ": AUC " << text(figures.candidate.auc) << ", log loss "
            << text(figures.candidate.logloss) << ", COPC " << text(figures.candidate.copc) << " on "
            << next_day.date << "; "
            << (reasons.empty() ? "published" : absl::StrCat("held: ", absl::StrJoin(reasons, "; ")));
  return absl::OkStatus();
}

absl::Status DailyRun::Finish(Json line) {
  TANDEM_RETURN_IF_ERROR(ledger_.Add(std::move(line)));
  return Settle();
}

absl::Status DailyRun::Settle() {
  if (ledger_.days().empty()) return absl::OkStatus();
  const std::string published = ledger_.Published();
  if (!published.empty()) TANDEM_RETURN_IF_ERROR(publisher_.Point(BundleOf(published)));
  const std::string newest = ledger_.days().back()["date"];
  // What is later was begun, and goes on.
  return publisher_.Prune("days",
                          [&](const std::string& date) { return date == published || date >= newest; });
}

}  // namespace

absl::StatusOr<DailySummary> RunDaily(const proto::Experiment& experiment, const DailyOptions& options) {
  return DailyRun(experiment, options).Run();
}

}  // namespace tandem
