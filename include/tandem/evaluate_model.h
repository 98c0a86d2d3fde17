// Metrics of a model's towers on labelled files: what `evaluate` tells, `daily` judges by and `compare`
// compares.
//
//   TANDEM_ASSIGN_OR_RETURN(const ModelEvaluation evaluation, EvaluateModel(*predictor, files));
//   if (evaluation.student) std::cout << evaluation.student->all.auc.value_or(0.5);
//
// Thread-safe: the predictor may be scored with by others meanwhile.
#ifndef TANDEM_EVALUATE_MODEL_H_
#define TANDEM_EVALUATE_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/evaluation.h"
#include "tandem/predictor.h"
#include "tandem/unknown_ids.h"

namespace tandem {

struct ModelEvaluation {
  int64_t rows = 0;        // with a label
  int64_t unlabelled = 0;  // left out for want of one
  int64_t rows_without_group = 0;
  std::optional<Evaluation> teacher, student;
  std::string teacher_name = "teacher";  // what reports call it: "committee", "member 1" where that was asked
  std::vector<Evaluation> members;       // of a committee (PredictorOptions::members)
  std::vector<FeatureIds> ids;           // of sparse features, and how many of them the model doesn't know
  std::string group_column;              // whose values GAUC and users seen and unseen go by; "" without one
};

// What the teacher's metrics are of.
struct TeacherChoice {
  bool committee = false;  // it has to be one
  // Of a committee, from 0: this member alone. The predictor scores members (PredictorOptions::members).
  std::optional<int> member;
};

// A ConfigError where the choice asks for a committee, or a member, that the model doesn't have; errors as
// ScoreFiles's (tandem/score_files.h).
absl::StatusOr<ModelEvaluation> EvaluateModel(const Predictor& predictor,
                                              const std::vector<std::string>& files,
                                              const TeacherChoice& choice = {});

// {"rows":...,"teacher":{...},"student":{...}}: a tower as EvaluationToJson has it; "unlabelled"
// and "rows_without_group" where there are such rows, "tower" where the teacher has another name; then
// "fields":{"user":{"ids":...,"unknown_ids":0.12},...}, the share of a sparse feature's ids that the model
// doesn't know.
std::string ModelEvaluationToJson(const ModelEvaluation& evaluation);

// The same for people: a table of the metrics that says what each of them is, and one of calibration.
std::string ModelEvaluationText(const ModelEvaluation& evaluation);

}  // namespace tandem

#endif  // TANDEM_EVALUATE_MODEL_H_
