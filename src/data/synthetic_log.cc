#include "src/data/synthetic_log.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "src/data/synthetic.h"
#include "src/util/aside.h"
#include "src/util/json_text.h"
#include "tandem/durable_files.h"
#include "tandem/status.h"
#include "tandem/threads.h"

namespace tandem {
namespace {

// Shares of a day's rows by hour, in thousandths: quiet nights, a peak in the evening.
constexpr int kHourShare[24] = {22, 14, 9,  7,  7,  11, 20, 32, 43, 48, 50, 51,
                                54, 53, 51, 50, 51, 54, 60, 68, 75, 72, 59, 39};

// Rows of a day are in time order.
int HourOfRow(int64_t index, int64_t rows) {
  const double thousandths = 1000.0 * static_cast<double>(index) / static_cast<double>(rows);
  double passed = 0;
  for (int hour = 0; hour < 23; ++hour) {
    passed += kHourShare[hour];
    if (thousandths < passed) return hour;
  }
  return 23;
}

// A gzip file, without a time in its header, under a name of its own until it is whole.
class GzipFile {
 public:
  GzipFile(FileSystem& fs, const std::string& directory, const std::string& name)
      : fs_(fs), path_(absl::StrCat(directory, "/", name)) {}
  ~GzipFile() {
    if (open_) deflateEnd(&stream_);
  }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  absl::Status Open() {
    TANDEM_ASSIGN_OR_RETURN(Aside aside, Aside::File(fs_, path_));
    aside_.emplace(std::move(aside));
    TANDEM_ASSIGN_OR_RETURN(file_, fs_.OpenForAppend(aside_->path(), 0));
    constexpr int kLevel = 3, kGzipWindow = 15 + 16, kMemory = 9;
    if (deflateInit2(&stream_, kLevel, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
      return absl::InternalError(absl::StrCat(path_, ": zlib has no memory"));
    }
    open_ = true;
    return absl::OkStatus();
  }

  absl::Status Append(absl::string_view text) { return Deflate(text, Z_NO_FLUSH); }

  absl::Status Finish() {
    TANDEM_RETURN_IF_ERROR(Deflate("", Z_FINISH));
    TANDEM_RETURN_IF_ERROR(file_->Sync());
    TANDEM_RETURN_IF_ERROR(file_->Close());
    return aside_->Commit();
  }

 private:
  absl::Status Deflate(absl::string_view text, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&stream_, flush);
      const size_t size = buffer_.size() - stream_.avail_out;
      if (size > 0) TANDEM_RETURN_IF_ERROR(file_->Append(absl::string_view(buffer_.data(), size)));
    } while (stream_.avail_out == 0);
    return absl::OkStatus();
  }

  FileSystem& fs_;
  const std::string path_;
  std::optional<Aside> aside_;
  std::unique_ptr<WritableFile> file_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  z_stream stream_ = {};
  bool open_ = false;
};

// Counts clicks by the true logit, so that the AUC needs no row kept. Bins are 2^-11 wide.
class BayesTally {
 public:
  BayesTally() : negatives_(kBins), positives_(kBins) {}

  void Add(double logit, bool label) {
    const double place = (logit + kRange) * kBinsPerUnit;
    const int bin = static_cast<int>(std::clamp(place, 0.0, kBins - 1.0));
    ++(label ? positives_ : negatives_)[bin];
    loss_ += label ? std::log1p(std::exp(-logit)) : std::log1p(std::exp(logit));
  }

  // The counts only: a sum of losses would depend on the order of the merges.
  void MergeCounts(const BayesTally& other) {
    for (int bin = 0; bin < kBins; ++bin) {
      negatives_[bin] += other.negatives_[bin];
      positives_[bin] += other.positives_[bin];
    }
  }

  SyntheticSummary Summary() const {
    // Pairs that the logit puts in the right order, ties half.
    double pairs = 0;
    int64_t negatives = 0, positives = 0;
    for (int bin = 0; bin < kBins; ++bin) {
      pairs += static_cast<double>(positives_[bin]) *
               (static_cast<double>(negatives) + 0.5 * static_cast<double>(negatives_[bin]));
      negatives += negatives_[bin];
      positives += positives_[bin];
    }
    SyntheticSummary summary;
    summary.rows = negatives + positives;
    summary.positives = positives;
    if (negatives > 0 && positives > 0) {
      summary.bayes_auc = pairs / (static_cast<double>(negatives) * static_cast<double>(positives));
    }
    if (summary.rows > 0) summary.bayes_logloss = loss_ / static_cast<double>(summary.rows);
    return summary;
  }

 private:
  static constexpr int kRange = 16, kBinsPerUnit = 2048, kBins = 2 * kRange * kBinsPerUnit;
  std::vector<int64_t> negatives_, positives_;
  double loss_ = 0;
};

// One file of the log.
struct FileTask {
  std::string name;
  SyntheticDay day;
  int64_t rows = 0;
};

absl::Status WriteFile(FileSystem& fs, const std::string& directory, const SyntheticTruth& truth,
                       const FileTask& task, BayesTally* tally) {
  constexpr size_t kFlushBytes = 1 << 20;
  GzipFile file(fs, directory, task.name);
  TANDEM_RETURN_IF_ERROR(file.Open());
  std::string text = absl::StrCat(absl::StrJoin(SyntheticTruth::Columns(), "\t"), "\n");
  for (int64_t index = 0; index < task.rows; ++index) {
    const SyntheticRow row = truth.Draw(task.day, index, HourOfRow(index, task.rows));
    tally->Add(row.logit, row.label);
    SyntheticTruth::AppendLine(row, &text);
    if (text.size() >= kFlushBytes) {
      TANDEM_RETURN_IF_ERROR(file.Append(text));
      text.clear();
    }
  }
  TANDEM_RETURN_IF_ERROR(file.Append(text));
  return file.Finish();
}

absl::StatusOr<absl::CivilDay> CheckOptions(const SyntheticOptions& options) {
  const auto in_range = [](absl::string_view name, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return absl::OkStatus();
    return ConfigError(name, ": ", value, " is out of range: ", low, " to ", high);
  };
  if (options.output.empty()) return ConfigError("output: name the directory to write");
  TANDEM_RETURN_IF_ERROR(in_range("days", options.days, 1, 10000));
  TANDEM_RETURN_IF_ERROR(in_range("rows_per_day", options.rows_per_day, 1, 1000000000));
  TANDEM_RETURN_IF_ERROR(in_range("holdout_rows", options.holdout_rows, 0, 1000000000));
  TANDEM_RETURN_IF_ERROR(in_range("vocabulary", options.vocabulary, 100, 1000000000));
  TANDEM_RETURN_IF_ERROR(in_range("threads", options.threads, 0, 1024));
  absl::CivilDay begin;
  if (!absl::ParseCivilTime(options.begin_date, &begin)) {
    return ConfigError("begin_date: ", options.begin_date, " is not a date: YYYY-MM-DD");
  }
  return begin;
}

std::vector<FileTask> PlanFiles(const SyntheticOptions& options, absl::CivilDay begin) {
  std::vector<FileTask> tasks;
  for (int day = 0; day < options.days; ++day) {
    const absl::CivilDay date = begin + day;
    const int weekday = static_cast<int>(absl::GetWeekday(date));
    tasks.push_back({absl::StrCat(absl::FormatCivilTime(date), ".tsv.gz"),
                     {SyntheticStream::kLog, day, weekday},
                     options.rows_per_day});
  }
  if (options.holdout_rows > 0) {
    FileTask holdout = tasks.back();
    holdout.name = "holdout.tsv.gz";
    holdout.day.stream = SyntheticStream::kHoldout;
    holdout.rows = options.holdout_rows;
    tasks.push_back(holdout);
  }
  return tasks;
}

double MeanLogloss(const std::vector<SyntheticSummary>& days) {
  double loss = 0;
  int64_t rows = 0;
  for (const SyntheticSummary& day : days) {
    loss += day.bayes_logloss * static_cast<double>(day.rows);
    rows += day.rows;
  }
  return loss / static_cast<double>(rows);
}

std::string SummaryJson(const SyntheticSummary& summary) {
  return absl::StrFormat(
      R"({"rows": %d, "positives": %d, "ctr": %.6f, "bayes_auc": %.6f, "bayes_logloss": %.6f})", summary.rows,
      summary.positives, summary.click_rate(), summary.bayes_auc, summary.bayes_logloss);
}

std::string TruthJson(const SyntheticOptions& options, const SyntheticTruth& truth,
                      const std::vector<FileTask>& tasks, const SyntheticReport& report) {
  std::vector<std::string> files;
  for (size_t k = 0; k < tasks.size(); ++k) {
    const SyntheticSummary& summary = k < report.days.size() ? report.days[k] : report.holdout;
    files.push_back(absl::StrCat("    \"", tasks[k].name, "\": ", SummaryJson(summary)));
  }
  return absl::StrCat(
      "{\n  \"about\": \"Synthetic click log; docs/synthetic_log.md says what the terms mean\",\n  "
      "\"seed\": ",
      options.seed, ",\n  \"vocabulary\": ", options.vocabulary,
      ",\n  \"total\": ", SummaryJson(report.total), ",\n", truth.DescribeAsJson(), ",\n  \"files\": {\n",
      absl::StrJoin(files, ",\n"), "\n  }\n}\n");
}

}  // namespace

absl::Status CheckLogDirectory(FileSystem& fs, const std::string& directory) {
  if (!fs.Exists(directory)) return absl::OkStatus();
  if (!fs.IsDirectory(directory)) return ConfigError(directory, " is a file, where a log wants a directory");
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(directory));
  if (names.empty()) return absl::OkStatus();
  return ConfigError(directory, " is not empty; a log of one truth wants a directory of its own");
}

std::string SyntheticReportToJson(const SyntheticReport& report) {
  const auto reached = [](const SyntheticSummary& summary) {
    return nlohmann::ordered_json{{"rows", summary.rows},
                                  {"ctr", summary.click_rate()},
                                  {"bayes_auc", summary.bayes_auc},
                                  {"bayes_logloss", summary.bayes_logloss}};
  };
  nlohmann::ordered_json json = reached(report.total);
  json["fields"] = report.columns.size() - 1;
  json["days"] = report.days.size();
  if (report.holdout.rows > 0) json["holdout"] = reached(report.holdout);
  json["truth"] = report.truth;
  return JsonText(json);
}

absl::StatusOr<SyntheticReport> WriteSyntheticLog(FileSystem& fs, const SyntheticOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(const absl::CivilDay begin, CheckOptions(options));
  TANDEM_RETURN_IF_ERROR(fs.CreateDirectories(options.output));
  const std::string truth_path = absl::StrCat(options.output, "/TRUTH.json");
  // A truth beside files that it doesn't describe would mislead, should this stop half way.
  if (fs.Exists(truth_path)) TANDEM_RETURN_IF_ERROR(fs.RemoveAll(truth_path));

  const SyntheticTruth truth(options.seed, options.vocabulary);
  const std::vector<FileTask> tasks = PlanFiles(options, begin);
  const int count = static_cast<int>(tasks.size());
  std::vector<absl::Status> statuses(count);
  std::vector<SyntheticSummary> summaries(count);
  std::mutex mutex;
  BayesTally total;
  Workers workers(options.threads);
  workers.ForEach(count, [&](int task, int) {
    BayesTally tally;
    statuses[task] = WriteFile(fs, options.output, truth, tasks[task], &tally);
    summaries[task] = tally.Summary();
    if (tasks[task].day.stream != SyntheticStream::kLog) return;
    std::lock_guard<std::mutex> lock(mutex);
    total.MergeCounts(tally);
  });
  for (const absl::Status& status : statuses) TANDEM_RETURN_IF_ERROR(status);

  SyntheticReport report;
  report.truth = truth_path;
  report.columns = SyntheticTruth::Columns();
  for (const FileTask& task : tasks) report.files.push_back(absl::StrCat(options.output, "/", task.name));
  report.days.assign(summaries.begin(), summaries.begin() + options.days);
  if (options.holdout_rows > 0) report.holdout = summaries.back();
  report.total = total.Summary();
  report.total.bayes_logloss = MeanLogloss(report.days);
  TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, truth_path, TruthJson(options, truth, tasks, report)));
  return report;
}

}  // namespace tandem
