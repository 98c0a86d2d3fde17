// A comparison from its options to its reports: plan, data, cells, tables.
#include <glog/logging.h>

#include <memory>
#include <mutex>
#include <utility>

#include "src/compare/cell_runner.h"
#include "src/compare/compare_data.h"
#include "src/compare/comparison.h"
#include "src/compare/plan.h"
#include "src/compare/report.h"
#include "tandem/compare.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.pb.h"
#include "tandem/file_system.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status WriteReports(FileSystem& fs, const std::string& run_dir, const Comparison& comparison) {
  const std::pair<const char*, std::string> reports[] = {{"/compare.json", CompareJson(comparison)},
                                                         {"/compare.md", CompareMarkdown(comparison)},
                                                         {"/compare.html", CompareHtml(comparison)}};
  for (const auto& [name, text] : reports)
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, run_dir + name, text));
  return absl::OkStatus();
}

// Cells are trained at a time, who hears of them is called once at a time.
class SerializedObserver : public RunObserver {
 public:
  explicit SerializedObserver(RunObserver* observer) : observer_(observer) {}
  absl::Status OnStep(const StepReport& step) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return observer_->OnStep(step);
  }
  absl::Status OnDay(const DayReport& day) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return observer_->OnDay(day);
  }
  absl::Status OnCheckpoint(const CheckpointReport& checkpoint) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return observer_->OnCheckpoint(checkpoint);
  }

 private:
  RunObserver* const observer_;
  std::mutex mutex_;
};

// The rows whose cells are all there. A failure of one that others are measured by leaves no table.
absl::Status FillRows(const std::vector<PlannedRow>& plan, const CellRunner& runner,
                      const std::vector<PlannedCell>& cells, const CellResults& results,
                      Comparison* comparison) {
  const size_t rows = plan.size();
  std::vector<int> index(rows, -1);  // in the comparison
  for (size_t r = 0; r < rows; ++r) {
    CompareRow row = plan[r].row;
    for (size_t s = 0; s < comparison->seeds.size(); ++s) {
      const std::optional<CompareCell>& cell = results.cells[s * rows + r];
      if (cell.has_value()) row.cells.push_back(*cell);
    }
    const auto alone = static_cast<size_t>(row.alone);
    if (row.cells.size() < comparison->seeds.size() || (alone != r && index[alone] < 0)) {
      if (r < 2) return results.failure;
      const bool own = row.cells.size() < comparison->seeds.size();
      LOG(WARNING) << "row " << row.name << " is left out of the table: a cell of "
                   << (own ? "it" : plan[alone].row.name) << " failed";
      std::string why;
      for (size_t s = 0; s < comparison->seeds.size() && why.empty(); ++s)
        why = std::string(results.failures[s * rows + (own ? r : alone)].message());
      comparison->left_out.push_back(
          absl::StrCat(row.name, ", of which ",
                       own ? "a cell" : absl::StrCat("the student alone, ", plan[alone].row.name, ","),
                       " failed (", why, "); resuming the comparison tries again."));
      continue;
    }
    index[r] = static_cast<int>(comparison->rows.size());
    row.alone = index[alone];
    TANDEM_RETURN_IF_ERROR(runner.MeasureTimes(cells[r], &row));
    comparison->rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

// A seed over all rows, then the next: what there is is comparable early on.
std::vector<PlannedCell> CellsOf(const std::vector<PlannedRow>& plan, const CompareOptions& options,
                                 std::vector<proto::Experiment>* experiments) {
  experiments->reserve(options.seeds.size() * plan.size());
  std::vector<PlannedCell> cells;
  for (const uint64_t seed : options.seeds) {
    for (const PlannedRow& row : plan) {
      proto::Experiment& experiment = experiments->emplace_back(row.experiment);
      experiment.mutable_train()->set_seed(seed);
      if (options.jobs > 1) experiment.mutable_runtime()->set_threads(1);
      cells.push_back({row.row.name, seed, &experiment});
    }
  }
  return cells;
}

}  // namespace

absl::StatusOr<CompareSummary> RunComparison(const CompareOptions& options) {
  if (options.jobs < 1) return ConfigError("jobs ", options.jobs, ": at least 1");
  if (options.seeds.empty()) return ConfigError("seeds: none given");
  TANDEM_ASSIGN_OR_RETURN(const std::vector<PlannedRow> plan, PlanRows(options));
  TANDEM_ASSIGN_OR_RETURN(const CompareData data, FindCompareData(plan[0].experiment, options));
  const Kernels& kernels = KernelsOrBest(options.kernels);
  FileSystem& fs = *options.file_system;
  TANDEM_ASSIGN_OR_RETURN(const RunDirectory directory,
                          ClaimCompareDirectory(fs, options.run_dir, options.resume, data, kernels.name()));

  Comparison comparison;
  comparison.config_files = options.config_files;
  comparison.overrides = options.overrides;
  comparison.jobs = options.jobs;
  comparison.seeds = options.seeds;
  comparison.kernels = kernels.name();
  comparison.test = data.test;
  for (const Day& day : data.days) comparison.days.push_back(day.date);

  CellOptions cell_options;
  cell_options.run_dir = options.run_dir;
  cell_options.days = data.days;
  cell_options.test_files = data.test_files;
  cell_options.jobs = options.jobs;
  cell_options.terminal = options.terminal;
  cell_options.progress = options.progress;
  cell_options.stop = options.stop;
  cell_options.kernels = &kernels;
  SerializedObserver observer(options.observer);
  if (options.observer != nullptr) cell_options.observer = &observer;
  cell_options.file_system = &fs;
  cell_options.clock = options.clock;
  const CellRunner runner(std::move(cell_options));
  std::vector<proto::Experiment> experiments;
  const std::vector<PlannedCell> cells = CellsOf(plan, options, &experiments);
  for (const PlannedCell& cell : cells) TANDEM_RETURN_IF_ERROR(runner.CheckKept(cell));
  CompareSummary summary;
  const absl::StatusOr<CellResults> results = runner.RunAll(cells);
  if (absl::IsCancelled(results.status())) {
    summary.stopped_by = *options.stop;
    return summary;
  }
  TANDEM_RETURN_IF_ERROR(results.status());
  TANDEM_RETURN_IF_ERROR(FillRows(plan, runner, cells, *results, &comparison));
  TANDEM_RETURN_IF_ERROR(WriteReports(fs, options.run_dir, comparison));
  summary.markdown = CompareMarkdown(comparison);
  summary.failure = results->failure;
  return summary;
}

}  // namespace tandem
