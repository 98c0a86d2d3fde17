// tandem compare: trains several methods and seeds on equal terms and prints the table.
#include <gflags/gflags.h>
#include <glog/logging.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "config/experiment.pb.h"
#include "src/compare/comparison.h"
#include "src/compare/report.h"
#include "src/train/run_directory.h"
#include "tandem/experiment.h"
#include "tandem/files.h"
#include "tandem/reader.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/compare_cells.h"

DEFINE_string(methods, "CO_TRAIN",
              "Methods, comma-separated; TEACHER_ALONE and STUDENT_ALONE are always there.");
DEFINE_string(seeds, "1,2,3", "Values of train.seed, comma-separated.");
DEFINE_string(variant, "",
              "NAME:CHANGE;CHANGE...: one more row, with changes to the first of the methods; a change is "
              "key=value or a configuration file. May be given several times.");
DEFINE_string(
    frontier, "",
    "Hidden layers of the student, comma-separated (8-4,16-8): rows for each, alone and distilled by "
    "the first of the methods.");
DEFINE_string(student_alone_config, "",
              "Configuration files over --config for STUDENT_ALONE: its own tuning, comma-separated.");
DEFINE_string(test, "", "Files to test on: paths and globs, comma-separated.");
DEFINE_int32(test_days, 0, "Test on the last days of the window, so many, and train on the others.");
DEFINE_int32(jobs, 1, "Runs at a time; from two on each has one thread.");

namespace tandem {
namespace {

using StringList = std::vector<std::string>;

// ---- rows

// A row as it is asked for, and the configuration that comes of it.
struct PlannedRow {
  CompareRow row;
  proto::Experiment experiment;
};

class Plan {
 public:
  explicit Plan(const StringList& overrides) : overrides_(overrides) {}

  // Adds the rows of the flags. The first two are TEACHER_ALONE and STUDENT_ALONE.
  absl::Status Fill(const Invocation& invocation);
  std::vector<PlannedRow>& rows() { return rows_; }

 private:
  // `changes`: files and key=value. Returns the row's index: that of an equal one where there is one.
  absl::StatusOr<int> Add(const std::string& name, const StringList& changes);
  absl::Status AddVariant(const std::string& text);
  absl::Status AddWidth(const std::string& width);
  absl::StatusOr<proto::Experiment> Load(const std::string& name, const StringList& files,
                                         const StringList& changes) const;
  bool HasRow(const std::string& name) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const PlannedRow& row) { return row.row.name == name; });
  }

  // What makes STUDENT_ALONE the reference: nothing of a teacher, stored logits neither.
  absl::Status FindAloneChanges();
  StringList ChangesOf(const std::string& method) const;

  const StringList& overrides_;
  StringList alone_changes_;
  std::string main_method_ = "CO_TRAIN";
  std::vector<PlannedRow> rows_;
};

// What all rows have in common: what they are trained on, what the test measures, and what has no place here.
proto::Experiment CommonPart(const proto::Experiment& experiment) {
  proto::Experiment common;
  *common.mutable_data() = experiment.data();
  common.mutable_data()->clear_teacher_column();
  common.mutable_data()->clear_teacher_column_is();
  common.mutable_data()->clear_unlabelled();
  common.mutable_train()->set_window_days(experiment.train().window_days());
  common.mutable_train()->set_seed(experiment.train().seed());
  *common.mutable_daily() = experiment.daily();
  *common.mutable_online() = experiment.online();
  return common;
}

// What the bits of the teacher depend on where nothing of the student reaches them.
proto::Experiment TeachersPart(proto::Experiment experiment) {
  proto::Model& model = *experiment.mutable_model();
  model.set_method(proto::TEACHER_ALONE);
  model.clear_student();
  model.clear_distill();
  model.clear_switches();
  proto::Train& train = *experiment.mutable_train();
  train.clear_student_lr_multiplier();
  train.clear_student_steps();
  train.clear_replay_batches();
  train.clear_student_phase();
  train.clear_student_schedule();
  experiment.mutable_data()->clear_teacher_column();
  experiment.mutable_data()->clear_teacher_column_is();
  experiment.mutable_data()->clear_unlabelled();
  return experiment;
}

absl::Status CheckName(const std::string& name) {
  const bool good = !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '+';
  });
  if (good) return absl::OkStatus();
  return ConfigError("--variant: '", name,
                     "' is no name of a row: letters, digits, _ - . + (it names a folder)");
}

absl::StatusOr<proto::Experiment> Plan::Load(const std::string& name, const StringList& files,
                                             const StringList& changes) const {
  StringList all_files = files, overrides = overrides_;
  for (const std::string& change : changes) {
    (absl::StrContains(change, "=") ? overrides : all_files).push_back(change);
  }
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment, LoadExperiment(all_files, overrides));
  ResolveDefaults(&experiment);
  const absl::Status valid = ValidateExperiment(experiment);
  if (!valid.ok()) return ConfigError("row ", name, ": ", valid.message());
  return experiment;
}

absl::StatusOr<int> Plan::Add(const std::string& name, const StringList& changes) {
  const StringList config = SplitList(FLAGS_config), alone_config = SplitList(FLAGS_student_alone_config);
  PlannedRow planned;
  TANDEM_ASSIGN_OR_RETURN(planned.experiment, Load(name, config, changes));
  if (planned.experiment.model().method() == proto::STUDENT_ALONE && !alone_config.empty()) {
    planned.row.changes = alone_config;
    StringList files = config;
    files.insert(files.end(), alone_config.begin(), alone_config.end());
    TANDEM_ASSIGN_OR_RETURN(planned.experiment, Load(name, files, changes));
  }
  if (!rows_.empty()) {
    const proto::Experiment& first = rows_[0].experiment;
    const std::string difference = FirstDifference(CommonPart(first), CommonPart(planned.experiment),
                                                   "the common configuration", absl::StrCat("row ", name));
    if (!difference.empty())
      return ConfigError(
          "row ", name, ": ", difference,
          "; all rows are trained on the same days, from the same --seeds, and measured alike");
    planned.row.other_teacher =
        planned.experiment.model().method() != proto::STUDENT_ALONE &&
        !FirstDifference(TeachersPart(first), TeachersPart(planned.experiment), "", "").empty();
  }
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (FirstDifference(rows_[i].experiment, planned.experiment, "", "").empty()) return static_cast<int>(i);
  }
  for (const std::string& change : changes) {
    // The name says as much.
    if (change != absl::StrCat("model.method=", name)) planned.row.changes.push_back(change);
  }
  planned.row.name = name;
  planned.row.method = proto::Method_Name(planned.experiment.model().method());
  planned.row.alone = std::min<int>(1, static_cast<int>(rows_.size()));
  planned.row.passes = PassesOf(planned.experiment);
  rows_.push_back(std::move(planned));
  return static_cast<int>(rows_.size()) - 1;
}

absl::Status Plan::AddVariant(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return ConfigError("--variant=", text, ": not NAME:key=value;key=value");
  const std::string name = text.substr(0, colon);
  TANDEM_RETURN_IF_ERROR(CheckName(name));
  if (HasRow(name)) return ConfigError("--variant=", text, ": there is a row ", name, " already");
  StringList changes = {absl::StrCat("model.method=", main_method_)};
  for (const absl::string_view change : absl::StrSplit(text.substr(colon + 1), ';', absl::SkipWhitespace()))
    changes.emplace_back(absl::StripAsciiWhitespace(change));
  TANDEM_ASSIGN_OR_RETURN(const int row, Add(name, changes));
  if (rows_[row].row.name != name)
    return ConfigError("--variant=", text, ": the same configuration as row ", rows_[row].row.name);
  // The method is said where the variant chooses it.
  rows_[row].row.changes.erase(
      std::find(rows_[row].row.changes.begin(), rows_[row].row.changes.end(), changes[0]));
  return absl::OkStatus();
}

absl::Status Plan::FindAloneChanges() {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment,
                          LoadExperiment(SplitList(FLAGS_config), overrides_));
  if (!experiment.data().teacher_column().empty()) alone_changes_.push_back("data.teacher_column=");
  if (experiment.data().unlabelled() == proto::Data::USE_TEACHER)
    alone_changes_.push_back("data.unlabelled=DROP");
  return absl::OkStatus();
}

StringList Plan::ChangesOf(const std::string& method) const {
  StringList changes = {"model.method=" + method};
  if (method == "STUDENT_ALONE") changes.insert(changes.end(), alone_changes_.begin(), alone_changes_.end());
  return changes;
}

absl::Status Plan::AddWidth(const std::string& width) {
  const bool good = !width.empty() && width.find_first_not_of("0123456789-") == std::string::npos;
  if (!good) return ConfigError("--frontier: '", width, "' is not like 16-8");
  const std::string hidden =
      absl::StrCat("model.student.mlp.hidden=", absl::StrReplaceAll(width, {{"-", ","}}));
  const auto add = [&](const std::string& method) -> absl::StatusOr<int> {
    const std::string name = absl::StrCat(method, "_", width);
    StringList changes = ChangesOf(method);
    changes.push_back(hidden);
    TANDEM_ASSIGN_OR_RETURN(const int row, Add(name, changes));
    rows_[row].row.width = width;
    return row;
  };
  TANDEM_ASSIGN_OR_RETURN(const int alone, add("STUDENT_ALONE"));
  rows_[alone].row.frontier_alone = true;
  rows_[alone].row.alone = alone;
  TANDEM_ASSIGN_OR_RETURN(const int distilled, add(main_method_));
  rows_[distilled].row.alone = alone;
  return absl::OkStatus();
}

absl::Status Plan::Fill(const Invocation& invocation) {
  TANDEM_RETURN_IF_ERROR(FindAloneChanges());
  StringList methods = {"TEACHER_ALONE", "STUDENT_ALONE"};
  for (const std::string& method : SplitList(FLAGS_methods)) {
    proto::Method parsed;
    if (!proto::Method_Parse(method, &parsed)) {
      StringList known;
      for (int i = 0; i < proto::Method_descriptor()->value_count(); ++i)
        known.push_back(proto::Method_descriptor()->value(i)->name());
      return ConfigError("--methods: no method '", method, "'", DidYouMean(method, known));
    }
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) continue;
    if (methods.size() == 2) main_method_ = method;
    methods.push_back(method);
  }
  for (const std::string& method : methods) {
    TANDEM_RETURN_IF_ERROR(Add(method, ChangesOf(method)).status());
    if (!HasRow(method)) return ConfigError("--methods: ", method, " trains what another method trains");
  }
  for (const auto& [flag, value] : invocation.flags) {
    if (flag == "variant" && !value.empty()) TANDEM_RETURN_IF_ERROR(AddVariant(value));
  }
  for (const std::string& width : SplitList(FLAGS_frontier)) TANDEM_RETURN_IF_ERROR(AddWidth(width));
  return absl::OkStatus();
}

// ---- data

struct CompareData {
  std::vector<Day> days;  // to train on
  StringList test_files;
  std::string test;  // as a phrase
};

absl::StatusOr<CompareData> FindData(const proto::Experiment& experiment) {
  const std::string& path = experiment.data().path();
  const int window = experiment.train().window_days();
  if (FLAGS_test.empty() == (FLAGS_test_days == 0))
    return ConfigError("tandem compare tests on --test=FILES or on --test_days=N of the window: one of them");
  if (HasDate(path) && FLAGS_end_date.empty())
    return ConfigError("tandem compare needs --end_date: data.path has days (", path, ")");
  if (!HasDate(path) && (!FLAGS_end_date.empty() || FLAGS_test_days != 0))
    return ConfigError(FLAGS_test_days != 0 ? "--test_days" : "--end_date", ": data.path has no {date} (",
                       path, "); it is read whole, and tested with --test");
  if (FLAGS_test_days < 0 || (FLAGS_test_days > 0 && FLAGS_test_days >= window))
    return ConfigError("--test_days=", FLAGS_test_days, ": the window has ", window,
                       " days (train.window_days), and some must be left to train on");
  CompareData data;
  StringList missing;
  if (HasDate(path)) {
    TANDEM_ASSIGN_OR_RETURN(data.days, FindWindow(path, FLAGS_end_date, window, &missing));
  } else {
    TANDEM_ASSIGN_OR_RETURN(data.days, FindDays(path, "", "", &missing));
  }
  if (!missing.empty())
    LOG(WARNING) << "data.path: days of the window without a file: " << absl::StrJoin(missing, " ");
  if (FLAGS_test_days > 0) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Day> test,
                            FindWindow(path, FLAGS_end_date, FLAGS_test_days, &missing));
    data.days.erase(std::find_if(data.days.begin(), data.days.end(),
                                 [&](const Day& day) { return day.date >= test[0].date; }),
                    data.days.end());
    if (data.days.empty()) return DataError("--test_days: no day of the window is left to train on");
    for (const Day& day : test)
      data.test_files.insert(data.test_files.end(), day.files.begin(), day.files.end());
    data.test = absl::StrCat(test.front().date, "..", test.back().date);
    return data;
  }
  data.test = FLAGS_test;
  TANDEM_ASSIGN_OR_RETURN(data.test_files, FindFiles(FLAGS_test));
  if (std::find(data.test_files.begin(), data.test_files.end(), "-") != data.test_files.end())
    return ConfigError("--test: standard input can be read only once; name files");
  const auto is_test_file = [&](const std::string& file) {
    return std::any_of(data.test_files.begin(), data.test_files.end(), [&](const std::string& test) {
      std::error_code ignored;  // a file that can't be read is somebody else's error
      return std::filesystem::equivalent(file, test, ignored);
    });
  };
  for (const Day& day : data.days) {
    for (const std::string& file : day.files) {
      if (is_test_file(file)) return ConfigError("--test: ", file, " is a file of the training window");
    }
  }
  return data;
}

// ---- the comparison's directory

// What all cells share: kernels, and files with their sizes.
absl::StatusOr<std::string> ManifestOf(const CompareData& data, const std::string& kernels) {
  FileSystem& fs = FileSystem::Default();
  std::string text = absl::StrCat("kernels ", kernels, "\n");
  const auto add = [&](const char* use, const std::string& file) -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(file));
    absl::StrAppend(&text, use, " ", file, " ", size, "\n");
    return absl::OkStatus();
  };
  for (const Day& day : data.days) {
    for (const std::string& file : day.files) TANDEM_RETURN_IF_ERROR(add("train", file));
  }
  for (const std::string& file : data.test_files) TANDEM_RETURN_IF_ERROR(add("test", file));
  return text;
}

// A new comparison wants a fresh directory, a resumed one that of the same data.
absl::StatusOr<RunDirectory> ClaimDirectory(const std::string& manifest) {
  FileSystem& fs = FileSystem::Default();
  const std::string path = FLAGS_run_dir + "/manifest.txt";
  TANDEM_ASSIGN_OR_RETURN(RunDirectory directory,
                          RunDirectory::Open(fs, FLAGS_run_dir, FLAGS_resume, "manifest.txt"));
  TANDEM_RETURN_IF_ERROR(directory.Claim(fs));
  if (directory.fresh()) {
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, path, manifest));
    return directory;
  }
  TANDEM_ASSIGN_OR_RETURN(const std::string before, fs.ReadFile(path));
  const StringList then = absl::StrSplit(before, '\n'), now = absl::StrSplit(manifest, '\n');
  for (size_t i = 0; i < std::max(then.size(), now.size()); ++i) {
    const std::string a = i < then.size() ? then[i] : "", b = i < now.size() ? now[i] : "";
    if (a == b) continue;
    return ConfigError("--resume: ", path, " has '", a, "', the command line '", b,
                       "' (kernels, or a file and its size); a comparison keeps its data and kernels");
  }
  return directory;
}

absl::StatusOr<std::vector<uint64_t>> ParseSeeds() {
  std::vector<uint64_t> seeds;
  for (const std::string& text : SplitList(FLAGS_seeds)) {
    uint64_t seed;
    if (!absl::SimpleAtoi(text, &seed)) return ConfigError("--seeds: '", text, "' is not a whole number");
    if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end())
      return ConfigError("--seeds: ", text, " is there twice");
    seeds.push_back(seed);
  }
  if (seeds.empty()) return ConfigError("--seeds: none given");
  return seeds;
}

absl::Status WriteReports(const Comparison& comparison) {
  FileSystem& fs = FileSystem::Default();
  const std::pair<const char*, std::string> reports[] = {{"/compare.json", CompareJson(comparison)},
                                                         {"/compare.md", CompareMarkdown(comparison)},
                                                         {"/compare.html", CompareHtml(comparison)}};
  for (const auto& [name, text] : reports)
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, FLAGS_run_dir + name, text));
  return absl::OkStatus();
}

// The rows whose cells are all there. A failure of one that others are measured by leaves no table.
absl::Status FillRows(Plan& plan, const CellRunner& runner, const std::vector<PlannedCell>& cells,
                      const CellResults& results, Comparison* comparison) {
  const size_t rows = plan.rows().size();
  std::vector<int> index(rows, -1);  // in the comparison
  for (size_t r = 0; r < rows; ++r) {
    CompareRow row = plan.rows()[r].row;
    for (size_t s = 0; s < comparison->seeds.size(); ++s) {
      const std::optional<CompareCell>& cell = results.cells[s * rows + r];
      if (cell.has_value()) row.cells.push_back(*cell);
    }
    const auto alone = static_cast<size_t>(row.alone);
    if (row.cells.size() < comparison->seeds.size() || (alone != r && index[alone] < 0)) {
      if (r < 2) return results.failure;
      const bool own = row.cells.size() < comparison->seeds.size();
      LOG(WARNING) << "row " << row.name << " is left out of the table: a cell of "
                   << (own ? "it" : plan.rows()[alone].row.name) << " failed";
      std::string why;
      for (size_t s = 0; s < comparison->seeds.size() && why.empty(); ++s)
        why = std::string(results.failures[s * rows + (own ? r : alone)].message());
      comparison->left_out.push_back(
          absl::StrCat(row.name, ", of which ",
                       own ? "a cell" : absl::StrCat("the student alone, ", plan.rows()[alone].row.name, ","),
                       " failed (", why, "); --resume tries again."));
      continue;
    }
    index[r] = static_cast<int>(comparison->rows.size());
    row.alone = index[alone];
    TANDEM_RETURN_IF_ERROR(runner.MeasureTimes(cells[r], &row));
    comparison->rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunCompare(const Invocation& invocation) {
  if (FLAGS_jobs < 1) return ConfigError("--jobs=", FLAGS_jobs, ": at least 1");
  for (const std::string& text : invocation.overrides) {
    if (absl::StartsWith(text, "train.seed=") || absl::StartsWith(text, "model.method="))
      return ConfigError("'", text, "': --seeds and --methods say that");
  }
  Comparison comparison;
  comparison.config_files = SplitList(FLAGS_config);
  comparison.overrides = invocation.overrides;
  comparison.jobs = FLAGS_jobs;
  TANDEM_ASSIGN_OR_RETURN(comparison.seeds, ParseSeeds());
  Plan plan(invocation.overrides);
  TANDEM_RETURN_IF_ERROR(plan.Fill(invocation));
  TANDEM_ASSIGN_OR_RETURN(const CompareData data, FindData(plan.rows()[0].experiment));
  for (const Day& day : data.days) comparison.days.push_back(day.date);
  comparison.test = data.test;

  CellOptions options;
  options.run_dir = FLAGS_run_dir;
  options.days = data.days;
  options.test = absl::StrJoin(data.test_files, ",");
  options.jobs = FLAGS_jobs;
  options.terminal = FLAGS_jobs == 1 && isatty(STDERR_FILENO) != 0;
  options.stop = &CatchStopSignals();
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  comparison.kernels = options.kernels->name();
  TANDEM_ASSIGN_OR_RETURN(const std::string manifest, ManifestOf(data, comparison.kernels));
  TANDEM_ASSIGN_OR_RETURN(const RunDirectory directory, ClaimDirectory(manifest));
  FLAGS_minloglevel = google::GLOG_WARNING;  // a line a cell is enough

  // A seed over all rows, then the next: what there is is comparable early on.
  const CellRunner runner(options);
  std::vector<proto::Experiment> experiments;
  experiments.reserve(comparison.seeds.size() * plan.rows().size());
  std::vector<PlannedCell> cells;
  for (const uint64_t seed : comparison.seeds) {
    for (const PlannedRow& row : plan.rows()) {
      experiments.push_back(row.experiment);
      experiments.back().mutable_train()->set_seed(seed);
      if (FLAGS_jobs > 1) experiments.back().mutable_runtime()->set_threads(1);
      cells.push_back({row.row.name, seed, &experiments.back()});
      TANDEM_RETURN_IF_ERROR(runner.CheckKept(cells.back()));
    }
  }
  absl::StatusOr<CellResults> results = runner.RunAll(cells);
  if (absl::IsCancelled(results.status())) {
    std::fprintf(stderr, "stopped; %s holds everything, --resume goes on\n", FLAGS_run_dir.c_str());
    return 128 + *options.stop;
  }
  if (!results.ok()) return results.status();
  TANDEM_RETURN_IF_ERROR(FillRows(plan, runner, cells, *results, &comparison));
  TANDEM_RETURN_IF_ERROR(WriteReports(comparison));
  std::fputs(CompareMarkdown(comparison).c_str(), stdout);
  if (!results->failure.ok()) return results->failure;
  return kExitDone;
}

}  // namespace

Command CompareCommand() {
  return {
      "compare",
      "trains several methods and seeds on equal terms and prints the table",
      "  tandem compare --config=configs/frappe.pbtxt "
      "--student_alone_config=configs/frappe_student_alone.pbtxt\n"
      "    --test=frappe-tsv/test.tsv.gz --run_dir=compared --seeds=1,2,3 --jobs=2\n"
      "    --variant='hint:configs/distill/hint.pbtxt' --variant='no_logit:model.distill.logit_weight=0'\n\n"
      "Every row (a method, a variant, a width of the frontier) is trained with every seed, by ordinary runs "
      "in "
      "RUN_DIR/runs/ROW/seed-S, and measured on the test rows. Prints the tables as Markdown and writes "
      "RUN_DIR/compare.json, compare.md and compare.html. --resume keeps what is done, and rows and seeds "
      "may be "
      "added then.",
      {"config", "methods", "seeds", "variant", "frontier", "student_alone_config", "run_dir", "end_date",
       "test", "test_days", "jobs", "resume", "kernels"},
      {"config", "run_dir"},
      {""},
      RunCompare};
}

}  // namespace tandem
