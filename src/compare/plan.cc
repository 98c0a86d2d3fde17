#include "src/compare/plan.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "src/config/methods.h"
#include "src/config/undone.h"
#include "src/util/nearest_name.h"
#include "tandem/experiment.h"
#include "tandem/status.h"

namespace tandem {
namespace {

using StringList = std::vector<std::string>;

class Plan {
 public:
  explicit Plan(const CompareOptions& options) : options_(options) {}

  absl::StatusOr<std::vector<PlannedRow>> Make();

 private:
  // `changes`: files and key=value. Returns the row's index: that of an equal one where there is one.
  absl::StatusOr<int> Add(const std::string& name, const StringList& changes);
  absl::Status AddMethods();
  absl::Status AddVariant(const CompareOptions::Variant& variant);
  absl::Status AddWidth(const std::string& width);
  absl::StatusOr<proto::Experiment> Load(const std::string& name, const StringList& files,
                                         const StringList& changes) const;
  bool HasRow(const std::string& name) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const PlannedRow& row) { return row.row.name == name; });
  }

  // The tuning of STUDENT_ALONE must be what it is trained with.
  absl::Status CheckAloneConfigHolds() const;
  // What makes STUDENT_ALONE the reference: nothing of a teacher, stored logits neither.
  absl::Status FindAloneChanges();
  StringList ChangesOf(const std::string& method) const;

  const CompareOptions& options_;
  StringList alone_changes_;
  std::string main_method_ = "CO_TRAIN";
  std::vector<PlannedRow> rows_;
};

// What all rows have in common: what they are trained on, what the test measures, and what has no place here.
proto::Experiment CommonPart(const proto::Experiment& experiment) {
  proto::Experiment common;
  *common.mutable_data() = experiment.data();
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
  proto::Embedding& embedding = *experiment.mutable_embedding();
  if (embedding.slow_copy().towers() == proto::SlowCopy::STUDENT) embedding.clear_slow_copy();
  if (embedding.has_slow_copy()) embedding.mutable_slow_copy()->set_towers(proto::SlowCopy::TEACHER);
  experiment.mutable_data()->clear_unlabelled();
  return experiment;
}

absl::Status CheckName(const std::string& name) {
  const bool good = !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '+';
  });
  if (good) return absl::OkStatus();
  return ConfigError("variant: '", name,
                     "' is no name of a row: letters, digits, _ - . + (it names a folder)");
}

// A variant's settings are said at once, like those of a command line.
absl::Status CheckChanges(const CompareOptions::Variant& variant) {
  StringList settings;
  std::copy_if(variant.changes.begin(), variant.changes.end(), std::back_inserter(settings),
               [](const std::string& change) { return absl::StrContains(change, '='); });
  const absl::Status once = CheckNoneUndone(settings);
  return once.ok() ? once : ConfigError("variant ", variant.name, ": ", once.message());
}

absl::StatusOr<proto::Experiment> Plan::Load(const std::string& name, const StringList& files,
                                             const StringList& changes) const {
  StringList all_files = files, overrides = options_.overrides;
  for (const std::string& change : changes) {
    (absl::StrContains(change, "=") ? overrides : all_files).push_back(change);
  }
  TANDEM_ASSIGN_OR_RETURN(proto::Experiment experiment,
                          LoadExperiment(all_files, overrides, *options_.file_system));
  ResolveDefaults(&experiment);
  const absl::Status valid = ValidateExperiment(experiment);
  if (!valid.ok()) return ConfigError("row ", name, ": ", valid.message());
  return experiment;
}

absl::StatusOr<int> Plan::Add(const std::string& name, const StringList& changes) {
  const StringList &config = options_.config_files, &alone_config = options_.student_alone_config;
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
    const std::string difference = ConfigDifferences(CommonPart(first), CommonPart(planned.experiment),
                                                     "the common configuration", absl::StrCat("row ", name));
    if (!difference.empty())
      return ConfigError("row ", name, ": ", difference,
                         "; all rows are trained on the same days, from the same seeds, and measured alike");
    planned.row.other_teacher =
        planned.experiment.model().method() != proto::STUDENT_ALONE &&
        !ConfigDifferences(TeachersPart(first), TeachersPart(planned.experiment), "", "").empty();
  }
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (ConfigDifferences(rows_[i].experiment, planned.experiment, "", "").empty())
      return static_cast<int>(i);
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

absl::Status Plan::AddVariant(const CompareOptions::Variant& variant) {
  const std::string& name = variant.name;
  TANDEM_RETURN_IF_ERROR(CheckName(name));
  TANDEM_RETURN_IF_ERROR(CheckChanges(variant));
  if (HasRow(name)) return ConfigError("variant ", name, ": there is a row ", name, " already");
  StringList changes = {absl::StrCat("model.method=", main_method_)};
  changes.insert(changes.end(), variant.changes.begin(), variant.changes.end());
  TANDEM_ASSIGN_OR_RETURN(const int row, Add(name, changes));
  if (rows_[row].row.name != name)
    return ConfigError("variant ", name, ": the same configuration as row ", rows_[row].row.name);
  // The method is said where the variant chooses it.
  rows_[row].row.changes.erase(
      std::find(rows_[row].row.changes.begin(), rows_[row].row.changes.end(), changes[0]));
  return absl::OkStatus();
}

absl::Status Plan::CheckAloneConfigHolds() const {
  const StringList& alone = options_.student_alone_config;
  if (alone.empty()) return absl::OkStatus();
  StringList files = options_.config_files;
  files.insert(files.end(), alone.begin(), alone.end());
  FileSystem& fs = *options_.file_system;
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment tuned, LoadExperiment(files, {}, fs));
  for (const std::string& text : options_.overrides) {
    proto::Experiment changed = tuned;
    // What is no setting is told where it is applied.
    if (!ApplyOverride(text, &changed).ok()) continue;
    proto::Experiment tuned_again = changed;
    TANDEM_RETURN_IF_ERROR(LoadOver(alone, {}, &tuned_again, fs));
    if (ConfigDifferences(changed, tuned_again, "", "").empty()) continue;
    return ConfigError("'", text, "': undoes what student_alone_config says (", absl::StrJoin(alone, ", "),
                       "), STUDENT_ALONE's own tuning; say it in a file of the common configuration, which "
                       "that one goes over, or leave it out there");
  }
  return absl::OkStatus();
}

absl::Status Plan::FindAloneChanges() {
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment experiment,
                          LoadExperiment(options_.config_files, options_.overrides, *options_.file_system));
  if (experiment.model().distill().has_stored_logits())
    alone_changes_.push_back("clear=model.distill.stored_logits");
  if (experiment.data().unlabelled() == proto::Data::USE_TEACHER)
    alone_changes_.push_back("data.unlabelled=DROP");
  // As wide as beside a teacher; all else of it is its own tuning's.
  const proto::OwnEmbedding& own = experiment.model().distill().own_embedding();
  if (options_.student_alone_config.empty() && own.has_dim() && PlanOf(experiment).own_embedding)
    alone_changes_.push_back(absl::StrCat("embedding.dim=", own.dim()));
  return absl::OkStatus();
}

StringList Plan::ChangesOf(const std::string& method) const {
  StringList changes = {"model.method=" + method};
  if (method == "STUDENT_ALONE") changes.insert(changes.end(), alone_changes_.begin(), alone_changes_.end());
  return changes;
}

absl::Status Plan::AddWidth(const std::string& width) {
  const bool good = !width.empty() && width.find_first_not_of("0123456789-") == std::string::npos;
  if (!good) return ConfigError("frontier: '", width, "' is not like 16-8");
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

absl::Status Plan::AddMethods() {
  StringList methods = {"TEACHER_ALONE", "STUDENT_ALONE"};
  for (const std::string& method : options_.methods) {
    proto::Method parsed;
    if (!proto::Method_Parse(method, &parsed)) {
      StringList known;
      for (int i = 0; i < proto::Method_descriptor()->value_count(); ++i)
        known.push_back(proto::Method_descriptor()->value(i)->name());
      return ConfigError("methods: no method '", method, "'", DidYouMean(method, known));
    }
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) continue;
    if (methods.size() == 2) main_method_ = method;
    methods.push_back(method);
  }
  for (const std::string& method : methods) {
    TANDEM_RETURN_IF_ERROR(Add(method, ChangesOf(method)).status());
    if (!HasRow(method)) return ConfigError("methods: ", method, " trains what another method trains");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PlannedRow>> Plan::Make() {
  for (const std::string& text : options_.overrides) {
    if (absl::StartsWith(text, "train.seed=") || absl::StartsWith(text, "model.method="))
      return ConfigError("'", text, "': the comparison's seeds and methods say that");
  }
  TANDEM_RETURN_IF_ERROR(CheckAloneConfigHolds());
  TANDEM_RETURN_IF_ERROR(FindAloneChanges());
  TANDEM_RETURN_IF_ERROR(AddMethods());
  for (const CompareOptions::Variant& variant : options_.variants)
    TANDEM_RETURN_IF_ERROR(AddVariant(variant));
  for (const std::string& width : options_.frontier) TANDEM_RETURN_IF_ERROR(AddWidth(width));
  return std::move(rows_);
}

}  // namespace

absl::StatusOr<std::vector<PlannedRow>> PlanRows(const CompareOptions& options) {
  return Plan(options).Make();
}

absl::StatusOr<CompareOptions::Variant> ParseVariant(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos)
    return ConfigError("variant: '", text, "': not NAME:key=value;key=value");
  CompareOptions::Variant variant;
  variant.name = std::string(text.substr(0, colon));
  for (const absl::string_view change : absl::StrSplit(text.substr(colon + 1), ';', absl::SkipWhitespace()))
    variant.changes.emplace_back(absl::StripAsciiWhitespace(change));
  return variant;
}

}  // namespace tandem
