#include "src/compare/cell_runner.h"

#include <glog/logging.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "src/config/knots.h"
#include "src/serve/tower_times.h"
#include "src/train/run_files.h"
#include "src/util/date.h"
#include "src/util/format_version.h"
#include "src/util/json_text.h"
#include "src/util/progress.h"
#include "tandem/dual_model.h"
#include "tandem/durable_files.h"
#include "tandem/evaluate_model.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/model_directory.h"
#include "tandem/predictor.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// What a killed cell loses at most, where the end of a day would be the only reason for a checkpoint.
constexpr double kSecondsBetweenCheckpoints = 5;

// What a cell has spent so far, kept from one start to the next.
struct Spent {
  double wall = 0, cpu = 0;  // seconds on the clock, and of the processor
  bool partial = false;      // a start that was killed is missing
};

absl::StatusOr<Spent> ReadSpent(FileSystem& fs, const std::string& path) {
  Spent spent;
  if (!fs.Exists(path)) return spent;
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripAsciiWhitespace(text), ' ', absl::SkipEmpty());
  const bool whole =
      words.size() >= 2 && absl::SimpleAtod(words[0], &spent.wall) && absl::SimpleAtod(words[1], &spent.cpu);
  spent.partial = !whole || words.size() > 2;
  return spent;
}

absl::Status WriteSpent(FileSystem& fs, const std::string& path, const Spent& spent) {
  return WriteFileAtomically(
      fs, path, absl::StrFormat("%.3f %.3f%s\n", spent.wall, spent.cpu, spent.partial ? " partial" : ""));
}

double SecondsOf(clockid_t clock) {
  timespec time;
  CHECK_EQ(clock_gettime(clock, &time), 0);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::string NameOf(const PlannedCell& cell) { return absl::StrCat(cell.row, ", seed ", cell.seed); }

std::string Summary(const CompareCell& cell) {
  std::string text;
  const auto add = [&](const char* tower, const std::optional<CompareTower>& result) {
    if (!result.has_value() || !result->metrics.all.auc.has_value()) return;
    absl::StrAppendFormat(&text, "%s AUC %.4f, ", tower, *result->metrics.all.auc);
  };
  add("teacher", cell.teacher);
  add("student", cell.student);
  return text + FormatDuration(cell.train_seconds);
}

}  // namespace

std::string CellRunner::RunDirectory(const PlannedCell& cell) const {
  return absl::StrCat(options_.run_dir, "/runs/", cell.row, "/seed-", cell.seed);
}

std::string CellRunner::CellPath(const PlannedCell& cell, const char* suffix) const {
  return absl::StrCat(options_.run_dir, "/cells/", cell.row, "/seed-", cell.seed, suffix);
}

absl::StatusOr<std::optional<CompareCell>> CellRunner::ReadKept(const PlannedCell& cell) const {
  FileSystem& fs = *options_.file_system;
  const std::string path = CellPath(cell, ".json");
  if (!fs.Exists(path)) return std::optional<CompareCell>();
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  TANDEM_ASSIGN_OR_RETURN(CompareCell kept, CellFromJson(text, path));
  return std::optional<CompareCell>(std::move(kept));
}

absl::Status CellRunner::CheckKept(const PlannedCell& cell) const {
  FileSystem& fs = *options_.file_system;
  TANDEM_ASSIGN_OR_RETURN(const std::optional<CompareCell> kept, ReadKept(cell));
  if (kept.has_value() && kept->config == ConfigChecksum(*cell.experiment)) return absl::OkStatus();
  const std::string config_path = RunConfigPath(RunDirectory(cell));
  std::string difference;
  if (fs.Exists(config_path)) {
    TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(config_path));
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, ParseExperiment(text, config_path));
    proto::Experiment now = *cell.experiment;
    TakeKnots(before, &now);
    difference = ConfigDifferences(before, now, config_path, "this comparison");
  } else if (kept.has_value()) {
    difference = absl::StrCat(CellPath(cell, ".json"), " was measured with another configuration");
  }
  if (difference.empty()) return absl::OkStatus();
  return ConfigError("resume: row ", cell.row, ": ", difference, "; to train the row anew remove ",
                     options_.run_dir, "/runs/", cell.row, " and ", options_.run_dir, "/cells/", cell.row);
}

absl::Status CellRunner::Train(const PlannedCell& cell, CompareCell* result) const {
  FileSystem& fs = *options_.file_system;
  const std::string seconds_path = CellPath(cell, ".seconds");
  RunOptions options;
  options.run_dir = RunDirectory(cell);
  options.days = options_.days;
  options.resume = true;
  options.seconds_between_checkpoints = kSecondsBetweenCheckpoints;
  options.terminal = options_.terminal;
  options.quiet = !options_.terminal;
  options.stop = options_.stop;
  options.kernels = options_.kernels;
  options.observer = options_.observer;
  options.file_system = &fs;
  options.clock = options_.clock;

  TANDEM_RETURN_IF_ERROR(fs.CreateDirectories(absl::StrCat(options_.run_dir, "/cells/", cell.row)));
  TANDEM_ASSIGN_OR_RETURN(Spent spent, ReadSpent(fs, seconds_path));
  // Until this start is over: nobody would know what it had spent.
  TANDEM_RETURN_IF_ERROR(WriteSpent(fs, seconds_path, {spent.wall, spent.cpu, /*partial=*/true}));
  const clockid_t cpu = options_.jobs > 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID;
  const double wall_start = options_.clock->Now(), cpu_start = SecondsOf(cpu);
  TANDEM_ASSIGN_OR_RETURN(const RunSummary summary, TrainRun(*cell.experiment, options));
  spent.wall += options_.clock->Now() - wall_start;
  spent.cpu += SecondsOf(cpu) - cpu_start;
  TANDEM_RETURN_IF_ERROR(WriteSpent(fs, seconds_path, spent));
  result->date = Today(*options_.clock);
  result->train_seconds = spent.wall;
  result->cpu_seconds = spent.cpu;
  result->time_is_partial = spent.partial;
  if (summary.stopped_by != 0) return absl::CancelledError("stopped");
  result->steps = summary.steps;
  result->rows_trained = summary.rows_trained;
  return absl::OkStatus();
}

absl::Status CellRunner::Measure(const PlannedCell& cell, CompareCell* result) const {
  PredictorOptions options;
  options.kernels = options_.kernels;
  options.file_system = options_.file_system;
  options.data_overrides = {absl::StrCat("runtime.threads=", cell.experiment->runtime().threads())};
  options.members = true;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> predictor,
                          Predictor::Load(RunDirectory(cell), options));
  TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation evaluation, EvaluateModel(*predictor, options_.test_files));
  const DualModel& model = predictor->model();
  if (evaluation.teacher.has_value()) {
    result->teacher = CompareTower{*evaluation.teacher, model.teacher().layout().trained()};
    TANDEM_ASSIGN_OR_RETURN(result->teacher_checksum, TeacherChecksum(model));
  }
  if (evaluation.student.has_value())
    result->student = CompareTower{*evaluation.student, model.student().layout().trained()};
  result->test_rows = evaluation.rows;
  for (size_t k = 0; k < evaluation.members.size(); ++k) {
    const int64_t trained = model.teacher().member(static_cast<int>(k)).layout().trained();
    result->members.push_back({evaluation.members[k], trained});
  }
  if (result->members.empty() || !result->student.has_value()) return absl::OkStatus();
  options.towers = TowerChoice::kStudent;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Predictor> student,
                          Predictor::Load(RunDirectory(cell), options));
  TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation served,
                          EvaluateModel(*student->InPrecision(Precision::kInt8), options_.test_files));
  result->served = CompareTower{*served.student, result->student->dense_parameters};
  return absl::OkStatus();
}

absl::StatusOr<CompareCell> CellRunner::Run(const PlannedCell& cell) const {
  CompareCell result;
  result.seed = cell.seed;
  result.config = ConfigChecksum(*cell.experiment);
  TANDEM_RETURN_IF_ERROR(Train(cell, &result));
  TANDEM_RETURN_IF_ERROR(Measure(cell, &result));
  TANDEM_RETURN_IF_ERROR(
      WriteFileAtomically(*options_.file_system, CellPath(cell, ".json"), CellToJson(result)));
  return result;
}

absl::StatusOr<CellResults> CellRunner::RunAll(const std::vector<PlannedCell>& cells) const {
  CellResults results;
  results.cells.resize(cells.size());
  std::vector<absl::Status>& failures = results.failures;
  failures.resize(cells.size());
  std::vector<size_t> to_do;
  for (size_t i = 0; i < cells.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(std::optional<CompareCell> kept, ReadKept(cells[i]));
    if (!kept.has_value()) to_do.push_back(i);
    results.cells[i] = std::move(kept);
  }
  if (to_do.empty()) return results;
  Tell(absl::StrCat(to_do.size(), " cells to train, ", cells.size() - to_do.size(), " are done"));

  std::mutex mutex;
  size_t next = 0, done = 0;
  const auto work = [&] {
    for (;;) {
      size_t i;
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (next == to_do.size() || Stopped()) return;
        i = to_do[next++];
      }
      absl::StatusOr<CompareCell> result = Run(cells[i]);
      const std::lock_guard<std::mutex> lock(mutex);
      if (result.ok()) {
        results.cells[i] = *std::move(result);
        Tell(absl::StrFormat("[%d/%d] %s: %s", ++done, to_do.size(), NameOf(cells[i]),
                             Summary(*results.cells[i])));
      } else {
        failures[i] = result.status();
        if (!absl::IsCancelled(failures[i]))
          Tell(absl::StrCat(NameOf(cells[i]), ": failed: ", failures[i].message()));
      }
    }
  };
  std::vector<std::thread> threads;
  for (int job = 1; job < options_.jobs; ++job) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();

  for (size_t i = 0; i < cells.size(); ++i) {
    if (failures[i].ok() || absl::IsCancelled(failures[i])) continue;
    results.failure = absl::Status(
        failures[i].code(), absl::StrCat(NameOf(cells[i]), ": ", failures[i].message(),
                                         " (the other cells are kept, and resuming goes on; to train this "
                                         "one from its beginning remove ",
                                         RunDirectory(cells[i]), ")"));
    break;
  }
  if (Stopped()) return absl::CancelledError("stopped");
  return results;
}

absl::Status CellRunner::MeasureTimes(const PlannedCell& first, CompareRow* row) const {
  FileSystem& fs = *options_.file_system;
  const std::string path = absl::StrCat(options_.run_dir, "/cells/", first.row, "/times.json");
  if (!fs.Exists(path)) {
    TANDEM_ASSIGN_OR_RETURN(const std::string directory, ResolveModel(fs, RunDirectory(first)));
    TANDEM_ASSIGN_OR_RETURN(const TowerTimes times, MeasureTowers(fs, directory, options_.kernels));
    Json json = Json::object();
    if (times.teacher.has_value()) json["teacher"] = *times.teacher;
    if (times.student.has_value()) json["student"] = *times.student;
    if (!row->cells[0].members.empty() && times.student.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(const double served,
                              MeasureServed(fs, directory, options_.kernels, Precision::kInt8));
      json["served"] = served;
    }
    json["format"] = kFormatVersion;
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, path, JsonText(json) + "\n"));
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(path));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("format") && json["format"].is_number_integer())
    TANDEM_RETURN_IF_ERROR(CheckFormatVersion(json["format"].get<int>(), path));
  const auto read = [&](const char* tower, std::optional<double>* microseconds) {
    const bool there = json.is_object() && json.contains(tower) && json[tower].is_number();
    if (there) *microseconds = json[tower].get<double>();
  };
  read("teacher", &row->teacher_microseconds);
  read("student", &row->student_microseconds);
  read("served", &row->served_microseconds);
  return absl::OkStatus();
}

}  // namespace tandem
