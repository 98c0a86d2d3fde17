// Trains, judges and exports inside a program of your own: what `tandem train`, `evaluate` and `export` do.
//
//   train_in_process experiment.pbtxt 'logs/{date}.tsv.gz' 2026-01-03 logs/2026-01-04.tsv.gz work
//
// Trains teacher and student on the window of days that ends on 2026-01-03 and tells of every day; prints
// both towers' metrics on the file of the next day; and exports the student to work/bundle, for
// examples/score_in_process to serve. Called again after it was killed in training, it goes on where it was;
// called after it was done, it judges again, and leaves the bundle as it is.
#include <iostream>
#include <string>

#include "tandem/evaluate_model.h"
#include "tandem/experiment.pb.h"
#include "tandem/export.h"
#include "tandem/file_system.h"
#include "tandem/predictor.h"
#include "tandem/run.h"
#include "tandem/run_observer.h"
#include "tandem/setup.h"
#include "tandem/status.h"

namespace {

class Progress : public tandem::RunObserver {
  absl::Status OnDay(const tandem::DayReport& day) override {
    std::cout << day.day << ": " << day.rows << " rows";
    if (day.student.has_value()) std::cout << ", log loss before learning " << *day.student->logloss;
    std::cout << "\n";
    return absl::OkStatus();  // an error would end the run, to be resumed
  }
};

absl::Status TrainJudgeExport(const std::string& config, const std::string& log, const std::string& end_date,
                              const std::string& test, const std::string& work) {
  tandem::FileSystem& fs = tandem::FileSystem::Default();
  TANDEM_ASSIGN_OR_RETURN(const tandem::proto::Experiment experiment,
                          tandem::ExperimentToTrain(fs, {config}, {"train.epochs=1", "data.path=" + log}));

  tandem::RunOptions options;
  options.run_dir = work + "/run";
  options.resume = true;
  options.quiet = true;
  Progress progress;
  options.observer = &progress;
  TANDEM_ASSIGN_OR_RETURN(options.days, tandem::DaysToTrain(fs, experiment, end_date));
  TANDEM_ASSIGN_OR_RETURN(const tandem::RunSummary run, tandem::TrainRun(experiment, options));
  std::cout << run.steps << " steps\n";

  TANDEM_ASSIGN_OR_RETURN(const auto predictor, tandem::Predictor::Load(options.run_dir, {}));
  TANDEM_ASSIGN_OR_RETURN(const auto evaluation, tandem::EvaluateModel(*predictor, {test}));
  std::cout << tandem::ModelEvaluationToJson(evaluation) << "\n";

  const std::string bundle = work + "/bundle";
  if (fs.Exists(bundle)) {
    // A bundle is never written over: somebody may be serving it.
    std::cout << bundle << " is there already and stays; remove it to have it exported anew\n";
    return absl::OkStatus();
  }
  return tandem::ExportBundle(fs, predictor->directory(), bundle, {}).status();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::cerr << "usage: train_in_process CONFIG LOG END_DATE TEST_FILE WORK_DIR\n", 2;
  const absl::Status status = TrainJudgeExport(argv[1], argv[2], argv[3], argv[4], argv[5]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return tandem::ExitCode(status);
}
