#include "tandem/init.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "src/data/byte_source.h"
#include "src/data/file_kind.h"
#include "src/init/column_kind.h"
#include "src/init/dialect.h"
#include "src/init/features.h"
#include "src/init/input_files.h"
#include "src/init/label.h"
#include "src/init/log_profile.h"
#include "src/init/quantity.h"
#include "src/init/recipe.h"
#include "src/init/split_days.h"
#include "src/init/writer.h"
#include "src/train/memory_estimate.h"
#include "src/util/distinct_files.h"
#include "src/util/paths.h"
#include "src/util/seal.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/sample_format.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr absl::string_view kCommand = "tandem init";
constexpr int64_t kDialectBytes = 1 << 20;
constexpr int64_t kFirstLookRows = 20000;
// Days beyond those that hold so many rows add little.
constexpr double kWindowRows = 5e6;
constexpr int kShortestWindow = 30;
// Malformed rows as data.max_bad_fraction bears them.
constexpr double kMostMalformed = 0.01;

// The first bytes of the first file that has any.
absl::StatusOr<std::string> FirstBytes(FileSystem& fs, const std::vector<std::string>& files,
                                       ByteSource::Content content, std::string* origin, bool* whole) {
  std::string bytes;
  for (const std::string& file : files) {
    *origin = file;
    TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(fs, file, content));
    bytes.resize(kDialectBytes);
    int64_t size = 0;
    for (int64_t read = 1; read > 0 && size < kDialectBytes; size += read) {
      TANDEM_ASSIGN_OR_RETURN(read, source->Read(&bytes[size], kDialectBytes - size));
    }
    bytes.resize(size);
    *whole = size < kDialectBytes;
    if (size > 0) return bytes;
  }
  return DataError(files.front(), ": empty; nothing can be learned from it");
}

// Rows of a table of ids over the whole log: as many more than in the sample as its growth lets expect (Heaps' law).
double DistinctInAll(const ColumnProfile& profile, double sample_rows, double all_rows) {
  const auto distinct = static_cast<double>(profile.distinct());
  if (all_rows <= sample_rows || profile.growth.size() < 3) return distinct;
  const auto& [rows, then] = profile.growth[profile.growth.size() - 2];
  const double power = std::log(distinct / static_cast<double>(then)) /
                       std::log(static_cast<double>(profile.cells) / static_cast<double>(rows));
  return distinct * std::pow(all_rows / sample_rows, std::clamp(power, 0.0, 1.0));
}

class Initializer {
 public:
  Initializer(FileSystem& fs, const InitOptions& options) : fs_(fs), options_(options) {}

  absl::StatusOr<InitReport> Run() {
    TANDEM_RETURN_IF_ERROR(CheckOptions());
    TANDEM_ASSIGN_OR_RETURN(input_, FindInput(fs_, options_.input));
    TANDEM_RETURN_IF_ERROR(CheckOutputIsNoInput());
    if (!options_.date.empty() && !input_.days.empty())
      return ConfigError("the files are daily ones (", input_.path,
                         "); a column of dates is for a log that isn't");
    TANDEM_RETURN_IF_ERROR(Look());
    if (!options_.date.empty()) TANDEM_RETURN_IF_ERROR(Split());
    Plan();
    TANDEM_RETURN_IF_ERROR(Write());
    Describe();
    return std::move(report_);
  }

 private:
  absl::Status CheckOptions() const {
    if (options_.input.empty()) return ConfigError("no input is named");
    if (!options_.output.empty()) {
      if (fs_.IsDirectory(options_.output))
        return ConfigError(options_.output, " is a directory; name a file for the configuration");
      if (fs_.Exists(options_.output) && !options_.replace) {
        const absl::StatusOr<std::string> text = fs_.ReadFile(options_.output);
        if (!text.ok() || !IsUntouched(*text, kCommand)) {
          return ConfigError(
              options_.output,
              " is there already, and isn't as init wrote it; name another output, or let init write "
              "over it (force)");
        }
      }
      if (!fs_.IsDirectory(ParentPath(options_.output)))
        return ConfigError(options_.output, ": there is no folder ", ParentPath(options_.output));
    }
    return options_.date.empty() ? absl::OkStatus() : CheckDaysFolder();
  }

  absl::Status CheckDaysFolder() const {
    const std::string& folder = options_.days_folder;
    if (folder.empty()) return ConfigError("a log that is to be split by day wants a folder for its days");
    if (!fs_.Exists(folder)) return absl::OkStatus();
    if (!options_.replace) {
      return ConfigError(folder,
                         " is there already, where the daily files are to be written; name another "
                         "folder, or let init write over it (force)");
    }
    // Of what is somebody else's nothing is removed.
    if (fs_.Exists(folder + "/MANIFEST")) return absl::OkStatus();
    return ConfigError(folder, " was not written by a split like this one; name another folder");
  }

  // What is read must not be written over.
  absl::Status CheckOutputIsNoInput() const {
    for (const std::string& file : input_.files) {
      if (!options_.output.empty() && AreOneFile(fs_, file, options_.output))
        return ConfigError(options_.output, " is one of the files to read; name another output");
    }
    return absl::OkStatus();
  }

  // What there is.
  absl::Status Look() {
    TANDEM_ASSIGN_OR_RETURN(const proto::Experiment given, LoadExperiment({}, options_.settings));
    std::string origin;
    bool whole = false;
    const ByteSource::Content content = ContentOf(MakeSampleFormat(given.data())->framing());
    TANDEM_ASSIGN_OR_RETURN(const std::string bytes, FirstBytes(fs_, input_.files, content, &origin, &whole));
    TANDEM_RETURN_IF_ERROR(CheckIsText(origin, bytes, given.data()));
    TANDEM_ASSIGN_OR_RETURN(dialect_, FindDialect(bytes, whole, origin, given.data()));
    ProfileOptions profile;
    profile.rows = std::min(options_.sample_rows, kFirstLookRows);
    TANDEM_ASSIGN_OR_RETURN(const LogProfile first, ProfileLog(fs_, dialect_, input_.files, profile));
    AskedLabel asked{options_.label, options_.positive};
    if (asked.column.empty() && given.data().has_label()) asked.column = given.data().label();
    TANDEM_ASSIGN_OR_RETURN(label_, ChooseLabel(first, asked));
    profile.rows = options_.sample_rows;
    profile.label = label_.column;
    profile.positive = [this](absl::string_view text) { return label_.IsPositive(text); };
    TANDEM_ASSIGN_OR_RETURN(log_, ProfileLog(fs_, dialect_, input_.files, profile));
    // What the first look didn't meet.
    asked.column = label_.column;
    const std::string why = label_.why;
    TANDEM_ASSIGN_OR_RETURN(label_, ChooseLabel(log_, asked));
    label_.why = why;
    TANDEM_RETURN_IF_ERROR(CheckLabel(log_, &label_));
    const AskedColumns columns{options_.drop, options_.keep, options_.group, options_.date};
    TANDEM_ASSIGN_OR_RETURN(
        plans_, PlanColumns(log_, label_, columns, MakeSampleFormat(dialect_.data)->look().cells_say_lists(),
                            dialect_.lists.weighted));
    for (const ColumnPlan& plan : plans_.columns) {
      if (IsUsed(plan.kind)) return absl::OkStatus();
    }
    return DataError("no column is left to learn from");
  }

  absl::Status Split() {
    if (options_.replace && fs_.Exists(options_.days_folder))
      TANDEM_RETURN_IF_ERROR(RemoveDirectory(fs_, options_.days_folder));
    TANDEM_ASSIGN_OR_RETURN(const SplitDays days, SplitByDay(fs_, dialect_.data, input_.files, options_.date,
                                                             options_.days_folder));
    input_.path = days.path;
    input_.days = days.days;
    log_.total_rows = static_cast<double>(days.rows - days.undated);
    report_.findings.push_back(absl::StrCat("The rows were written as daily files by '", options_.date,
                                            "' (UTC): ", days.path, ", ", days.days.size(), " days."));
    if (days.undated > 0)
      report_.warnings.push_back(absl::StrCat(Thousands(static_cast<double>(days.undated)),
                                              " rows have no time in '", options_.date, "': they are in ",
                                              options_.days_folder, "/undated, not in the log."));
    return absl::OkStatus();
  }

  void Plan() {
    RecipeInput input;
    input.rows = log_.total_rows;
    positive_rate_ = PositiveRate();
    if (!input_.days.empty()) input.days = WindowDays(&input.rows);
    input.positives = positive_rate_ * input.rows;
    const auto features = FeaturesOf(plans_, 2);
    input.fields = static_cast<int>(features.size());
    for (const PlannedFeature& feature : features) {
      input.distinct_ids += feature.feature.has_sparse() ? Distinct(*feature.column) : 0.0;
      if (feature.feature.sparse().has_sequence())
        input.sequences.push_back({feature.feature.name(), feature.feature.sparse().table()});
    }
    recipe_ = RecipeFor(input);
    features_ = FeaturesOf(plans_, recipe_.knots);
    FillData();
  }

  double Distinct(const ColumnPlan& plan) const {
    return DistinctInAll(*plan.profile, static_cast<double>(log_.rows), log_.total_rows);
  }

  double PositiveRate() const {
    const ColumnProfile* column = log_.Find(label_.column);
    int64_t positives = 0;
    for (const auto& [hash, count] : column->values.counts())
      positives += count.positives[0] + count.positives[1];
    return static_cast<double>(positives) / static_cast<double>(std::max<int64_t>(1, column->present()));
  }

  // All days, or the newest ones that hold plenty of rows; `rows` becomes theirs.
  int WindowDays(double* rows) const {
    absl::CivilDay first, last;
    absl::ParseCivilTime(input_.days.front(), &first);
    absl::ParseCivilTime(input_.days.back(), &last);
    const auto span = static_cast<int>(last - first + 1);
    const double a_day = log_.total_rows / span;
    const int window =
        std::min(span, std::max(kShortestWindow, static_cast<int>(kWindowRows / std::max(a_day, 1.0))));
    *rows = a_day * window;
    return window;
  }

  void FillData() {
    proto::Data& data = dialect_.data;
    data.set_path(input_.path);
    data.set_label(label_.column);
    for (const std::string& text : label_.positive) data.add_positive(text);
    for (const std::string& text : label_.negative) data.add_negative(text);
    if (!options_.group.empty()) data.set_group_column(options_.group);
    const ColumnProfile* label = log_.Find(label_.column);
    if (label->missing_rows() > 0) {
      data.set_unlabelled(proto::Data::DROP);
      report_.warnings.push_back(
          absl::StrCat("In ", Thousands(static_cast<double>(label->missing_rows())),
                       " rows the label is empty: they are left out (data.unlabelled)."));
    }
    std::set<std::string> missing(data.missing_value().begin(), data.missing_value().end());
    for (const ColumnPlan& plan : plans_.columns) {
      if (IsUsed(plan.kind) || plan.kind == ColumnKind::kLabel)
        missing.insert(plan.missing.begin(), plan.missing.end());
      if (plan.kind == ColumnKind::kKey && data.key_columns().empty())
        data.add_key_columns(plan.profile->name);
    }
    data.clear_missing_value();
    for (const std::string& text : missing) data.add_missing_value(text);
    if (plans_.has_lists && data.has_delimited() && plans_.list_separator != '|')
      data.mutable_delimited()->set_multi_value_separator(std::string(1, plans_.list_separator));
  }

  std::vector<std::string> Head() const {
    std::vector<std::string> head = {absl::StrCat(
        "Written by `tandem init` from ", options_.input.size() == 1 ? options_.input[0] : input_.path, ": ",
        RowsText(), ", ", absl::StrFormat("%.3g", 100 * positive_rate_), " % of them positive.")};
    head.push_back("Every line may be changed; docs/config.md has all settings and their defaults.");
    return head;
  }

  std::string RowsText() const {
    if (log_.whole) return absl::StrCat(Thousands(static_cast<double>(log_.rows)), " rows");
    return absl::StrCat("about ", About(log_.total_rows), " rows, ",
                        Thousands(static_cast<double>(log_.rows)), " of them looked at");
  }

  void Commands() {
    const std::string config = options_.output.empty() ? "experiment.pbtxt" : options_.output;
    const std::string end = input_.days.empty() ? "" : absl::StrCat(" --end_date=", input_.days.back());
    report_.commands = {absl::StrCat("tandem train --config=", config, " --run_dir=run", end),
                        "tandem evaluate --model=run --input=TEST_FILE",
                        "tandem export --model=run --output=bundle",
                        "tandem predict --model=bundle --input=FILE --output=scores.tsv"};
  }

  absl::Status Write() {
    Commands();
    report_.configuration =
        Sealed(ConfigurationText({Head(), report_.commands, &dialect_.data, dialect_.notes, &label_,
                                  &features_, &plans_, &recipe_}),
               kCommand);
    absl::StatusOr<proto::Experiment> experiment =
        ParseExperiment(report_.configuration, "the configuration of init");
    if (experiment.ok()) ResolveDefaults(&*experiment);
    const absl::Status valid = experiment.ok() ? ValidateExperiment(*experiment) : experiment.status();
    if (!valid.ok())
      return absl::InternalError(
          absl::StrCat("what would be written is no valid configuration: ", valid.message()));
    std::map<std::string, double> tables;
    for (const PlannedFeature& planned : features_) {
      if (!planned.feature.has_sparse()) continue;
      const std::string& table =
          planned.feature.sparse().has_table() ? planned.feature.sparse().table() : planned.feature.name();
      tables[table] = std::max(tables[table], Distinct(*planned.column));
    }
    report_.memory_bytes = EstimateMemory(*experiment, tables, log_.total_rows).bytes();
    if (options_.output.empty()) return absl::OkStatus();
    return WriteFileAtomically(fs_, options_.output, report_.configuration);
  }

  void Describe() {
    report_.rows = log_.rows;
    report_.total_rows = log_.total_rows;
    report_.positive_rate = positive_rate_;
    DescribeLog();
    for (const ColumnPlan& plan : plans_.columns) {
      const ColumnProfile& p = *plan.profile;
      const double missing =
          static_cast<double>(p.missing_rows() + (IsNumber(plan.kind) ? p.present() - p.numbers : 0));
      report_.columns.push_back({p.name, KindName(plan.kind), IsUsed(plan.kind), p.distinct(),
                                 missing / static_cast<double>(std::max<int64_t>(1, p.cells)), WhyOf(plan)});
    }
    DescribeWarnings();
    report_.plan = {recipe_.why_embedding, recipe_.why_model, recipe_.why_train,
                    absl::StrCat("Training will take about ", Bytes(report_.memory_bytes), " of memory.")};
  }

  void DescribeLog() {
    std::vector<std::string> findings = {absl::StrCat(
        input_.days.empty() ? (input_.files.size() == 1 ? "" : absl::StrCat(input_.files.size(), " files, "))
                            : absl::StrCat(input_.days.size(), " days from ", input_.days.front(), " to ",
                                           input_.days.back(), ", "),
        input_.path, ": ", RowsText(), "; ", absl::StrJoin(dialect_.findings, ", "), ".")};
    std::string label =
        absl::StrCat("Label: ", label_.column.empty() ? "(no name)" : label_.column, ", ", label_.why, "; ");
    absl::StrAppend(&label, absl::StrFormat("%.3g %% of the rows are positive.", 100 * positive_rate_));
    findings.push_back(label);
    findings.insert(findings.end(), dialect_.notes.begin(), dialect_.notes.end());
    report_.findings.insert(report_.findings.begin(), findings.begin(), findings.end());
  }

  // What a feature adds: knots, its name where it is another one.
  std::string WhyOf(const ColumnPlan& plan) const {
    std::vector<std::string> all;
    for (const PlannedFeature& planned : features_) {
      if (planned.column == &plan && planned.feature.has_dense()) return planned.why;
      if (planned.column == &plan && plan.kind == ColumnKind::kTime) all.push_back(planned.feature.name());
    }
    return all.empty() ? plan.why : absl::StrCat(plan.why, ": ", absl::StrJoin(all, ", "));
  }

  void DescribeWarnings() {
    std::vector<std::string> warnings;
    for (const ColumnPlan& plan : plans_.columns) {
      if (plan.kind == ColumnKind::kLeak)
        warnings.push_back(absl::StrCat("'", plan.profile->name, "' is left out: ", plan.why,
                                        " tandem init --keep=", plan.profile->name,
                                        " uses it all the same."));
      if (plan.kind == ColumnKind::kTellsNothing)
        warnings.push_back(absl::StrCat("'", plan.profile->name, "' is left out: ", plan.why,
                                        "; tandem init --keep=", plan.profile->name,
                                        " uses it all the same."));
      if (plan.kind == ColumnKind::kTwice)
        warnings.push_back(absl::StrCat("'", plan.profile->name, "' is left out: ", plan.why,
                                        "; a name of its own for each column keeps them."));
    }
    const double malformed =
        static_cast<double>(log_.malformed) / static_cast<double>(std::max<int64_t>(1, log_.rows));
    if (log_.malformed > 0) {
      warnings.push_back(
          absl::StrCat(Thousands(static_cast<double>(log_.malformed)), " of the rows can't be read (",
                       absl::StrFormat("%.2g %%", 100 * malformed), ")",
                       malformed > kMostMalformed ? ": a run would stop at them (data.max_bad_fraction)."
                                                  : ": they are set aside."));
    }
    const double rarer = std::min(positive_rate_, 1 - positive_rate_) * static_cast<double>(log_.rows);
    if (rarer < 500)
      warnings.push_back(absl::StrFormat(
          "There are only %.0f rows of the rarer class: figures of one run will be noisy.", rarer));
    if (log_.rows < 1000)
      warnings.push_back(
          absl::StrCat("There are only ", log_.rows, " rows: figures of one run will be noisy."));
    if (!input_.passed_over.empty()) {
      warnings.push_back(absl::StrCat(
          "No day in the name, so not part of the log: ", absl::StrJoin(input_.passed_over, ", "), "."));
    }
    report_.warnings.insert(report_.warnings.begin(), warnings.begin(), warnings.end());
  }

  FileSystem& fs_;
  const InitOptions& options_;
  InputFiles input_;
  Dialect dialect_;
  Label label_;
  LogProfile log_;
  ColumnPlans plans_;
  Recipe recipe_;
  std::vector<PlannedFeature> features_;
  double positive_rate_ = 0;
  InitReport report_;
};

}  // namespace

absl::StatusOr<InitReport> InitExperiment(FileSystem& fs, const InitOptions& options) {
  return Initializer(fs, options).Run();
}

}  // namespace tandem
