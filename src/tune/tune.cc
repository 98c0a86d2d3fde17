#include "tandem/tune.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/train/run_directory.h"
#include "src/train/validation.h"
#include "src/tune/rematch.h"
#include "src/tune/search.h"
#include "src/tune/tune_files.h"
#include "src/tune/tune_report.h"
#include "src/tune/tune_state.h"
#include "src/util/progress.h"
#include "src/util/seal.h"
#include "tandem/durable_files.h"
#include "tandem/experiment.h"
#include "tandem/experiment.pb.h"
#include "tandem/kernels.h"
#include "tandem/status.h"

namespace tandem {
namespace {

constexpr char kCommand[] = "tandem tune";
// Where a configuration holds no rows out.
constexpr double kHeldOut = 0.12;
constexpr int kPatience = 4;
constexpr double kLeastTrainings = 3;

// Rows that decide; says what it adds.
std::string AddValidation(const TuneOptions& options, proto::Experiment* experiment) {
  if (experiment->train().has_validation()) return "";
  proto::Validation& validation = *experiment->mutable_train()->mutable_validation();
  validation.set_patience(kPatience);
  if (options.days.size() > 1) {
    validation.set_days(1);
    validation.set_then_learn(true);
    return "The configuration holds no rows out (train.validation), and a tuning needs some: the window's "
           "last day decides here, and is learned afterwards in what is written.";
  }
  validation.set_share(kHeldOut);
  return absl::StrFormat(
      "The configuration holds no rows out (train.validation), and a tuning needs some: %.0f of a hundred "
      "are held out here, and in what is written.",
      100 * kHeldOut);
}

absl::StatusOr<std::string> DataText(FileSystem& fs, const std::vector<Day>& days) {
  std::string text;
  for (const Day& day : days) {
    for (const std::string& file : day.files) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t size, fs.Size(file));
      absl::StrAppend(&text, text.empty() ? "" : ", ", file, " ", size);
    }
  }
  return text;
}

std::string OutputOf(const TuneOptions& options) {
  return options.output.empty() ? options.run_dir + "/best.pbtxt" : options.output;
}

absl::Status CheckOutput(FileSystem& fs, const TuneOptions& options) {
  const std::string output = OutputOf(options);
  if (!fs.Exists(output)) return absl::OkStatus();
  if (fs.IsDirectory(output)) return ConfigError("output: ", output, " is a directory; name a file");
  if (options.replace) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(output));
  if (IsUntouched(text, kCommand)) return absl::OkStatus();
  return ConfigError("output: ", output,
                     " is there, and no tuning wrote it as it is; name another file, or replace it (force)");
}

// Claims run_dir, and keeps the configuration there, or sees that it is the same.
absl::StatusOr<RunDirectory> ClaimDirectory(FileSystem& fs, const proto::Experiment& experiment,
                                            const TuneOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(RunDirectory directory,
                          RunDirectory::Open(fs, options.run_dir, options.resume, kGivenFile));
  const std::string path = GivenPath(options.run_dir);
  if (directory.fresh()) {
    TANDEM_RETURN_IF_ERROR(directory.Claim(fs));
    std::string text;
    google::protobuf::TextFormat::PrintToString(experiment, &text);
    TANDEM_RETURN_IF_ERROR(WriteFileAtomically(fs, path, text));
    return directory;
  }
  TANDEM_ASSIGN_OR_RETURN(const proto::Experiment before, LoadExperiment({path}, {}, fs));
  const std::string difference = ConfigDifferences(before, experiment, path, "this call");
  if (!difference.empty()) return ConfigError("resume: ", difference, "; a tuning keeps its configuration");
  TANDEM_RETURN_IF_ERROR(directory.Claim(fs));
  return directory;
}

std::string TrainCommandText(const TuneOptions& options) {
  const std::string& last_day = options.days.back().date;
  return absl::StrCat("tandem train --config=", OutputOf(options), " --run_dir=run",
                      last_day.empty() ? "" : absl::StrCat(" --end_date=", last_day));
}

// The winner, or without one the configuration as it is.
absl::Status WriteBest(const proto::Experiment& experiment, const TuneOptions& options,
                       const TuneState& state, const TuneVerdict& verdict, const std::string& note) {
  const bool leads =
      verdict.kind == TuneVerdict::kBetter || (verdict.kind == TuneVerdict::kNotConfirmed && state.stopped());
  const Ledger& ledger = state.ledger();
  const Settings settings = leads ? ledger.trials()[verdict.trial].settings : Settings();
  proto::Experiment best = experiment;
  TANDEM_RETURN_IF_ERROR(ApplySettings(settings, &best));
  std::vector<std::string> facts = {
      absl::StrCat("Written by `", kCommand, "` from ", options.name, ": ", ledger.trials().size(),
                   " trials in ", FormatDuration(ledger.spent()), "."),
      VerdictText(verdict, ledger.trials())};
  if (!note.empty()) facts.push_back(note);
  facts.push_back(settings.empty() ? "So this is the configuration as it was." : "What differs:");
  const std::string text =
      TunedConfiguration(best, state.space(), settings, facts, TrainCommandText(options));
  TANDEM_RETURN_IF_ERROR(ParseExperiment(text, "the best configuration").status());
  TANDEM_RETURN_IF_ERROR(CheckOutput(*options.file_system, options));
  return WriteFileAtomically(*options.file_system, OutputOf(options), Sealed(text, kCommand));
}

// The configuration as it is was not trained to its end. What a budget holds is then known, if roughly: three
// trainings of all passes give it something to compare with.
absl::Status TooSmallBudget(const proto::Experiment& experiment, const Ledger& ledger) {
  const int passes = ledger.trials().empty() ? 0 : ledger.trials()[0].passes;
  const int epochs = experiment.train().epochs();
  const double wanted = kLeastTrainings * ledger.budget() * epochs / std::max(1, passes);
  return absl::DeadlineExceededError(absl::StrCat(
      "the budget of ", FormatDuration(ledger.budget()),
      " is over before the configuration as it is was trained once (", passes, " of at most ", epochs,
      epochs == 1 ? " pass" : " passes", "); ", FormatDuration(std::ceil(wanted)),
      passes == 0 ? " or more" : "", " would do: resume with budget=", FormatDuration(std::ceil(wanted))));
}

absl::StatusOr<TuneSummary> Conclude(const proto::Experiment& experiment, const TuneOptions& options,
                                     const TuneState& state, const TuneVerdict& verdict,
                                     const std::string& note) {
  TuneSummary summary;
  if (state.stopped()) summary.stopped_by = *options.stop;
  const Ledger& ledger = state.ledger();
  summary.trials = static_cast<int>(ledger.trials().size());
  if (ledger.trials().empty() || ledger.trials()[0].state != Trial::kDone) {
    if (summary.stopped_by != 0) return summary;
    return TooSmallBudget(experiment, ledger);
  }
  TANDEM_RETURN_IF_ERROR(WriteBest(experiment, options, state, verdict, note));
  summary.output = OutputOf(options);
  summary.better = verdict.kind == TuneVerdict::kBetter;
  if (verdict.gain.has_value()) {
    summary.gain = verdict.gain->gain;
    summary.error = verdict.gain->error;
  }
  summary.text = absl::StrCat(TrialsTable(ledger.trials(), ledger.confirmations()), "\n",
                              VerdictText(verdict, ledger.trials()), "\n");
  return summary;
}

}  // namespace

absl::StatusOr<TuneSummary> RunTuning(const proto::Experiment& experiment, const TuneOptions& options) {
  FileSystem& fs = *options.file_system;
  proto::Experiment given = experiment;
  const std::string note = AddValidation(options, &given);
  proto::Experiment resolved = given;
  ResolveDefaults(&resolved);
  TANDEM_RETURN_IF_ERROR(ValidateExperiment(resolved));
  TANDEM_RETURN_IF_ERROR(Validation::Create(resolved, TrainedParts::kAll, options.days).status());
  TANDEM_RETURN_IF_ERROR(CheckOutput(fs, options));
  TANDEM_ASSIGN_OR_RETURN(const std::string data, DataText(fs, options.days));
  TANDEM_ASSIGN_OR_RETURN(const RunDirectory directory, ClaimDirectory(fs, experiment, options));
  TANDEM_ASSIGN_OR_RETURN(Ledger ledger, Ledger::Open(fs, options.run_dir + "/trials.jsonl", data,
                                                      KernelsOrBest(options.kernels).name()));
  const double budget = options.budget > 0 ? options.budget : ledger.budget();
  if (budget <= 0) return ConfigError("budget: none given");
  TANDEM_RETURN_IF_ERROR(ledger.Budget(budget, ledger.spent()));
  if (!note.empty() && options.progress != nullptr) options.progress(note);
  TuneState state(resolved, options, std::move(ledger));
  const absl::Status searched = Search(&state).Run();
  const std::vector<Trial>& trials = state.ledger().trials();
  const bool measured = !trials.empty() && trials[0].state == Trial::kDone;
  if (!searched.ok()) {
    if (directory.fresh() && !measured) directory.Leave(fs, {"trials.jsonl", "trials", kGivenFile});
    return searched;
  }
  TuneVerdict verdict;
  if (measured) {
    Rematch rematch(&state);
    TANDEM_RETURN_IF_ERROR(rematch.Run());
    TANDEM_ASSIGN_OR_RETURN(const ConfirmedLosses confirmed, rematch.Losses());
    verdict = Judge(trials, confirmed, rematch.same_rows());
  }
  return Conclude(given, options, state, verdict, note);
}

}  // namespace tandem
