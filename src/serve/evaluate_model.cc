#include "tandem/evaluate_model.h"

#include <glog/logging.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "src/util/json_text.h"
#include "tandem/dual_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/score_files.h"
#include "tandem/status.h"

namespace tandem {
namespace {

absl::Status CheckChoice(const TeacherChoice& choice, const Predictor& predictor) {
  if (!choice.committee && !choice.member.has_value()) return absl::OkStatus();
  const int members = predictor.has_teacher() ? predictor.model().teacher().size() : 0;
  if (members < 2) {
    return ConfigError(predictor.directory(), " has ", members == 1 ? "one" : "no",
                       " teacher, and no committee");
  }
  const int member = choice.member.value_or(0);
  if (member >= 0 && member < members) return absl::OkStatus();
  return ConfigError(predictor.directory(), " has ", members, " members, from 0 to ", members - 1,
                     ", and no member ", member);
}

void KeepChosen(const TeacherChoice& choice, ModelEvaluation* evaluation) {
  if (choice.committee) evaluation->teacher_name = "committee";
  if (!choice.member.has_value()) return;
  CHECK_LT(*choice.member, static_cast<int>(evaluation->members.size())) << "members aren't scored";
  evaluation->teacher_name = absl::StrCat("member ", *choice.member);
  evaluation->teacher = evaluation->members[*choice.member];
}

}  // namespace

absl::StatusOr<ModelEvaluation> EvaluateModel(const Predictor& predictor,
                                              const std::vector<std::string>& files,
                                              const TeacherChoice& choice) {
  TANDEM_RETURN_IF_ERROR(CheckChoice(choice, predictor));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<TowerLogs> all, ScoreFiles({&predictor}, files));
  const TowerLogs& logs = all[0];
  ModelEvaluation evaluation;
  evaluation.group_column = predictor.experiment().data().group_column();
  const bool with_groups = !evaluation.group_column.empty();
  evaluation.rows = std::max(logs.teacher.rows(), logs.student.rows());
  evaluation.unlabelled = logs.unlabelled;
  evaluation.ids = logs.ids;
  for (const std::string& warning : UnknownIdWarnings(predictor, logs.ids)) LOG(WARNING) << warning;
  if (predictor.has_teacher()) evaluation.teacher = Evaluate(logs.teacher, with_groups, logs.seen);
  if (predictor.has_student()) evaluation.student = Evaluate(logs.student, with_groups, logs.seen);
  for (const ScoreLog& member : logs.members)
    evaluation.members.push_back(Evaluate(member, with_groups, logs.seen));
  for (const std::optional<Evaluation>& tower : {evaluation.teacher, evaluation.student})
    if (tower.has_value()) evaluation.rows_without_group = tower->all.rows_without_group;
  KeepChosen(choice, &evaluation);
  return evaluation;
}

std::string ModelEvaluationToJson(const ModelEvaluation& evaluation) {
  nlohmann::ordered_json report;
  report["rows"] = evaluation.rows;
  if (evaluation.unlabelled > 0) report["unlabelled"] = evaluation.unlabelled;
  if (evaluation.rows_without_group > 0) report["rows_without_group"] = evaluation.rows_without_group;
  const auto add = [&](const char* name, const std::optional<Evaluation>& tower) {
    if (tower.has_value()) report[name] = nlohmann::ordered_json::parse(EvaluationToJson(*tower));
  };
  if (evaluation.teacher_name != "teacher") report["tower"] = evaluation.teacher_name;
  add("teacher", evaluation.teacher);
  add("student", evaluation.student);
  for (const FeatureIds& feature : evaluation.ids)
    report["fields"][feature.name] = {{"ids", feature.ids}, {"unknown_ids", feature.unknown_share()}};
  return JsonText(report);
}

}  // namespace tandem
