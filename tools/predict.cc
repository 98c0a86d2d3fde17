// tandem predict: scores files, rows in input order, in bounded memory.
#include <gflags/gflags.h>
#include <glog/logging.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "tandem/day_files.h"
#include "tandem/predict_files.h"
#include "tandem/served_model.h"
#include "tandem/status.h"
#include "tools/command.h"
#include "tools/common.h"
#include "tools/path_list.h"

DEFINE_string(
    tower, "student",
    "predict: student, teacher or both: the columns of the output. evaluate: these (both unless said "
    "otherwise), committee, or member:K, the K-th of its members from 0.");

namespace tandem {
namespace {

absl::StatusOr<TowerChoice> ChosenTower() {
  if (FLAGS_tower == "student") return TowerChoice::kStudent;
  if (FLAGS_tower == "teacher") return TowerChoice::kTeacher;
  if (FLAGS_tower == "both") return TowerChoice::kBoth;
  return ConfigError("--tower=", FLAGS_tower, ": 'student', 'teacher' or 'both'");
}

absl::StatusOr<int> RunPredict(const Invocation& invocation) {
  PredictorOptions options;
  TANDEM_ASSIGN_OR_RETURN(options.towers, ChosenTower());
  options.data_overrides = invocation.overrides;
  TANDEM_ASSIGN_OR_RETURN(options.kernels, ChosenKernels());
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> model, ServedModel::Open(FLAGS_model, options));
  const std::shared_ptr<const Predictor> first = model->current();
  if (options.towers == TowerChoice::kBoth && !(first->has_teacher() && first->has_student())) {
    return ConfigError("--tower=both: ", first->directory(), " has a ",
                       first->has_teacher() ? "teacher" : "student", " only");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                          FindFiles(FileSystem::Default(), SplitPaths(FLAGS_input)));
  TANDEM_RETURN_IF_ERROR(CheckOutputFile(files, FLAGS_output));
  TANDEM_ASSIGN_OR_RETURN(Output output, Output::Open(FLAGS_output));
  PredictFilesOptions predict;
  predict.profile = FLAGS_profile;
  const auto write = [&](absl::string_view text) { return output.Write(text); };
  TANDEM_ASSIGN_OR_RETURN(const PredictedRows predicted, PredictFiles(model.get(), files, write, predict));
  TANDEM_RETURN_IF_ERROR(output.Finish());
  std::fputs(predicted.profile.c_str(), stderr);
  LOG(INFO) << predicted.rows << " rows, " << predicted.malformed << " of them malformed and without a score";
  return kExitDone;
}

}  // namespace

Command PredictCommand() {
  return {"predict",
          "scores samples with a model, rows in input order",
          "  tandem predict --model=bundle --input='logs/2000-12-02.tsv.gz' --output=scores.tsv\n\n"
          "Writes TSV with a header: data.key_columns, then a click probability a tower. A malformed row "
          "keeps its place with "
          "an empty\nscore; more than data.max_bad_fraction of a file is an error. Labels are not needed.\n"
          "A --model that is a link (RUN/published) is followed anew before every file.",
          {"model", "input", "output", "tower", "kernels", "profile"},
          {"model", "input"},
          {"data.", "runtime."},
          RunPredict};
}

}  // namespace tandem
